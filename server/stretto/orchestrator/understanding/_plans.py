"""Plans of a chat model against the brief: it may name only what is there, and must fill in what is needed."""

from collections.abc import Iterator
from typing import Any

from stretto.orchestrator.brief import Brief
from stretto.orchestrator.plan import Decision, Launch, Plan
from stretto.orchestrator.understanding._schemas import faults_in

_ORDERS_MAX = 10
"""Workflows that one message may start, decide or cancel when a model read it: a confused one must not flood."""

_FIELD_OF_KIND = {"launch": "launches", "decide": "decisions", "cancel": "cancels"}


def faults_of(plan: Plan, brief: Brief) -> list[str]:
    """What is wrong with a plan, one sentence each."""
    faults = {"launch": _of_launches, "decide": _of_decisions, "cancel": _of_cancels, "ask_back": _of_asking_back}
    found = list(faults[plan.kind](plan, brief)) if plan.kind in faults else []
    orders = len(getattr(plan, _FIELD_OF_KIND[plan.kind])) if plan.kind in _FIELD_OF_KIND else 0
    return [*found, f"there are {orders} orders, and {_ORDERS_MAX} are the most"] if orders > _ORDERS_MAX else found


def only_its_kind(plan: Plan) -> Plan:
    """The plan without what does not belong to its kind, which models like to fill in as well."""
    foreign = {field for kind, field in _FIELD_OF_KIND.items() if kind != plan.kind}
    asks = plan.kind == "ask_back"
    return plan.model_copy(update=dict.fromkeys(foreign, ()) | ({} if asks else {"text": "", "asks_about": ""}))


def _of_launches(plan: Plan, brief: Brief) -> Iterator[str]:
    schemas = {known.name: known.input_schema for known in brief.types}
    for number, launch in enumerate(plan.launches):
        yield from _of_launch(f"launches.{number}", launch, schemas)


def _of_launch(path: str, launch: Launch, schemas: dict[str, Any]) -> Iterator[str]:
    schema = schemas.get(launch.workflow_type)
    if schema is None:
        yield f"{path}.workflow_type: {launch.workflow_type!r} is none of the workflow types {_names(schemas)}"
    else:
        yield from faults_in(launch.input, schema, f"{path}.input")


def _of_decisions(plan: Plan, brief: Brief) -> Iterator[str]:
    schemas = {question.interrupt_id: question.decision_schema for question in brief.questions}
    for number, decision in enumerate(plan.decisions):
        yield from _of_decision(f"decisions.{number}", decision, schemas)


def _of_decision(path: str, decision: Decision, schemas: dict[str, Any]) -> Iterator[str]:
    schema = schemas.get(decision.interrupt_id)
    if schema is None:
        yield f"{path}.interrupt_id: {decision.interrupt_id!r} is none of the open questions {_names(schemas)}"
    else:
        yield from faults_in(decision.decision, schema, f"{path}.decision")


def _of_cancels(plan: Plan, brief: Brief) -> Iterator[str]:
    live = [workflow.workflow_id for workflow in brief.workflows if not workflow.ended]
    for number, workflow_id in enumerate(plan.cancels):
        if workflow_id not in live:
            yield f"cancels.{number}: {workflow_id!r} is none of the workflows that can be cancelled {_names(live)}"


def _of_asking_back(plan: Plan, brief: Brief) -> Iterator[str]:
    if not plan.text.strip():
        yield "text: it must ask the user something"
    known = ["", *(known.name for known in brief.types), *(question.interrupt_id for question in brief.questions)]
    if plan.asks_about not in known:
        yield f"asks_about: {plan.asks_about!r} is neither a workflow type nor an open question; it may stay empty"


def _names(known: Any) -> str:
    return f"({', '.join(known)})" if known else "(there are none)"
