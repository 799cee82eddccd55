"""Quantities: the positions added up by material, and whether the sums go together."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from stretto.workflows.project_audit.answers import QUANTITIES_MAX, Quantity
from stretto.workflows.project_audit.rules._materials import CONCRETE, FORMWORK, NAMES, PLAIN_CONCRETE, REINFORCEMENT
from stretto.workflows.project_audit.rules._project import Position
from stretto.workflows.project_audit.rules._units import Unit
from stretto.workflows.project_audit.rules._words import mentions, shown

RATIOS: Final = (
    (REINFORCEMENT, Unit.KG, Decimal(60), Decimal(200)),
    (FORMWORK, Unit.M2, Decimal(2), Decimal(12)),
)
"""How much of a material usually goes with a cubic metre of concrete."""
_UNITS: Final = tuple(Unit)
Sums = dict[tuple[str, Unit], Decimal]


def quantities_of(positions: Sequence[Position]) -> tuple[Quantity, ...]:
    """How much of what, the materials in the order of their table."""
    sums, counts = sums_of(positions), Counter[tuple[str, Unit]]()
    for position in positions:
        if measure := position.measure:
            counts[position.material, measure[1]] += 1
    found = sorted(sums, key=lambda key: (NAMES.index(key[0]), _UNITS.index(key[1])))
    return tuple(
        Quantity(material=key[0], amount=shown(sums[key]), unit=key[1].value, positions=counts[key]) for key in found
    )[:QUANTITIES_MAX]


def sums_of(positions: Sequence[Position]) -> Sums:
    """The exact sums by material and unit."""
    sums: Sums = defaultdict(Decimal)
    for position in positions:
        if measure := position.measure:
            amount, unit = measure
            sums[position.material, unit] += amount
    return dict(sums)


def unlikely_ratios(positions: Sequence[Position]) -> list[str]:
    """What does not go together, a sentence each. Concrete without reinforcement is left out of it."""
    sums = sums_of([each for each in positions if not mentions(each.words, PLAIN_CONCRETE)])
    concrete = sums.get((CONCRETE, Unit.M3))
    if not concrete:
        return []
    found = []
    for material, unit, least, most in RATIOS:
        amount = sums.get((material, unit))
        if amount is None:
            found.append(f"There are {shown(concrete)} m3 of concrete, and no {unit} of {material} with it.")
        elif not least <= amount / concrete <= most:
            ratio = f"{amount / concrete:.1f} {unit} of {material} for each m3 of concrete"
            found.append(f"There are {ratio}; usual are {least} to {most} {unit}.")
    return found
