"""The standards: EN 206, Table F.1, and EN 1992-1-1, Table 4.4N, structural class S4, deviation 10 mm.

These are the recommended values; a national annex may ask for others.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

DEVIATION_MM: Final = 10
"""What a nominal cover has beyond the least one."""

AIR_PERCENT_MIN: Final = 4
AIRED: Final = ("XF4", "XF3", "XF2")
"""Classes whose concrete has that much air, unless its resistance to frost is proved in another way."""

STRENGTHS: Final = (
    *("C8/10", "C12/15", "C16/20", "C20/25", "C25/30", "C30/37", "C35/45", "C40/50"),
    *("C45/55", "C50/60", "C55/67", "C60/75", "C70/85", "C80/95", "C90/105", "C100/115"),
)
"""The strength classes of normal-weight concrete, the weakest first."""


@dataclass(frozen=True, slots=True)
class Row:
    """What an exposure class asks for; None where for nothing. Frost and chemicals have no cover of their own."""

    strength: str
    ratio_max: Decimal | None
    cement_min: int | None
    cover_min: int | None


def _row(strength: str, ratio: str, cement: int, cover: int | None) -> Row:
    return Row(strength, Decimal(ratio), cement, cover)


EXPOSURES: Final = {
    "X0": Row("C12/15", None, None, 10),
    "XC1": _row("C20/25", "0.65", 260, 15),
    "XC2": _row("C25/30", "0.60", 280, 25),
    "XC3": _row("C30/37", "0.55", 280, 25),
    "XC4": _row("C30/37", "0.50", 300, 30),
    "XS1": _row("C30/37", "0.50", 300, 35),
    "XS2": _row("C35/45", "0.45", 320, 40),
    "XS3": _row("C35/45", "0.45", 340, 45),
    "XD1": _row("C30/37", "0.55", 300, 35),
    "XD2": _row("C30/37", "0.55", 300, 40),
    "XD3": _row("C35/45", "0.45", 320, 45),
    "XF1": _row("C30/37", "0.55", 300, None),
    "XF2": _row("C25/30", "0.55", 300, None),
    "XF3": _row("C30/37", "0.50", 320, None),
    "XF4": _row("C30/37", "0.45", 340, None),
    "XA1": _row("C30/37", "0.55", 300, None),
    "XA2": _row("C30/37", "0.50", 320, None),
    "XA3": _row("C35/45", "0.45", 360, None),
}


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound, and the exposure class that sets it."""

    value: Decimal
    exposure: str


@dataclass(frozen=True, slots=True)
class Demand:
    """What several exposure classes ask for together: of each bound the strictest."""

    strength: str
    strength_by: str
    ratio_max: Bound | None
    cement_min: Bound | None
    cover_min: Bound | None
    air_by: str
    """The class that asks for air; empty where none does."""


def demand_of(exposures: tuple[str, ...]) -> Demand:
    """What at least one known exposure class asks for."""
    strictest = max(exposures, key=lambda name: rank(EXPOSURES[name].strength))
    return Demand(
        strength=EXPOSURES[strictest].strength,
        strength_by=strictest,
        ratio_max=min(_bounds(exposures, "ratio_max"), key=lambda bound: bound.value, default=None),
        cement_min=max(_bounds(exposures, "cement_min"), key=lambda bound: bound.value, default=None),
        cover_min=max(_bounds(exposures, "cover_min"), key=lambda bound: bound.value, default=None),
        air_by=next((name for name in AIRED if name in exposures), ""),
    )


def rank(strength: str) -> int:
    """How strong a strength class is among all."""
    return STRENGTHS.index(strength)


def _bounds(exposures: tuple[str, ...], field: str) -> list[Bound]:
    values = ((getattr(EXPOSURES[name], field), name) for name in exposures)
    return [Bound(Decimal(value), name) for value, name in values if value is not None]
