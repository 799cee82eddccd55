"""The graph of `exercise_planning`: analyse, design, check, ask, finish. An edit goes back to the design."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from stretto.workflows._approval import Verdict, ask
from stretto.workflows._notes import RETRY, write_note
from stretto.workflows._phases import Phases, Report
from stretto.workflows._words import count
from stretto.workflows.exercise_planning import note
from stretto.workflows.exercise_planning.design import Sketch, design
from stretto.workflows.exercise_planning.movements import available
from stretto.workflows.exercise_planning.safety import Substitution, make_safe, warnings_of
from stretto.workflows.exercise_planning.schedule import Week, schedule
from stretto.workflows.exercise_planning.wishes import Wishes, changed, wishes_of, words

PHASES: Final = Phases(
    milliseconds={
        "analyzing_requirements": 1000,
        "designing_plan": 1500,
        "checking_safety": 800,
        "awaiting_approval": 0,
        "finishing": 1000,
    },
    repeated=("designing_plan", "checking_safety", "awaiting_approval"),
)


class Plan(TypedDict, total=False):
    """How it ends, in the contract's words."""

    outcome: str
    summary: str
    reason: str
    sessions: int
    weeks: int
    minutes_per_session: int
    schedule: tuple[Week, ...]
    substitutions: tuple[Substitution, ...]
    warnings: tuple[str, ...]
    note: str
    note_source: str


class State(TypedDict, total=False):
    """What the phases hand on."""

    request: dict[str, Any]
    wishes: Wishes
    edits: int
    sketches: tuple[Sketch, ...]
    schedule: tuple[Week, ...]
    substitutions: tuple[Substitution, ...]
    warnings: tuple[str, ...]
    verdict: str
    reason: str
    plan: Plan


async def analyzing_requirements(state: State) -> State:
    """Settle what was asked for, and see what there is to choose from."""
    report = Report(PHASES, "analyzing_requirements")
    report.say("Looking at your goal, your level and your equipment")
    wishes = wishes_of(state["request"])
    found = len(available(wishes))
    await report.reach(
        1, f"{wishes.text().capitalize()}; {found} exercises fit your equipment", exercises_available=found
    )
    return {"wishes": wishes, "edits": 0}


async def designing_plan(state: State) -> State:
    """Split the week, and choose exercises."""
    wishes = state["wishes"]
    report = Report(PHASES, "designing_plan", state["edits"])
    report.say(f"Designing {count(wishes.days_per_week, 'session')} a week")
    sketches = design(wishes)
    sessions = len(sketches) * wishes.weeks
    await report.reach(
        1,
        f"Designed {count(sessions, 'session')} over {count(wishes.weeks, 'week')}",
        exercises_available=len(available(wishes)),
        sessions=sessions,
    )
    return {"sketches": sketches}


async def checking_safety(state: State) -> State:
    """Replace what would load an injury, and fit sets and rests into the time."""
    wishes = state["wishes"]
    report = Report(PHASES, "checking_safety", state["edits"])
    report.say("Checking loads, rests and injuries")
    sketches, substitutions = make_safe(state["sketches"], wishes)
    await report.reach(0.5, _replaced(substitutions), substitutions=len(substitutions))
    weeks = schedule(sketches, wishes)
    warnings = warnings_of(wishes, sketches, substitutions)
    await report.reach(
        1,
        f"The plan is ready for your approval: {_sized(weeks)}",
        exercises_available=len(available(wishes)),
        sessions=_sessions(weeks),
        substitutions=len(substitutions),
    )
    return {"sketches": sketches, "schedule": weeks, "substitutions": substitutions, "warnings": warnings}


async def awaiting_approval(state: State) -> State:
    """Ask whether the plan is good; it waits here for as long as that takes."""
    wishes, edits = state["wishes"], state["edits"]
    answer = ask(f"Is this plan for {words(wishes.goal)} good to go?", proposal_of(state), editable_of(wishes), edits)
    report = Report(PHASES, "awaiting_approval", edits)
    if answer.verdict is not Verdict.EDIT:
        report.say("The plan was approved" if answer.verdict is Verdict.APPROVE else "The plan was rejected")
        return {"verdict": answer.verdict.value, "reason": answer.reason}
    report.say(f"Changing the plan: {answer.reason}")
    wishes = changed(wishes, answer.changes)
    return {"verdict": answer.verdict.value, "reason": answer.reason, "wishes": wishes, "edits": edits + 1}


