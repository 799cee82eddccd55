"""The graph of `project_audit_staged`: one role after another, each reading the project and all that was written."""

import time
from itertools import pairwise
from typing import Any, Final

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from stretto.workflows._words import count
from stretto.workflows.project_audit.graph import MODEL, RULES, overlooked, report_of, tell
from stretto.workflows.project_audit.performance import Timed, performance_of
from stretto.workflows.project_audit.settings import AuditSettings
from stretto.workflows.project_audit_staged.report import Report, findings_of
from stretto.workflows.project_audit_staged.roles import CREW, EDITOR, REPORT
from stretto.workflows.project_audit_staged.state import State, Wrote
from stretto.workflows.project_audit_staged.work import Editor, Writer

PREPARING: Final = "preparing"
FINISHING: Final = "finishing"


def staged(settings: AuditSettings | None = None) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph.

    Args:
        settings: How much patience there is with each role; the environment's when left out.
    """
    seconds = (settings or AuditSettings.from_environment()).query_seconds_max
    size = len(CREW) + 1
    roles = [Writer(role, number, size, seconds) for number, role in enumerate(CREW)]
    roles.append(Editor(EDITOR, len(CREW), size, seconds))
    names = [START, PREPARING, *(each.role.name for each in roles), FINISHING, END]
    builder = StateGraph(State)
    builder.add_node(PREPARING, preparing)
    for each in roles:
        builder.add_node(each.role.name, each)
    builder.add_node(FINISHING, finishing)
    for earlier, later in pairwise(names):
        builder.add_edge(earlier, later)
    return builder.compile()


async def preparing(state: State) -> State:
    """Find out who answers, and tell what there is to audit."""
    from stretto.models import configured  # noqa: PLC0415 - only an audit loads models

    answerer = RULES if configured() is None else MODEL
    positions = count(len(state["request"].get("positions", ())), "position")
    tell(0.0, f"Auditing {positions} by a crew of {len(CREW) + 1}, one after another", PREPARING)
    return {"answerer": answerer, "began": time.time()}


async def finishing(state: State) -> State:
    """Make the report of what the last role wrote."""
    wrote = state["wrote"]
    warnings = overlooked(state["request"], state["answerer"])
    findings = findings_of(Report.model_validate_json(wrote[EDITOR.name].text), warnings)
    report = {**report_of(findings, state["answerer"]), "performance": _took(wrote, time.time() - state["began"])}
    tell(1.0, report["headline"], REPORT)
    return {"result": report}


def _took(wrote: dict[str, Wrote], seconds: float) -> dict[str, Any]:
    timed = [Timed(name, succeeded=True, seconds=each.seconds) for name, each in wrote.items()]
    spent = {name: each.spent for name, each in wrote.items()}
    # Clocks are set; the roles took what they took.
    return performance_of(timed, max(seconds, sum(each.seconds for each in timed)), spent)


graph = staged()
