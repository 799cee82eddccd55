"""Objects filled from what a person said: generic over JSON schemas, and nothing in them is invented."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from stretto.orchestrator.understanding._offline.check import bounds_of, fault_of
from stretto.orchestrator.understanding._offline.choices import choose, flags
from stretto.orchestrator.understanding._offline.coded import coded, takes_codes
from stretto.orchestrator.understanding._offline.fields import Field
from stretto.orchestrator.understanding._offline.lessons import Lesson
from stretto.orchestrator.understanding._offline.lists import lists, maps
from stretto.orchestrator.understanding._offline.names import QUOTED, addresses, people, texts
from stretto.orchestrator.understanding._offline.numbers import count
from stretto.orchestrator.understanding._offline.records import records
from stretto.orchestrator.understanding._offline.scene import Scene
from stretto.orchestrator.understanding._offline.stems import stems
from stretto.orchestrator.understanding._offline.text import read
from stretto.orchestrator.understanding._offline.when import dates

__all__ = ["Fault", "Filled", "Shape", "fill"]

_WHOLE: Final = stems("message question query request description prompt")
_READ_MAX: Final = 2_048
"""Readings kept: the messages of the sessions that talk right now, for the types that they may mean."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that was said and is out of its field's bounds."""

    field: Field
    value: Any
    wanted: str


@dataclass(frozen=True, slots=True)
class Filled:
    """What was found for an object, what is out of bounds, and what must be there and is not."""

    values: Mapping[str, Any]
    faults: tuple[Fault, ...]
    missing: tuple[Field, ...]

    @property
    def complete(self) -> bool:
        """Whether the object can be used as it is."""
        return not self.faults and not self.missing


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What an object may have, what examples of it teach, and words that are no values in it.

    Equal only to itself, so that what was read for it can be kept.
    """

    fields: tuple[Field, ...]
    lessons: Mapping[str, Lesson]
    avoid: frozenset[str] = frozenset()


def fill(shape: Shape, said: Sequence[str], earlier: Iterable[str], today: dt.date, *, reply: bool = False) -> Filled:
    """Fill in an object from texts, the newest first, and what these leave open from earlier ones.

    Bounds are told of what was said now; what was said earlier and does not fit was said about something else.
    `reply` says that the newest text answers a question for values.
    """
    values: dict[str, Any] = {}
    faults: dict[str, Fault] = {}
    for memory, texts_ in ((False, said), (True, earlier)):
        for place, text in enumerate(texts_):
            found = _read(shape, text, today, memory, reply and not memory and place == 0)
            for field in shape.fields:
                if field.name in found and field.name not in values and field.name not in faults:
                    _sort(field, found[field.name], values, {} if memory else faults)
    missing = tuple(
        each for each in shape.fields if each.required and each.name not in values and each.name not in faults
    )
    ordered = {field.name: values[field.name] for field in shape.fields if field.name in values}
    return Filled(ordered, tuple(faults.values()), missing)


@lru_cache(maxsize=_READ_MAX)
def _read(shape: Shape, text: str, today: dt.date, memory: bool, reply: bool) -> Mapping[str, Any]:  # noqa: FBT001 - A cache's key.
    """The values that one text has for all fields: a date that is one field's is no other's, known or not."""
    return _values(shape.fields, shape, Scene(read(text), today, memory, reply, shape.avoid))


def _values(fields: Sequence[Field], shape: Shape, scene: Scene) -> dict[str, Any]:
    """The values that a text has for fields, whether they keep their bounds or not."""
    listed = records(fields, scene)
    # Lines of an old list are no news, and what stands in them, such as the 03 of a date, is nothing else either.
    found: dict[str, Any] = {} if scene.memory else dict(listed)
    found |= dates(fields, scene)
    found |= addresses(fields, scene)
    # A person and what he does come before choices: a backend engineer is no department of engineering.
    found |= people(fields, shape.lessons, scene)
    found |= maps(fields, scene)
    found |= choose(fields, shape.lessons, scene)
    found |= count(fields, shape.lessons, scene)
    found |= flags(fields, scene)
    found |= coded(fields, shape.lessons, scene)
    wordy = [field for field in fields if not takes_codes(field, shape.lessons.get(field.name, Lesson()))]
    found |= texts(wordy, shape.lessons, scene)
    found |= lists(wordy, shape.lessons, scene)
    found |= _objects(fields, shape, scene)
    # A reply gives what was asked for; the text itself was there before it.
    return found if scene.memory or scene.reply else found | _free(fields, found, scene.text.raw)


def _objects(fields: Iterable[Field], shape: Shape, scene: Scene) -> dict[str, Any]:
    """Objects within the object, where the text has all that they must have."""
    found: dict[str, Any] = {}
    for field in fields:
        if field.kind == "object" and field.fields:
            inner = _values(field.fields, Shape(field.fields, {}, shape.avoid), scene)
            if inner and not fault_of(field.schema, inner):
                found[field.name] = inner
    return found


def _free(fields: Iterable[Field], found: Mapping[str, Any], text: str) -> dict[str, str]:
    """A field for free text takes the message as it is."""
    free = [field for field in fields if field.takes_message and field.name not in found]
    wanted = [field for field in free if field.required] or free[:1]
    return {field.name: said for field in wanted if (said := _said_for(field, text))}


def _said_for(field: Field, text: str) -> str:
    """A message is the whole of what was said; of other texts, such as one to translate, what is quoted is meant."""
    return text.strip() if _WHOLE & set(field.words) else _quoted_or_all(text)


def _quoted_or_all(text: str) -> str:
    """What stands in quotes, when one thing does, and else the whole text."""
    quoted = QUOTED.findall(text)
    return next(filter(None, quoted[0])) if len(quoted) == 1 else text.strip()


def _sort(field: Field, value: Any, values: dict[str, Any], faults: dict[str, Fault]) -> None:
    wanted = fault_of(field.schema, value)
    if not wanted:
        values[field.name] = deepcopy(value)  # What is kept of a text must not change with a plan.
    elif field.kind in {"number", "list", "records", "free", "duration"} or field.alone or bounds_of(field.schema):
        faults[field.name] = Fault(field, value, wanted)
