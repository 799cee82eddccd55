"""The builder: sources become nodes, which start together and are joined."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import get_runtime
from langgraph.types import Command, Send

from stretto.workflows.fan_out._branch import Branch
from stretto.workflows.fan_out._figures import figures_of
from stretto.workflows.fan_out._outcome import Outcome
from stretto.workflows.fan_out._rounds import Rounds
from stretto.workflows.fan_out._source import Source
from stretto.workflows.fan_out._state import Asked, Inside, Told, Turn, key_of, state_of
from stretto.workflows.fan_out.errors import FanOutMisconfigured, SourcesFailed

SECONDS_MAX: Final = 10.0
ITEMS_MAX: Final = 1_000
"""Branches of one source: each is a step with an outcome that is kept."""
JOIN: Final = "joining"


class FanOut:
    """Sources that are asked side by side.

    Args:
        sources: Whom to ask.
        seconds_max: Time for all of them together, from the start of the first.
        succeed_min: How many sources must answer; 0 to go on with nothing.
        share: From which to which fraction of the whole workflow the branches take it, such as `(0.1, 0.9)`; watchers
            are told. None to tell of no fraction but the branches' own.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        seconds_max: float = SECONDS_MAX,
        succeed_min: int = 1,
        share: tuple[float, float] | None = None,
    ) -> None:
        _check(sources, seconds_max, succeed_min, share)
        self.sources = tuple(sources)
        self._names = tuple(source.name for source in sources)
        self._seconds_max = seconds_max
        self._succeed_min = succeed_min
        self._share = share
        self._rounds = Rounds(seconds_max)

    def compile(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """The graph, to be run, or to be a node of another one."""
        builder: StateGraph[Any, Any, Any, Any] = StateGraph(
            state_of(source.returns for source in self.sources if source.returns is not None),
            input_schema=Asked,
            output_schema=Told,
        )
        for source in self.sources:
            schema = Asked if source.items is None else Turn
            builder.add_node(source.name, self._node(source), input_schema=schema, retry_policy=source.retry)
            builder.add_edge(source.name, JOIN)
        builder.add_node(JOIN, self._join, destinations=(*self._names, END), input_schema=Inside)
        builder.add_conditional_edges(START, self._start, [*self._names, JOIN])
        return builder.compile()

    def _node(self, source: Source) -> Any:
        branch = Branch(source, self._rounds, self._share)
        if source.items is None:

            async def ask(state: Asked) -> dict[str, Any]:
                return await branch.run(state.get("query"), None, self._count(state))

            return ask

        async def ask_about(turn: Turn) -> dict[str, Any]:
            return await branch.run(turn["query"], turn["item"], turn["branches"])

        return ask_about

    def _start(self, state: Asked) -> list[Any]:
        """The branches to start with; straight to the end when there are none."""
        return self._branches(state) or [JOIN]

    def _branches(self, state: Asked, only: Collection[str] | None = None) -> list[Any]:
        """Where to go: to the node of a source, or there with each of its items; all of them, or those named."""
        items = {source: self._items(source, state) for source in self._chosen(state)}
        count = sum(1 if each is None else len(each) for each in items.values())
        starts: list[Any] = []
        for source, each in items.items():
            if each is None:
                starts += [source.name] if only is None or source.name in only else []
                continue
            for label, item in each.items():
                if only is None or key_of(source.name, label) in only:
                    starts.append(Send(source.name, Turn(query=state.get("query"), item=item, branches=count)))
        return starts

    def _count(self, state: Asked) -> int:
        each = [self._items(source, state) for source in self._chosen(state)]
        return sum(1 if items is None else len(items) for items in each)

    def _chosen(self, state: Asked) -> list[Source]:
        without = set(state.get("without") or ())
        if unknown := without - set(self._names):
            raise FanOutMisconfigured(
                f"There is no source {', '.join(sorted(unknown))} to leave out; there are {', '.join(self._names)}."
            )
        kind = state.get("kind") or ""
        return [source for source in self.sources if source.serves(kind) and source.name not in without]

    def _items(self, source: Source, state: Asked) -> dict[str, Any] | None:
        """What to ask a source about, by label; None where it is asked once."""
        if source.items is None:
            return None
        items = {source.label(item): item for item in source.items(state.get("query"))}
        if len(items) > ITEMS_MAX:
            raise FanOutMisconfigured(f"Source {source.name!r} has {len(items)} items; {ITEMS_MAX} are allowed.")
        return items

    async def _join(self, state: Inside) -> Any:
        """Sum up, and fail when too few have answered."""
        outcomes = state.get("outcomes") or {}
        missing = self._missing(state, outcomes)
        if missing and (again := self._again(state, outcomes)):
            return Command(goto=again)
        elapsed = [self._rounds.ended(round_id) for round_id in {each.round_id for each in outcomes.values()}]
        if missing:
            raise SourcesFailed(missing)
        seen = [seconds for seconds in elapsed if seconds is not None]
        answered = {key: None for key in state.get("errors") or {} if outcomes[key].succeeded}
        figures = figures_of(self._names, list(outcomes.values()), sum(seen) if seen else None)
        return Command(update={"figures": figures, **({"errors": answered} if answered else {})}, goto=END)

    def _again(self, state: Inside, outcomes: dict[str, Outcome]) -> list[Any]:
        """The branches that failed, when they did so in another thread: a retry of the workflow asks them again."""
        info = get_runtime().execution_info
        thread_id = (info.thread_id or "") if info is not None else ""
        failed = {key for key, each in outcomes.items() if not each.succeeded and each.thread_id != thread_id}
        return self._branches(state, failed) if failed else []

    def _missing(self, state: Inside, outcomes: dict[str, Outcome]) -> str:
        """What is missing to go on, in words; empty when nothing is."""
        asked = {each.source for each in outcomes.values()}
        available = {each.source for each in outcomes.values() if each.succeeded}
        errors = state.get("errors") or {}
        why = "; ".join(str(failure) for key, failure in errors.items() if not outcomes[key].succeeded)
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


def _check(sources: Sequence[Source], seconds_max: float, succeed_min: int, share: tuple[float, float] | None) -> None:
    """Refuse what cannot work."""
    if not sources:
        raise FanOutMisconfigured("A fan-out needs a source at least.")
    names = Counter(source.name for source in sources)
    if twice := [name for name, times in names.items() if times > 1]:
        raise FanOutMisconfigured(f"Two sources are called {twice[0]!r}.")
    if JOIN in names:
        raise FanOutMisconfigured(f"A source cannot be called {JOIN!r}, which is the name of the last node.")
    if not seconds_max > 0:
        raise FanOutMisconfigured(f"seconds_max is {seconds_max!r}; it must be above 0.")
    if not 0 <= succeed_min <= len(sources):
        raise FanOutMisconfigured(f"succeed_min is {succeed_min!r}; allowed is 0 to {len(sources)}, the sources.")
    if share is not None and not 0 <= share[0] <= share[1] <= 1:
        raise FanOutMisconfigured(f"share is {share!r}; allowed are two fractions, the smaller one first.")
