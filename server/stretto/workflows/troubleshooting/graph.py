"""The graph of `troubleshooting`: route, ask side by side, aggregate, and have it told in prose."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

import structlog
from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from stretto.workflows._notes import RETRY
from stretto.workflows._threads import Threads
from stretto.workflows._words import count
from stretto.workflows.fan_out import FanOut, FanOutState
from stretto.workflows.troubleshooting import aggregation
from stretto.workflows.troubleshooting.aggregation import Conclusion, Diagnosis
from stretto.workflows.troubleshooting.asking import Plan, left_out, plan_of, warnings_of
from stretto.workflows.troubleshooting.diagnosis import RunbookFor
from stretto.workflows.troubleshooting.errors import SourceUnavailable
from stretto.workflows.troubleshooting.evidence import KNOWLEDGE, Case, case_of
from stretto.workflows.troubleshooting.gaps import gaps_of
from stretto.workflows.troubleshooting.knowledge import KnowledgeHit
from stretto.workflows.troubleshooting.response import Told, write_prose
from stretto.workflows.troubleshooting.settings import TroubleshootingSettings
from stretto.workflows.troubleshooting.signatures import Cause
from stretto.workflows.troubleshooting.sources import Sources, configured
from stretto.workflows.troubleshooting.votes import name_of

ROUTING, ASKING, AGGREGATING, RESPONDING = "routing", "asking", "aggregating", "responding"
SOURCE_SECONDS_MAX: Final = 5.0
SECONDS_MAX: Final = 10.0
AGGREGATE_SECONDS_MAX: Final = 5.0
AGGREGATORS_MAX: Final = 8
"""Threads for diagnoses: those that hang at a folder of runbooks are left behind, and counted."""
UNAGGREGATED: Final = "The evidence could not be put together; it is there as the sources gave it."
_SHARE: Final = (0.05, 0.95)

Aggregate: TypeAlias = Callable[[Case, RunbookFor], Conclusion]
Graph: TypeAlias = CompiledStateGraph[Any, Any, Any, Any]

_log = structlog.get_logger(__name__)


class State(FanOutState, total=False):
    """What the phases hand on."""

    request: dict[str, Any]
    plan: Plan
    result: dict[str, Any]
    """The report but for the evidence, which stands in `results`."""


def graph() -> Graph:
    """The graph with the sources of the environment's settings."""
    settings = TroubleshootingSettings.from_environment()
    return troubleshooting_graph(
        configured(settings), source_seconds_max=settings.source_seconds_max, seconds_max=settings.seconds_max
    )


def troubleshooting_graph(
    sources: Sources,
    *,
    aggregate: Aggregate = aggregation.aggregate,
    source_seconds_max: float = SOURCE_SECONDS_MAX,
    seconds_max: float = SECONDS_MAX,
    aggregate_seconds_max: float = AGGREGATE_SECONDS_MAX,
    succeed_min: int = 1,
) -> Graph:
    """The graph.

    Args:
        sources: Whom to ask.
        aggregate: Makes the diagnosis of what they say.
        source_seconds_max: Time for each of them, about one job.
        seconds_max: Time for all of them together.
        aggregate_seconds_max: Time for the diagnosis, with a look at the runbooks for each job.
        succeed_min: How many must answer.
    """
    fan_out = FanOut(
        sources.branches(source_seconds_max),
        seconds_max=seconds_max,
        succeed_min=succeed_min,
        share=_SHARE,
        detail=lambda query: {"phase": ASKING, "kind": query["kind"]},
    )
    builder = StateGraph(State)
    builder.add_node(ROUTING, _Routing(sources, source_seconds_max))
    builder.add_node(ASKING, fan_out.compile())
    builder.add_node(AGGREGATING, _Aggregating(sources, aggregate, aggregate_seconds_max))
    builder.add_node(RESPONDING, responding, retry_policy=RETRY)
    builder.add_edge(START, ROUTING)
    builder.add_conditional_edges(ROUTING, after_routing)
    builder.add_edge(ASKING, AGGREGATING)
    builder.add_conditional_edges(AGGREGATING, after_aggregating)
    return builder.compile()


class _Routing:
    """The node that finds out what a query is about."""

    def __init__(self, sources: Sources, seconds_max: float) -> None:
        self._sources = sources
        self._seconds_max = seconds_max

    async def __call__(self, state: State) -> State:
        """Find out what to ask, and of whom."""
        request = state["request"]
        plan = await plan_of(request, self._sources, self._seconds_max)
        about = f" about {count(len(plan.jobs), 'job')}" if plan.jobs else ""
        tell(ROUTING, 0.05, f"Asking {count(len(plan.asked), 'source')}{about}", kind=plan.kind)
        query: Any = plan.query(request)
        return {"plan": plan, "query": query, "kind": plan.kind.value, "without": left_out(request)}


