"""What is known of a workflow in short values: those that tell a person most come first."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stretto.server.domain.errors import StrettoError
from stretto.server.domain.payload import Payload
from stretto.server.rpc._items import line_of, name_of, rest_of, sentence_of
from stretto.server.rpc.contracts import Contracts
from stretto.server.rpc.snapshot import MARKERS, channel_values
from stretto.server.store.port import WorkflowState

__all__ = ["facts_of"]

FACTS_MAX: Final = 40
FACTS_CHARACTERS_MAX: Final = 6_000
"""Of one workflow, so that a context of the usual size has room for one that tells as much as it may."""

FACT_CHARACTERS_MAX: Final = 200
FACT_ITEMS_MAX: Final = 12
FACT_BYTES_MAX: Final = 64 * 1024
"""Of a snapshot, this much is looked at for facts."""

_SENTENCE_WORDS: Final = 4
"""A text of as many words says something by itself."""

_SENTENCE, _TEXTS, _VALUE, _COLUMN, _NESTED = range(5)
"""How much facts tell, the most telling kind first."""

_END: Final = re.compile(r"[.!?](?=\s)")


@dataclass(frozen=True, slots=True)
class _Fact:
    name: str
    value: Any
    rank: int = _VALUE


def facts_of(state: WorkflowState, contracts: Contracts) -> dict[str, Any]:
    """The short values of a workflow: those of its result, or else of its state, and its input's last.

    What a graph worked with matters no more when there is a result.
    """
    result = _decoded(state.workflow.result, contracts)
    channels = channel_values(state.checkpoint, FACT_BYTES_MAX) if state.checkpoint and not result else {}
    found = [
        *sorted(_short("", result, messages=True), key=lambda fact: fact.rank),
        *_short("", channels, messages=False),
        *_short("", _decoded(state.workflow.input, contracts), messages=False),
    ]
    return _bounded(found)


def _bounded(found: list[_Fact]) -> dict[str, Any]:
    """The first facts, without those that there is no room for."""
    facts: dict[str, Any] = {}
    left = FACTS_CHARACTERS_MAX
    for fact in found:
        size = len(fact.name) + len(str(fact.value))
        if fact.name not in facts and size <= left and len(facts) < FACTS_MAX:
            facts[fact.name] = fact.value
            left -= size
    return facts


def _decoded(payload: Payload | None, contracts: Contracts) -> dict[str, Any]:
    """A payload's fields; none when its type is not served any more."""
    if payload is None:
        return {}
    try:
        values = contracts.spoken(payload)
    except StrettoError:
        return {}
    return values if isinstance(values, dict) else {"value": values}


def _short(prefix: str, values: Mapping[str, Any], *, messages: bool) -> Iterator[_Fact]:
    """The values that are short, by their paths; of lists of messages what they tell, or only how many there are."""
    rank = _NESTED if prefix else _VALUE
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, str):
            if value.strip() and value not in MARKERS:
                yield _Fact(name, _clipped(value), _SENTENCE if _says_something(value) else rank)
        elif isinstance(value, bool | int | float):
            yield _Fact(name, value, rank if value else _NESTED)  # In a message, 0 is mostly what was not said.
        elif isinstance(value, Mapping) and not prefix:
            yield from _short(f"{name}.", value, messages=messages)
        elif isinstance(value, list):
            yield from _list(name, value, rank, messages=messages)


def _list(name: str, items: list[Any], rank: int, *, messages: bool) -> Iterator[_Fact]:
    items = [item for item in items if not (isinstance(item, str) and item in MARKERS)]
    first = items[:FACT_ITEMS_MAX]
    shown: list[Any] = []
    if all(isinstance(item, bool | int | float | str) for item in items):
        shown = [_clipped(item) if isinstance(item, str) else item for item in first]
    elif messages and all(isinstance(item, Mapping) for item in items):
        shown = [_clipped(line) for line in map(line_of, first) if line]
        yield from _columns(name, first)
    if shown:
        yield _Fact(name, shown, _TEXTS if any(map(_is_told, first)) else rank)
    if len(items) > len(shown):
        yield _Fact(f"{name}_count", len(items), rank)


def _is_told(item: Any) -> bool:
    """Whether an item of a list says something by itself."""
    return bool(sentence_of(item)) if isinstance(item, Mapping) else isinstance(item, str) and _says_something(item)


def _columns(path: str, items: list[Any]) -> Iterator[_Fact]:
    """What else is said of messages that have a sentence each, such as what to do, under names of their own."""
    rows = [(name_of(item), rest_of(item)) for item in items if sentence_of(item)]
    for key in dict.fromkeys(key for _, rest in rows for key in rest):
        cells = [f"{name}: {rest[key]}" if name else rest[key] for name, rest in rows if key in rest]
        yield _Fact(f"{path}.{key}", [_clipped(cell) for cell in cells], _COLUMN)


def _says_something(text: str) -> bool:
    return len(text.split()) >= _SENTENCE_WORDS


def _clipped(text: str) -> str:
    """As much of a text as a fact may have: whole sentences, or else whole words and a sign that there are more."""
    text = " ".join(text.split())
    if len(text) <= FACT_CHARACTERS_MAX:
        return text
    head = text[:FACT_CHARACTERS_MAX]
    if ends := [found.end() for found in _END.finditer(head)]:
        return head[: ends[-1]]
    return f"{head[: FACT_CHARACTERS_MAX - 2].rpartition(' ')[0] or head[:-2]} …"
