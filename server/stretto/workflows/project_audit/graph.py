"""The graph of `project_audit`: prepare, ask both queries side by side, merge what they found."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from stretto.workflows._words import count
from stretto.workflows.fan_out import FanOut, FanOutState, Figures, Source
from stretto.workflows.project_audit.merging import Findings, headline_of, merged, unseen
from stretto.workflows.project_audit.performance import Timed, performance_of
from stretto.workflows.project_audit.queries import (
    ASKING,
    COMPLIANCE,
    COMPREHENSIVE,
    QUERIES,
    Query,
    asking,
    estimate,
    told_of,
)
from stretto.workflows.project_audit.rules import unread
from stretto.workflows.project_audit.settings import AuditSettings
from stretto.workflows.project_audit.spent import Meters, Spent

PREPARING: Final = "preparing"
MERGING: Final = "merging"
_SHARE: Final = (0.05, 0.95)
MODEL, RULES = "ANSWERER_MODEL", "ANSWERER_RULES"


class State(FanOutState, total=False):
    """What the phases hand on."""

    request: dict[str, Any]
    answerer: str
    result: dict[str, Any]


def audit(
    queries: Sequence[Query] = QUERIES, settings: AuditSettings | None = None
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph.

    Args:
        queries: What is asked.
        settings: How much patience there is; the environment's when left out.
    """
    meters = Meters()
    seconds_max = (settings or AuditSettings.from_environment()).query_seconds_max
    builder = StateGraph(State)
    builder.add_node(PREPARING, preparing)
    builder.add_node(ASKING, _fan_out(queries, meters, seconds_max).compile())
    builder.add_node(MERGING, _Merging(queries, meters))
    builder.add_edge(START, PREPARING)
    builder.add_edge(PREPARING, ASKING)
    builder.add_edge(ASKING, MERGING)
    builder.add_edge(MERGING, END)
    return builder.compile()


async def preparing(state: State) -> State:
    """Find out who answers, and tell what there is to audit."""
    from stretto.models import configured  # noqa: PLC0415 - only an audit loads models

    request = state["request"]
    answerer = RULES if configured() is None else MODEL
    by = "a chat model" if answerer == MODEL else "rules"
    positions = count(len(request.get("positions", ())), "position")
    specifications = count(len(request.get("specifications", ())), "specification")
    tell(0.0, f"Auditing {positions} and {specifications} by {by}", PREPARING)
    return {"answerer": answerer, "query": {"request": request, "audit_id": uuid.uuid4().hex}}


class _Merging:
    """The node that makes the report."""

    def __init__(self, queries: Sequence[Query], meters: Meters) -> None:
        self._queries = queries
        self._meters = meters

    async def __call__(self, state: State) -> State:
        """Merge what was found, with stand-ins for what was not."""
        results, request = state["results"], state["request"]
        answers = {name: found.answer for name, found in results.items()}
        errors = {name: failure.message for name, failure in state.get("errors", {}).items()}
        findings = merged(answers.get(COMPREHENSIVE), answers.get(COMPLIANCE), errors)
        warnings = (*findings.warnings, *overlooked(request, state["answerer"]))
        findings = findings.model_copy(update={"warnings": warnings})
        spent = self._spent(state)
        report = {**report_of(findings, state["answerer"]), "performance": _took(state["figures"], spent)}
        tell(1.0, report["headline"], MERGING)
        return {"result": report}

    def _spent(self, state: State) -> dict[str, Spent]:
        """What each query spent: as it was answered, as this process saw it, or what its prompt alone costs."""
        answered = {name: found.spent for name, found in state["results"].items()}
        seen = self._meters.read(state["query"]["audit_id"])
        least = {each.name: estimate(each, state["request"]) for each in self._queries}
        return {**least, **seen, **answered}


def overlooked(request: Mapping[str, Any], answerer: str) -> tuple[str, ...]:
    """Warnings of what whoever answered did not look at."""
    return unseen(request) if answerer == MODEL else unread(request)


def report_of(findings: Findings, answerer: str) -> dict[str, Any]:
    """The contract's report, but for what it took."""
    return {"headline": headline_of(findings), **findings.model_dump(mode="json"), "answerer": answerer}


def tell(fraction: float, message: str, phase: str, **detail: Any) -> None:
    """Tell watchers how far the audit is."""
    get_stream_writer()({"fraction": fraction, "message": message, "detail": {"phase": phase, **detail}})


def _fan_out(queries: Sequence[Query], meters: Meters, seconds_max: float) -> FanOut:
    sources = [
        Source(
            query.name,
            asking(query, meters),
            seconds_max=query.seconds_max or seconds_max,
            returns=query.returns,
            partial=told_of,
        )
        for query in queries
    ]
    # Each query has its own time, and they start together: the time of all must not be over before.
    longest = max(source.seconds_max for source in sources)
    return FanOut(sources, seconds_max=2 * longest, succeed_min=1, share=_SHARE, detail=lambda _: {"phase": ASKING})


def _took(figures: Figures, spent: Mapping[str, Spent]) -> dict[str, Any]:
    timed = [Timed(each.source, each.succeeded, each.seconds) for each in figures.branches]
    return performance_of(timed, figures.parallel_seconds, spent)


graph = audit()
