"""A project as the rules see it: its request, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from stretto.workflows.project_audit.rules._concrete import concrete_in
from stretto.workflows.project_audit.rules._dimensions import Dimensions, dimensions_of
from stretto.workflows.project_audit.rules._materials import (
    CONCRETE,
    INSULATION,
    MASONRY,
    OTHER,
    PIPING,
    STEEL,
    TIMBER,
    material_of,
)
from stretto.workflows.project_audit.rules._reading import (
    POSITION_CHARACTERS_MAX,
    SPECIFICATION_CHARACTERS_MAX,
    read,
)
from stretto.workflows.project_audit.rules._units import Unit, unit_of
from stretto.workflows.project_audit.rules._words import plain, shortened, words_of

BY_PIECE = frozenset({MASONRY, INSULATION, STEEL, TIMBER, PIPING})
"""Materials whose texts give the size of a brick, a board or a profile, and not of what is built."""
_LABEL_CHARACTERS_MAX = 40


@dataclass(frozen=True, slots=True)
class Position:
    """A position of the bill of quantities. `unit` is None where it is not said or not known."""

    number: str
    text: str
    words: str
    quantity: Decimal | None
    unit_text: str
    unit: Unit | None
    material: str
    dimensions: Dimensions | None

    @property
    def label(self) -> str:
        """What it is called in a sentence: its number, or else how its text begins."""
        return self.number or f"`{shortened(self.text, _LABEL_CHARACTERS_MAX)}`"

    @property
    def measure(self) -> tuple[Decimal, Unit] | None:
        """How much it is: what its quantity says, or else the dimensions in its text where they fit its unit."""
        if self.quantity is not None:
            return (self.quantity, self.unit) if self.unit not in {None, Unit.LUMP_SUM} else None
        if self.dimensions and (self.dimensions.unit is self.unit or not self.unit_text):
            return self.dimensions.total, self.dimensions.unit
        return None


@dataclass(frozen=True)
class Project:
    """What is to be built."""

    name: str
    description: str
    positions: tuple[Position, ...]
    specifications: tuple[str, ...]

    @cached_property
    def words(self) -> str:
        """The words of everything but the positions."""
        return words_of("\n".join((self.name, self.description, *self.specifications)))


def project_of(request: Mapping[str, Any]) -> Project:
    """The project of a request, as far as it is read."""
    positions = request.get("positions") or ()
    texts = read([each["text"] for each in positions], POSITION_CHARACTERS_MAX)
    return Project(
        name=request.get("project_name") or "",
        description=request.get("description") or "",
        positions=tuple(position_of({**each, "text": text}) for each, text in zip(positions, texts, strict=True)),
        specifications=tuple(read(request.get("specifications") or (), SPECIFICATION_CHARACTERS_MAX)),
    )


def position_of(given: Mapping[str, str]) -> Position:
    """A position as the contract has it. A quantity of nothing is none."""
    text, unit_text = given["text"], (given.get("unit") or "").strip()
    words, known = words_of(text), unit_of(unit_text)
    unit, factor = known or (None, Decimal(1))
    material = material_of(words, unit)
    if material == OTHER and concrete_in(plain(text)).strength:
        # `Columns C30/37` need not say what has such a class.
        material = CONCRETE
    return Position(
        number=(given.get("number") or "").strip(),
        text=text,
        words=words,
        quantity=Decimal(given.get("quantity") or 0) * factor or None,
        unit_text=unit_text,
        unit=unit,
        material=material,
        dimensions=None if material in BY_PIECE else dimensions_of(plain(text)),
    )
