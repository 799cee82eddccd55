"""What the examples of a workflow type teach: which words stand around the values of a field, and known values."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from stretto.orchestrator.brief import Example
from stretto.orchestrator.understanding._offline.fields import Field
from stretto.orchestrator.understanding._offline.quantities import quantities_in
from stretto.orchestrator.understanding._offline.text import Text, read

__all__ = ["Frame", "Lesson", "lessons_of"]

_SOME_DAY: Final = dt.date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Frame:
    """The words right before a value, the nearest last, and the one right after it."""

    before: tuple[str, ...]
    after: str
    capital: bool
    """Whether the value began with a capital letter, as a name does."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learned of one field."""

    units: frozenset[tuple[str, str]] = frozenset()
    """What its numbers were said to count, and per what."""
    frames: tuple[Frame, ...] = ()
    known: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """Values that examples had, by the stems of their words and signs."""
    aliases: Mapping[str, Any] = field(default_factory=dict)
    """Words by which examples meant a choice, of those that only this choice has: `muscle` for muscle gain."""


def lessons_of(fields: Iterable[Field], examples: tuple[Example, ...]) -> dict[str, Lesson]:
    """The lessons of an input's fields, by the fields' names."""
    return {each.name: _lesson(each, examples) for each in fields}


def _lesson(field_: Field, examples: tuple[Example, ...]) -> Lesson:
    units: set[tuple[str, str]] = set()
    frames: list[Frame] = []
    known: dict[tuple[str, ...], str] = {}
    for example in examples:
        text = read(example.says)
        for value in _values(example.input.get(field_.name)):
            if field_.kind == "number" and isinstance(value, int | float):
                units |= _units(example.says, value)
            elif isinstance(value, str) and not field_.choices and field_.kind not in {"free", "date", "month"}:
                stems = tuple(token.stem for token in read(value).tokens)
                known[stems] = value
                frames += _frames(text, stems)
    return Lesson(frozenset(units), tuple(dict.fromkeys(frames)), known, _aliases(field_, examples))


def _aliases(field_: Field, examples: tuple[Example, ...]) -> dict[str, Any]:
    shared = Counter(word for choice in field_.choices for word in set(choice.stems))
    aliases: dict[str, Any] = {}
    for example in examples:
        said = read(example.says).stems
        values = _values(example.input.get(field_.name))
        for choice in field_.choices:
            if choice.value in values and not said >= set(choice.stems):
                aliases |= {word: choice.value for word in choice.stems if word in said and shared[word] == 1}
    return aliases


def _values(value: Any) -> list[Any]:
    if value is None or isinstance(value, bool | Mapping):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _units(says: str, value: float) -> set[tuple[str, str]]:
    """What a sentence counts with this number, when it has the number once."""
    found = [each for each in quantities_in(says, _SOME_DAY) if each.value == Decimal(str(value))]
    return {(unit, found[0].per) for unit in found[0].units[:1]} if len(found) == 1 else set()


def _frames(text: Text, stems: tuple[str, ...]) -> list[Frame]:
    """The words around a value that a sentence has."""
    place = text.find(stems) if stems else -1
    if place < 0:
        return []
    before = tuple(token.lower for token in text.tokens[max(place - 2, 0) : place] if token.word)
    after = text.tokens[place + len(stems) :][:1]
    return [Frame(before, after[0].lower if after else "", text.tokens[place].capital)]
