"""What a text says of concrete: exposure and strength classes, cover, water-cement ratio, cement.

Where a text says one of them twice, the weaker one counts: an audit errs on the careful side.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from stretto.workflows.project_audit.rules._standards import EXPOSURES, STRENGTHS, rank
from stretto.workflows.project_audit.rules._words import number

COVER_MM: Final = (5, 150)
RATIO: Final = (Decimal("0.2"), Decimal("1.2"))
"""What lies outside of these is something else, such as a manhole's cover of 600 mm."""

_EXPOSURE: Final = re.compile(
    r"(?<!\w)X(?:0(?![\w]|[.,][0-9])|([CDSFA]) ?([0-9]{1,2}(?:/[0-9])*)(?![0-9]))", re.IGNORECASE
)
_STRENGTH: Final = re.compile(r"(?<!\w)C ?([0-9]{1,3}) ?/ ?([0-9]{1,3})(?![0-9])", re.IGNORECASE)
_DECKUNG: Final = r"(?:beton)?(?:über|ueber)?deckung"
_LENGTH: Final = r"([0-9]{1,3}(?:[.,][0-9])?)(?: ?/ ?([0-9]{1,3}))? ?(mm|cm)?(?![\w])"
_COVER: Final = re.compile(
    rf"(?<![\w])(min(?:imum|\.)? ?(?:concrete )?cover|mindest{_DECKUNG}|(?:(?:cover|{_DECKUNG}) ?\(?)?c[ _,.]?min"
    rf"|c[ _,.]?nom|nom[ .]{{0,2}}c|cover|{_DECKUNG})(?![a-z])[^0-9;]{{0,25}}{_LENGTH}",
    re.IGNORECASE,
)
_COVERED: Final = re.compile(
    rf"(?<![\w.,/])([0-9]{{1,3}}(?:[.,][0-9])?)() ?(mm|cm) (?:of )?(?:nominal |concrete )*(?:cover|{_DECKUNG})\b",
    re.IGNORECASE,
)
_RATIO: Final = re.compile(
    r"(?:(?<!\w)w ?/ ?[cz](?!\w)|water[- /]+cement|wasser[- ]?zement)[^0-9;]{0,20}([01]?[.,][0-9]{1,3})", re.IGNORECASE
)
_CEMENT: Final = re.compile(
    r"(?:cement|zement)[^0-9;]{0,25}([0-9]{3}) ?kg|(?<![0-9.,])([0-9]{3}) ?kg(?:/m3)? (?:of )?(?:cement|zement)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Cover:
    """A concrete cover; a nominal one unless the text says `c_min` or `minimum cover`."""

    millimetres: Decimal
    least: bool


@dataclass(frozen=True, slots=True)
class Concrete:
    """What a text says of concrete; None where it says nothing. Names that no standard knows are kept apart."""

    exposures: tuple[str, ...] = ()
    exposures_unknown: tuple[str, ...] = ()
    strength: str | None = None
    strengths_unknown: tuple[str, ...] = ()
    cover: Cover | None = None
    ratio: Decimal | None = None
    cement: int | None = None


def concrete_in(text: str) -> Concrete:
    """What a plain text says of concrete."""
    exposures, strengths = _exposures(text), [f"C{a}/{b}" for a, b in _STRENGTH.findall(text)]
    return Concrete(
        exposures=tuple(name for name in EXPOSURES if name in exposures),
        exposures_unknown=tuple(name for name in exposures if name not in EXPOSURES),
        strength=min((name for name in strengths if name in STRENGTHS), key=rank, default=None),
        strengths_unknown=tuple(name for name in strengths if name not in STRENGTHS),
        cover=min(_covers(text), key=lambda cover: cover.millimetres, default=None),
        ratio=max(_ratios(text), default=None),
        cement=min((int(before or after) for before, after in _CEMENT.findall(text)), default=None),
    )


def _exposures(text: str) -> list[str]:
    """The exposure classes that a text names, each once; `XC3/4` names two."""
    found: dict[str, None] = {}
    for family, digits in _EXPOSURE.findall(text):
        names = [f"X{family.upper()}{digit}" for digit in digits.split("/")] if family else ["X0"]
        found |= dict.fromkeys(names)
    return list(found)


def _covers(text: str) -> list[Cover]:
    found = [("min" in name.casefold(), figures) for name, *figures in _COVER.findall(text)]
    found += [(False, list(figures)) for figures in _COVERED.findall(text)]
    covers = [_cover(least, figure, unit) for least, (*two, unit) in found for figure in filter(None, two)]
    return [cover for cover in covers if COVER_MM[0] <= cover.millimetres <= COVER_MM[1]]


def _cover(least: bool, figure: str, unit: str) -> Cover:  # noqa: FBT001 - a field
    # Without a unit it is millimetres, but nobody specifies less than 10 of them: `cover 4` means centimetres.
    value = number(figure)
    centimetres = unit.casefold() == "cm" or (not unit and value < 10)  # noqa: PLR2004
    return Cover(value * 10 if centimetres else value, least)


def _ratios(text: str) -> list[Decimal]:
    found = (number(figure) for figure in _RATIO.findall(text))
    return [ratio for ratio in found if RATIO[0] <= ratio <= RATIO[1]]
