"""The graph of a turn: triage, then one of launch, answer, decide, cancel and ask back."""

from dataclasses import dataclass
from typing import Any, Literal, TypedDict, cast

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import RetryPolicy

from stretto.orchestrator import wording
from stretto.orchestrator.brief import KnownWorkflow
from stretto.orchestrator.desk import Desk, Done, Refused
from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding import Insight, Understanding

Route = Literal["launch", "answer", "decide", "cancel", "ask_back"]

_TRIES = RetryPolicy(max_attempts=3, initial_interval=0.2, jitter=True)
"""The desk raises only what a retry may mend, such as a store that is busy."""


@dataclass(frozen=True, slots=True)
class TurnContext:
    """What a turn works with."""

    desk: Desk
    understanding: Understanding


class TurnState(TypedDict, total=False):
    """A turn's state; all plain values, so that a checkpoint holds them."""

    text: str
    plan: dict[str, Any]
    source: str
    note: str
    askers: dict[str, str]
    """Which workflow asks each open question, when the message was understood."""
    readings: list[dict[str, Any]]
    reply: dict[str, Any]


class _Update(TypedDict, total=False):
    plan: dict[str, Any]
    source: str
    note: str
    askers: dict[str, str]
    readings: list[dict[str, Any]]
    reply: dict[str, Any]


async def triage(state: TurnState, runtime: Runtime[TurnContext]) -> _Update:
    """Find out what the user wants. What was found is durable before anything is done about it."""
    brief = await runtime.context.desk.brief(state["text"])
    insight = await runtime.context.understanding.triage(brief)
    return {
        "plan": insight.value.model_dump(),
        "source": insight.source,
        "note": insight.note,
        "askers": {question.interrupt_id: question.workflow_id for question in brief.questions},
        "readings": [_reading(workflow) for workflow in brief.workflows],
    }


def _route(state: TurnState) -> Route:
    return _plan(state).kind


async def launch(state: TurnState, runtime: Runtime[TurnContext]) -> _Update:
    """Start workflows, and do not wait for them."""
    desk = runtime.context.desk
    launches = _plan(state).launches
    outcomes = [await desk.launch(number, wanted.workflow_type, wanted.input) for number, wanted in enumerate(launches)]
    told = wording.launched([wanted.workflow_type for wanted in launches], outcomes)
    return _done(state, desk, "LAUNCH", "LAUNCHED", outcomes, told, asks_about=launches[0].workflow_type)


async def answer(state: TurnState, runtime: Runtime[TurnContext]) -> _Update:
    """Answer from how the workflows are now, which is read anew when triage took a while."""
    desk = runtime.context.desk
    brief = await desk.brief(state["text"])
    insight = await runtime.context.understanding.answer(brief)
    source, note = _sources(state, insight)
    readings = [_reading(workflow) for workflow in brief.workflows]
    fresh = cast("TurnState", {**state, "source": source, "note": note, "readings": readings})
    return {"reply": _reply(fresh, desk, "ANSWER", insight.value)}


async def decide(state: TurnState, runtime: Runtime[TurnContext]) -> _Update:
    """Decide interrupts, by the same rule as everybody else.

    The questions may have been decided since: by others, or by this very step before its process died.
    """
    desk, askers = runtime.context.desk, state["askers"]
    wanted = _plan(state).decisions
    outcomes = [
        await desk.decide(number, decision.interrupt_id, askers.get(decision.interrupt_id, ""), decision.decision)
        for number, decision in enumerate(wanted)
    ]
    told = wording.decided([decision.decision for decision in wanted], outcomes)
    interrupts = [decision.interrupt_id for decision in wanted]
    return _done(state, desk, "DECIDE", "DECIDED", outcomes, told, interrupts=interrupts, asks_about=interrupts[0])


async def cancel(state: TurnState, runtime: Runtime[TurnContext]) -> _Update:
    """Ask for the end of workflows."""
    desk = runtime.context.desk
    outcomes = [await desk.cancel(number, workflow_id) for number, workflow_id in enumerate(_plan(state).cancels)]
    return _done(state, desk, "CANCEL", "CANCELLED", outcomes, wording.cancelled(outcomes))


async def ask_back(state: TurnState, runtime: Runtime[TurnContext]) -> _Update:
    """Ask the user for what is missing or unclear."""
    plan = _plan(state)
    return {"reply": _reply(state, runtime.context.desk, "ASK_BACK", plan.text, asks_about=plan.asks_about)}


def _plan(state: TurnState) -> Plan:
    return Plan.model_validate(state["plan"])


def _sources(state: TurnState, insight: Insight[str]) -> tuple[str, str]:
    """Who understood the turn: whoever fell back, in either of its two parts, counts."""
    fell_back = "fallback" in (state["source"], insight.source)
    return ("fallback" if fell_back else insight.source), insight.note or state["note"]


def _done(
    state: TurnState,
    desk: Desk,
    kind: str,
    touch: str,
    outcomes: list[Done | Refused],
    told: str,
    *,
    interrupts: list[str] | None = None,
    asks_about: str = "",
) -> _Update:
    """The reply after orders: when none could be carried out, it is a question back, for the user can mend it."""
    touched = [
        {
            "workflow_id": outcome.workflow_id,
            "workflow_type": outcome.workflow_type,
            "kind": f"TOUCH_KIND_{touch}",
            "interrupt_id": interrupts[number] if interrupts else "",
        }
        for number, outcome in enumerate(outcomes)
        if isinstance(outcome, Done)
    ]
    if not touched:
        return {"reply": _reply(state, desk, "ASK_BACK", told, asks_about=asks_about)}
    return {"reply": _reply(state, desk, kind, told) | {"workflows": touched}}


def _reply(state: TurnState, desk: Desk, kind: str, text: str, *, asks_about: str = "") -> dict[str, Any]:
    """The fields of the Reply message."""
    now = desk.now()
    return {
        "text": text,
        "kind": f"TURN_KIND_{kind}",
        "source": f"UNDERSTANDING_SOURCE_{state['source'].upper()}",
        "note": state["note"],
        "asks_about": asks_about,
        "context": [
            {
                "workflow_id": reading["workflow_id"],
                "workflow_type": reading["workflow_type"],
                "as_of_sequence": reading["as_of_sequence"],
                "read_at": wording.timestamp(reading["read_at"]),
                "age_ms": max(0, now - reading["read_at"]) // 1_000,
            }
            for reading in state["readings"]
        ],
    }


def _reading(workflow: KnownWorkflow) -> dict[str, Any]:
    return {
        "workflow_id": workflow.workflow_id,
        "workflow_type": workflow.workflow_type,
        "as_of_sequence": workflow.as_of_sequence,
        "read_at": workflow.read_at,
    }


def build() -> StateGraph[TurnState, TurnContext, TurnState, TurnState]:
    """The graph, not compiled yet."""
    graph = StateGraph(TurnState, context_schema=TurnContext)
    graph.add_node("triage", triage, retry_policy=_TRIES)
    for node in (launch, answer, decide, cancel, ask_back):
        graph.add_node(node.__name__, cast("Any", node), retry_policy=_TRIES)
        graph.add_edge(node.__name__, END)
    graph.add_edge(START, "triage")
    graph.add_conditional_edges("triage", _route)
    return graph


__all__ = ["TurnContext", "TurnState", "build"]
