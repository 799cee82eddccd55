"""Money: decimals with two places, never floats."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

ZERO: Final = Decimal("0.00")
CENT: Final = Decimal("0.01")


def money(text: str) -> Decimal:
    """An amount as the contract has it. Texts with more than two places are refused there."""
    return Decimal(text).quantize(CENT)


def rounded(amount: Decimal) -> Decimal:
    """An amount that came out of a division, to the cent; halves away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    return sum(amounts, ZERO)


def percent(part: Decimal, whole: Decimal) -> int:
    """A share in whole percent; 0 of nothing."""
    return int((100 * part / whole).quantize(Decimal(1), ROUND_HALF_UP)) if whole > 0 else 0
