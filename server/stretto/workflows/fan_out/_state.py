"""The state of a fan-out, and how what its branches write comes together."""

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, TypeVar, Union

from typing_extensions import TypedDict

from stretto.workflows.fan_out._figures import Figures
from stretto.workflows.fan_out._outcome import Failure, Outcome

V = TypeVar("V")


def merged(older: Mapping[str, V] | None, newer: Mapping[str, V] | None) -> dict[str, V]:
    """Both, and of what is in both the newer: no branch overwrites what another one found."""
    return {**(older or {}), **(newer or {})}


def settled(older: Mapping[str, V] | None, newer: Mapping[str, V | None] | None) -> dict[str, V]:
    """As `merged`, but None takes out what was there."""
    both = merged(older, newer)
    return {key: value for key, value in both.items() if value is not None}


class Asked(TypedDict, total=False):
    """What a fan-out reads."""

    query: Any
    """What every source is asked."""
    kind: str
    """The kind of query, which chooses the sources."""
    without: Collection[str]
    """Names of sources that are not asked."""


class Told(TypedDict, total=False):
    """What a fan-out writes."""

    results: Annotated[dict[str, Any], merged]
    """The answers, by source; by `source/item` where a source is asked about items."""
    errors: Annotated[dict[str, Failure], settled]
    """Why others have none, by the same names."""
    figures: Figures


class FanOutState(Asked, Told, total=False):
    """What a graph around a fan-out shares with it; to be inherited from."""


class Inside(FanOutState, total=False):
    """What the branches share."""

    outcomes: Annotated[dict[str, Outcome], settled]


class Turn(TypedDict):
    """What a branch is sent."""

    query: Any
    item: Any
    label: str
    branches: int
    """How many there are of all sources together."""


def state_of(types: Iterable[Any]) -> type[Any]:
    """The state with the types of the answers declared, so that a strict serializer loads them."""
    known = Union[(*types, Any)]  # type: ignore[valid-type]  # Made at runtime.
    return type("Answers", (Inside,), {"__annotations__": {"results": Annotated[dict[str, known], merged]}})


def key_of(source: str, item: str) -> str:
    """The name of a branch."""
    return f"{source}/{item}" if item else source


def by_item(results: Mapping[str, V], source: str) -> dict[str, V]:
    """The answers of a source that was asked about items, by item."""
    return {key.removeprefix(f"{source}/"): value for key, value in results.items() if key.startswith(f"{source}/")}
