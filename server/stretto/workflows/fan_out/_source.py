"""A source as it is declared: whom to ask, when, for how long, and how badly the answer is needed."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final

from langgraph.types import RetryPolicy

from stretto.workflows.fan_out._checks import check_count, check_retry, check_seconds, check_type
from stretto.workflows.fan_out.errors import FanOutMisconfigured

SECONDS_MAX: Final = 5.0
CONCURRENCY_MAX: Final = 8
"""Branches of one source that ask at the same time: enough to be quick, and no burden to most services."""
THREADS_MAX: Final = 32
"""Threads of one source that is a plain function: one that hangs may keep as many, and takes none from others."""
ITEMS_MAX: Final = 1_000
"""Branches of one source: each is a step with an outcome that is kept."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def _as_it_is(value: Any) -> Mapping[str, Any]:
    return {"result": value}


@dataclass(frozen=True, slots=True)
class Source:
    """Something that can be asked.

    Args:
        name: What it is called: the name of its node, and the key of its result.
        ask: Called with the query, and with an item where there are `items`. A coroutine function, or a plain one,
            which runs in a thread.
        seconds_max: Time for the answer, over all attempts.
        retry: LangGraph's policy for another attempt, as long as there is time for it. None for a single attempt.
        required: Without its answer the whole fails.
        enabled: Whether it is asked at all.
        kinds: The kinds of query that it is asked for; all of them when empty.
        returns: Type of the answer, checked by pydantic; whatever it is when left out.
        items: What to ask about one by one, out of the query: a branch for each. Nothing to ask about: not asked.
        label: What an item is called; must tell it apart from the others.
        concurrency_max: How many items are asked about at the same time, in one run.
        threads_max: Threads for a plain function, those included that were given up and have not come back.
        partial: What is told of an answer at once, as fields beside `branch` in the detail of its event.
    """

    name: str
    ask: Callable[..., Any]
    _: KW_ONLY
    seconds_max: float = SECONDS_MAX
    retry: RetryPolicy | None = None
    required: bool = False
    enabled: bool = True
    kinds: Collection[str] = ()
    returns: Any = None
    items: Callable[[Any], Iterable[Any]] | None = None
    label: Callable[[Any], str] = str
    concurrency_max: int = CONCURRENCY_MAX
    threads_max: int = THREADS_MAX
    partial: Callable[[Any], Mapping[str, Any]] = _as_it_is

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise FanOutMisconfigured(
                f"A source is called {self.name!r}; allowed are up to 64 letters, digits, `_`, `.` and `-`, "
                "a letter first."
            )
        told = f"Source {self.name!r}:"
        check_seconds(f"{told} seconds_max", self.seconds_max)
        check_count(f"{told} concurrency_max", self.concurrency_max)
        check_count(f"{told} threads_max", self.threads_max)
        check_retry(f"{told} retry", self.retry)
        check_type(f"{told} returns", self.returns)
        if isinstance(self.kinds, str):  # Its letters would be the kinds.
            raise FanOutMisconfigured(f"{told} kinds is {self.kinds!r}; write [{self.kinds!r}].")

    def serves(self, kind: str) -> bool:
        """Whether it is of use for a kind of query."""
        return self.enabled and (not self.kinds or kind in self.kinds)

    def branches(self, query: Any) -> dict[str, Any]:
        """What it is asked about, by label: one branch each. A source without items has one, which has no label."""
        if self.items is None:
            return {"": None}
        found: dict[str, Any] = {}
        for item in self.items(query):
            label = self.label(item)
            if not label or found.setdefault(label, item) != item:
                raise FanOutMisconfigured(
                    f"Source {self.name!r}: an item is called {label!r}, as another one or as nothing; "
                    "label must tell items apart."
                )
            if len(found) > ITEMS_MAX:
                raise FanOutMisconfigured(f"Source {self.name!r} has more than {ITEMS_MAX} items to be asked about.")
        return found