async def finishing(state: State) -> State:
    """Write the coach's note, and sum up."""
    report = Report(PHASES, "finishing", state["edits"])
    if state["verdict"] == Verdict.REJECT:
        plan = rejected(state)
        await report.reach(1, plan["summary"])
        return {"plan": plan}
    report.say("Writing the coach's note")
    wishes, weeks, warnings = state["wishes"], state["schedule"], state["warnings"]
    known = (wishes, weeks, warnings)
    written = await write_note(note.SYSTEM, note.prompt(*known), note.template(*known))
    plan = approved(state)
    plan |= {"note": written.text, "note_source": written.source}
    plan["warnings"] = (*warnings, *filter(None, [written.warning]))
    await report.reach(1, plan["summary"], sessions=plan["sessions"], substitutions=len(state["substitutions"]))
    return {"plan": plan}


def route(state: State) -> Literal["designing_plan", "finishing"]:
    """Back to the design after an edit, else on to the end."""
    return "designing_plan" if state["verdict"] == Verdict.EDIT else "finishing"


def approved(state: State) -> Plan:
    """The plan that was approved, without its note."""
    weeks = state["schedule"]
    return {
        "outcome": "OUTCOME_APPROVED",
        "summary": f"Your {words(state['wishes'].goal)} plan is ready: {_sized(weeks)}.",
        "sessions": _sessions(weeks),
        "weeks": len(weeks),
        "minutes_per_session": _longest(weeks),
        "schedule": weeks,
        "substitutions": state["substitutions"],
        "warnings": state["warnings"],
    }


def rejected(state: State) -> Plan:
    """The end of a plan that was rejected."""
    return {
        "outcome": "OUTCOME_REJECTED",
        "summary": f"The {words(state['wishes'].goal)} plan was rejected: {state['reason']}",
        "reason": state["reason"],
        "substitutions": state["substitutions"],
        "warnings": state["warnings"],
    }


def proposal_of(state: State) -> str:
    """The plan in a few lines, for who decides."""
    days = "; ".join(
        f"{session.day} {session.focus} ({', '.join(exercise.name for exercise in session.exercises)})"
        for session in state["schedule"][0].sessions
    )
    return " ".join([f"{_sized(state['schedule']).capitalize()}. {days}.", *state["warnings"]])


def editable_of(wishes: Wishes) -> Mapping[str, Any]:
    """What an edit may change, as it is now."""
    return wishes.model_dump(mode="json")


def _replaced(substitutions: tuple[Substitution, ...]) -> str:
    if not substitutions:
        return "No exercise loads an injury"
    return f"Replaced {count(len(substitutions), 'exercise')} because of injuries"


def _sized(weeks: tuple[Week, ...]) -> str:
    return f"{count(_sessions(weeks), 'session')} over {count(len(weeks), 'week')}, {_longest(weeks)} minutes at most"


def _sessions(weeks: tuple[Week, ...]) -> int:
    return sum(len(week.sessions) for week in weeks)


def _longest(weeks: tuple[Week, ...]) -> int:
    return max(session.minutes for week in weeks for session in week.sessions)


builder = StateGraph(State)
builder.add_node(analyzing_requirements)
builder.add_node(designing_plan)
builder.add_node(checking_safety)
builder.add_node(awaiting_approval)
builder.add_node(finishing, retry_policy=RETRY)
builder.add_edge(START, "analyzing_requirements")
builder.add_edge("analyzing_requirements", "designing_plan")
builder.add_edge("designing_plan", "checking_safety")
builder.add_edge("checking_safety", "awaiting_approval")
builder.add_conditional_edges("awaiting_approval", route)
builder.add_edge("finishing", END)
graph = builder.compile()
