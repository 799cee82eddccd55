"""The builder: sources become nodes, which start together and are joined."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Send

from stretto.workflows.fan_out._branch import Branch
from stretto.workflows.fan_out._checks import check_seconds
from stretto.workflows.fan_out._figures import figures_of
from stretto.workflows.fan_out._outcome import Failure, Outcome
from stretto.workflows.fan_out._rounds import Rounds, execution, round_of, thread_of
from stretto.workflows.fan_out._source import Source
from stretto.workflows.fan_out._state import Asked, Inside, Told, Turn, key_of, state_of
from stretto.workflows.fan_out.errors import FanOutMisconfigured, SourcesFailed

SECONDS_MAX: Final = 10.0
FAILURES_TOLD_MAX: Final = 10
JOIN: Final = "joining"


class FanOut:
    """Sources that are asked side by side.

    Args:
        sources: Whom to ask.
        seconds_max: Time for all of them together, from the start of the first.
        succeed_min: How many sources must answer; 0 to go on with nothing.
        share: From which to which fraction of the whole workflow the branches take it, such as `(0.1, 0.9)`; watchers
            are told. None to tell of no fraction but the branches' own.
        detail: What the detail of each branch's events says beside `branch`, made of the query.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        seconds_max: float = SECONDS_MAX,
        succeed_min: int = 1,
        share: tuple[float, float] | None = None,
        detail: Callable[[Any], Mapping[str, Any]] | None = None,
    ) -> None:
        _check(sources, seconds_max, succeed_min, share)
        self.sources = tuple(sources)
        self._names = tuple(source.name for source in sources)
        self._seconds_max = seconds_max
        self._succeed_min = succeed_min
        self._share = share
        self._detail = detail
        self._rounds = Rounds(seconds_max)

    def compile(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """The graph, to be run, or to be a node of another one."""
        builder: StateGraph[Any, Any, Any, Any] = StateGraph(
            state_of(source.returns for source in self.sources if source.returns is not None),
            input_schema=Asked,
            output_schema=Told,
        )
        for source in self.sources:
            branch = Branch(source, self._rounds, self._share, self._detail)
            builder.add_node(source.name, branch.run, input_schema=Turn, retry_policy=source.retry)
            builder.add_edge(source.name, JOIN)
        builder.add_node(JOIN, self._join, destinations=self._names, input_schema=Inside)
        builder.add_conditional_edges(START, self._start, [*self._names, JOIN])
        return builder.compile()

    async def _start(self, state: Asked) -> list[Any]:
        """The branches to start with; straight to the end when there are none.

        A coroutine function, because LangGraph calls others in a thread of the loop's own pool, in which names are
        resolved as well: those that hang there would hold up every fan-out.
        """
        return self._branches(state) or [JOIN]

    def _branches(self, state: Asked, only: Collection[str] | None = None) -> list[Any]:
        """What is sent to the nodes of the sources: a turn for each branch, or for those that are named."""
        query = state.get("query")
        all_of_them = [
            (source.name, label, item)
            for source in self._chosen(state)
            for label, item in source.branches(query).items()
        ]
        return [
            Send(name, Turn(query=query, item=item, label=label, branches=len(all_of_them)))
            for name, label, item in all_of_them
            if only is None or key_of(name, label) in only
        ]

    def _chosen(self, state: Asked) -> list[Source]:
        leave_out = state.get("without") or ()
        if isinstance(leave_out, str):  # Its letters may well be names of sources.
            raise FanOutMisconfigured(f"without is {leave_out!r}; write [{leave_out!r}].")
        without = set(leave_out)
        if unknown := without - set(self._names):
            raise FanOutMisconfigured(
                f"There is no source {', '.join(sorted(unknown))} to leave out; there are {', '.join(self._names)}."
            )
        kind = state.get("kind") or ""
        return [source for source in self.sources if source.serves(kind) and source.name not in without]

    async def _join(self, state: Inside) -> Any:
        """Sum up, and fail when too few have answered."""
        outcomes = state.get("outcomes") or {}
        missing = self._missing(state, outcomes)
        if missing and (again := self._again(state, outcomes)):
            return Command(goto=again)
        seconds = sum(self._rounds.forget(round_id) for round_id in {each.round_id for each in outcomes.values()})
        if missing:
            raise SourcesFailed(missing)
        return {
            "figures": figures_of(self._names, list(outcomes.values()), seconds),
            # What failed in an earlier round may have an answer now, and the next run on this thread begins anew.
            "errors": {key: None for key in state.get("errors") or {} if key in outcomes and outcomes[key].succeeded},
            "outcomes": dict.fromkeys(outcomes),
        }

    def _again(self, state: Inside, outcomes: dict[str, Outcome]) -> list[Any]:
        """The branches that failed, when they did so in another thread: a retry of the workflow asks them again."""
        thread = thread_of(round_of(execution()))
        failed = {key for key, each in outcomes.items() if not each.succeeded and thread_of(each.round_id) != thread}
        return self._branches(state, failed) if failed else []

    def _missing(self, state: Inside, outcomes: dict[str, Outcome]) -> str:
        """What is missing to go on, in words; empty when nothing is."""
        asked = {each.source for each in outcomes.values()}
        available = {each.source for each in outcomes.values() if each.succeeded}
        failed = {key for key, each in outcomes.items() if not each.succeeded}
        why = _why([failure for key, failure in (state.get("errors") or {}).items() if key in failed])
        lost = [source.name for source in self.sources if source.required and source.name in asked - available]
        if lost:
            return f"There is no answer without {', '.join(lost)}. {why}"
        if len(available) >= self._succeed_min:
            return ""
        if asked:
            return f"{len(available)} of {len(asked)} sources answered, and {self._succeed_min} must. {why}"
        kind = state.get("kind")
        query = f"a query of kind {kind}" if kind else "this query"
        return f"No source was asked: none of {', '.join(self._names)} is switched on and of use for {query}."


def _why(failures: Sequence[Failure]) -> str:
    """What went wrong, in words that people can read to their end."""
    more = len(failures) - FAILURES_TOLD_MAX
    told = "; ".join(str(failure) for failure in failures[:FAILURES_TOLD_MAX])
    return f"{told}; and {more} more" if more > 0 else told


def _check(sources: Sequence[Source], seconds_max: float, succeed_min: int, share: tuple[float, float] | None) -> None:
    """Refuse what cannot work."""
    if not sources:
        raise FanOutMisconfigured("A fan-out needs a source at least.")
    names = Counter(source.name for source in sources)
    if twice := [name for name, times in names.items() if times > 1]:
        raise FanOutMisconfigured(f"Two sources are called {twice[0]!r}.")
    if taken := [name for name in names if name == JOIN or name in Inside.__annotations__]:
        raise FanOutMisconfigured(f"A source cannot be called {taken[0]!r}: a fan-out has something of that name.")
    check_seconds("seconds_max", seconds_max)
    if not 0 <= succeed_min <= len(sources):
        raise FanOutMisconfigured(f"succeed_min is {succeed_min!r}; allowed is 0 to {len(sources)}, the sources.")
    if share is not None and not 0 <= share[0] <= share[1] <= 1:
        raise FanOutMisconfigured(f"share is {share!r}; allowed are two fractions, the smaller one first.")