async def after_routing(state: State) -> Literal["asking", "aggregating"]:
    """On to the sources, unless no job has failed and nobody is left to ask.

    This and the other edge are coroutine functions to need no thread, as names that do not resolve may keep them all.
    """
    return "asking" if state["plan"].asked else "aggregating"


class _Aggregating:
    """The node that makes the report."""

    def __init__(self, sources: Sources, aggregate: Aggregate, seconds_max: float) -> None:
        self._sources = sources
        self._aggregate = aggregate
        self._seconds_max = seconds_max
        self._threads = Threads(AGGREGATORS_MAX)

    async def __call__(self, state: State) -> State:
        """Put the evidence together; where that fails, hand it on as it is."""
        case = _case(state)
        failures = (state.get("errors") or {}).values()
        gaps = gaps_of(case, self._sources)
        warnings = [*state["plan"].warnings, *warnings_of(failures), *gaps]
        try:
            concluded = await self._conclude(case)
            conclusion = {"summary": concluded.summary, "diagnosis": concluded.diagnosis.model_dump(mode="json")}
        except Exception as error:  # noqa: BLE001 - Whatever is wrong with it, the evidence is worth having.
            _log.warning("aggregation_failed", exc_info=True)
            conclusion = {"summary": UNAGGREGATED}
            warnings.append(f"There is no diagnosis, because the aggregator failed ({type(error).__name__}).")
        figures = {"figures": state["figures"].to_message()} if "figures" in state else {}
        result: dict[str, Any] = {"kind": case.kind.value, **conclusion, "warnings": warnings, **figures}
        tell(AGGREGATING, 0.95 if _writes_prose() else 1.0, result["summary"], kind=case.kind)
        return {"result": result}

    async def _conclude(self, case: Case) -> Conclusion:
        """In a thread, because runbooks are files, and no longer than that may take."""
        async with asyncio.timeout(self._seconds_max):
            concluded: Conclusion = await self._threads.call(self._aggregate, case, self._runbook_for(case))
            return concluded

    def _runbook_for(self, case: Case) -> RunbookFor:
        """Where the runbooks were asked and answered, they may be asked for a cause as well."""
        runbooks = self._sources.runbooks if KNOWLEDGE in case.answered else None

        def find(cause: Cause, line: str) -> KnowledgeHit | None:
            try:
                hits = runbooks(f"{name_of(cause)} {line}") if runbooks is not None else ()
            except SourceUnavailable as error:
                _log.warning("runbook_unavailable", error=str(error))
                return None
            return next((hit for hit in hits if hit.cause == cause), None)

        return find


async def after_aggregating(state: State) -> Literal["responding", "__end__"]:  # noqa: ARG001 - It has the form of an edge.
    """On to the prose, where somebody writes it."""
    return "responding" if _writes_prose() else "__end__"


async def responding(state: State) -> State:
    """Have the prose written; without it, the report stays as it is."""
    result = state["result"]
    diagnosis = result.get("diagnosis")
    prose = await write_prose(
        Told(
            message=state["request"]["message"],
            summary=result["summary"],
            diagnosis=Diagnosis.model_validate(diagnosis) if diagnosis else None,
            evidence=_case(state).evidence,
            warnings=tuple(result["warnings"]),
        )
    )
    tell(RESPONDING, 1.0, result["summary"], kind=state["plan"].kind)
    warnings = [*result["warnings"], *filter(None, [prose.warning])]
    return {"result": {**result, "prose": prose.text, "warnings": warnings}}


def report_of(state: State) -> dict[str, Any]:
    """The report, in the contract's words.

    The evidence comes in here, at the end: it is most of a report, and the state has it already.
    """
    return {**state["result"], "evidence": _case(state).evidence.model_dump(mode="json")}


def _case(state: State) -> Case:
    plan = state["plan"]
    results: Mapping[str, Any] = state.get("results") or {}
    request = state["request"]
    return case_of(
        plan.kind,
        plan.jobs,
        results,
        looked_for_failures=plan.looked_for_failures,
        instance=request.get("instance") or "",
        message=request["message"],
        unconfigured=plan.unconfigured,
    )


def _writes_prose() -> bool:
    """Whether there is a chat model, be it set up well or not."""
    from stretto.models import ModelMisconfigured, configured  # noqa: PLC0415 - Only what needs models loads them.

    try:
        return configured() is not None
    except ModelMisconfigured:
        return True


def tell(phase: str, fraction: float, message: str, **detail: Any) -> None:
    """Tell watchers how far it is."""
    get_stream_writer()({"fraction": fraction, "message": message, "detail": {"phase": phase, **detail}})
