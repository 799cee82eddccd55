"""Units: what each is called in bills of quantities, and what it is in the unit that is added up."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Final

from stretto.workflows.project_audit.rules._words import plain


class Unit(StrEnum):
    """A unit that amounts are added up in."""

    M3 = "m3"
    M2 = "m2"
    M = "m"
    KG = "kg"
    PIECES = "pcs"
    HOURS = "h"
    DAYS = "d"
    LUMP_SUM = "lump sum"


_NAMES: Final = {
    Unit.M3: {
        "1": "m3 cbm cum cubm kubikmeter cubicmeter cubicmeters cubicmetre cubicmetres",
        "0.001": "l ltr liter litre liters litres dm3",
    },
    Unit.M2: {
        "1": "m2 qm sqm sm quadratmeter squaremeter squaremeters squaremetre squaremetres",
        "10000": "ha",
        "0.0001": "cm2",
    },
    Unit.M: {
        "1": "m lfm lfdm lm rm stgm meter metre meters metres",
        "1000": "km",
        "0.1": "dm",
        "0.01": "cm",
        "0.001": "mm",
    },
    Unit.KG: {"1": "kg kgs", "1000": "t to ton tons tonne tonnes tonnen", "0.001": "g"},
    Unit.PIECES: {"1": "pcs pc pce piece pieces stk stck st stück stueck nr no nos ea each"},
    Unit.HOURS: {"1": "h hr hrs hour hours std stunde stunden"},
    Unit.DAYS: {"1": "d day days tag tage"},
    Unit.LUMP_SUM: {"1": "ls lumpsum sum item psch psh pausch pauschal pauschale pa psl"},
}
_KNOWN: Final = {
    name: (unit, Decimal(factor))
    for unit, factors in _NAMES.items()
    for factor, names in factors.items()
    for name in names.split()
}
_PUNCTUATION: Final = re.compile(r"[\s.^_]+")


def unit_of(text: str) -> tuple[Unit, Decimal] | None:
    """The unit that a text names, and how much of it one is; None where it names none that is known."""
    return _KNOWN.get(_PUNCTUATION.sub("", plain(text).casefold()))
