"""Dimensions in a text: `4.00 x 2.50 x 0.20 m`, `12 m x 30 x 50 cm`, `8 x 0.40 x 0.40 x 3.00 m`."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from stretto.workflows.project_audit.rules._units import Unit
from stretto.workflows.project_audit.rules._words import number

_NUMBER: Final = r"[0-9]{1,5}(?:[.,][0-9]{1,3})?"
_SIDE: Final = rf"{_NUMBER} ?(?:mm|cm|m)?"
_PRODUCT: Final = re.compile(rf"(?<![\w.,]){_SIDE}(?: ?[x*] ?{_SIDE}){{1,3}}(?![\w]|[.,][0-9])", re.IGNORECASE)
_SIDES: Final = re.compile(rf"({_NUMBER}) ?(mm|cm|m)?", re.IGNORECASE)
_PIECES: Final = re.compile(r"(?<![\w.,/])([1-9][0-9]{0,3}) ?(?:pcs|pieces|stk|stck|stück|no|nos|nr)\b", re.IGNORECASE)
_WHOLE: Final = re.compile(r"(?<![\w.,/])[1-9][0-9]{0,3}(?![\w,/]|[.][0-9])")
_METRES: Final = {"mm": Decimal("0.001"), "cm": Decimal("0.01"), "m": Decimal(1)}
_THOUSANDS: Final = re.compile(r"[.,](?=[0-9]{3}$)")
_PLACES: Final = Decimal("0.001")
"""A litre; it also keeps sums exact, so that they do not depend on the order of what is added."""
_SIDES_OF: Final = {2: Unit.M2, 3: Unit.M3}


@dataclass(frozen=True, slots=True)
class Dimensions:
    """An area or a volume that a text gives, how many of it, and what other whole numbers stand around it."""

    amount: Decimal
    unit: Unit
    count: int
    whole_numbers: frozenset[int]

    @property
    def total(self) -> Decimal:
        """All pieces together."""
        return self.amount * self.count

    def explains(self, quantity: Decimal, percent_max: int) -> bool:
        """Whether a quantity is what the dimensions give, or as many times that as the text says in some word."""
        counts = {1, self.count, *self.whole_numbers}
        return any(abs(quantity - self.amount * n) * 100 <= self.amount * n * percent_max for n in counts)


def dimensions_of(text: str) -> Dimensions | None:
    """The first dimensions of a plain text that have a unit; those that come to nothing are none."""
    for found in _PRODUCT.finditer(text):
        sides, count = _counted(_SIDES.findall(found[0]))
        metres = _in_metres(sides)
        if metres and len(metres) in _SIDES_OF:
            return _made(text, found, metres, count)
    return None


def _made(text: str, found: re.Match[str], metres: list[Decimal], count: int | None) -> Dimensions | None:
    around = f"{text[: found.start()]} {text[found.end() :]}"
    pieces = _PIECES.search(around)
    amount = Decimal(1)
    for side in metres:
        amount *= side
    amount = amount.quantize(_PLACES)
    if not amount:
        return None
    return Dimensions(
        amount=amount,
        unit=_SIDES_OF[len(metres)],
        count=count or (int(pieces[1]) if pieces else 1),
        whole_numbers=frozenset(int(each) for each in _WHOLE.findall(around)),
    )


def _counted(sides: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], int | None]:
    """Of four factors, the first is a number of pieces, where it can be one."""
    first, unit = sides[0]
    if len(sides) == max(_SIDES_OF) + 1 and first.isdigit() and int(first) and not unit:
        return sides[1:], int(first)
    return sides, None


def _in_metres(sides: list[tuple[str, str]]) -> list[Decimal] | None:
    """The lengths. One without a unit has that of the next with one, else of the last; None where there is no unit."""
    unit = next((unit.casefold() for _, unit in reversed(sides) if unit), None)
    if unit is None:
        return None
    metres = []
    for figure, own in reversed(sides):
        unit = own.casefold() or unit
        metres.append(_length(figure, unit))
    return metres[::-1]


def _length(figure: str, unit: str) -> Decimal:
    # Nobody gives thousandths of a millimetre: in `1,200 mm` the comma parts thousands.
    return number(_THOUSANDS.sub("", figure) if unit == "mm" else figure) * _METRES[unit]
