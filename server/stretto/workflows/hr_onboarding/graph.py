"""The graph of `hr_onboarding`: gather, list, schedule, check, ask, finish. An edit goes back to the list."""

from typing import Any, Final, Literal

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from stretto.workflows._approval import Verdict, ask
from stretto.workflows._notes import RETRY, write_note
from stretto.workflows._phases import Phases, Report
from stretto.workflows._words import count
from stretto.workflows.hr_onboarding import note
from stretto.workflows.hr_onboarding.checklist import BY_KEY, checklist
from stretto.workflows.hr_onboarding.conflicts import conflicts_of, warnings_of
from stretto.workflows.hr_onboarding.hire import Hire, changed, hire_of
from stretto.workflows.hr_onboarding.schedule import Milestone, Task, milestones, schedule

PHASES: Final = Phases(
    milliseconds={
        "gathering_requirements": 800,
        "building_checklist": 1000,
        "scheduling_tasks": 900,
        "checking_conflicts": 500,
        "awaiting_approval": 0,
        "finishing": 900,
    },
    repeated=("building_checklist", "scheduling_tasks", "checking_conflicts", "awaiting_approval"),
)


class State(TypedDict, total=False):
    """What the phases hand on."""

    request: dict[str, Any]
    hire: Hire
    edits: int
    keys: tuple[str, ...]
    tasks: tuple[Task, ...]
    milestones: tuple[Milestone, ...]
    conflicts: tuple[str, ...]
    verdict: str
    reason: str
    plan: dict[str, Any]


async def gathering_requirements(state: State) -> State:
    """Settle who joins, and where."""
    report = Report(PHASES, "gathering_requirements")
    report.say(f"Looking at what {state['request']['name']} needs")
    hire = hire_of(state["request"])
    place = "from home" if hire.remote else "in the office"
    await report.reach(1, f"{hire.name} joins {hire.department.words} as {hire.role}, {place}")
    return {"hire": hire, "edits": 0}


async def building_checklist(state: State) -> State:
    """Choose the tasks for department, role and place."""
    report = Report(PHASES, "building_checklist", state["edits"])
    report.say("Choosing tasks")
    keys = tuple(task.key for task in checklist(state["hire"]))
    await report.reach(1, f"Put {count(len(keys), 'task')} on the checklist", tasks=len(keys))
    return {"keys": keys}


async def scheduling_tasks(state: State) -> State:
    """Give each task its day, after those that it depends on."""
    hire = state["hire"]
    report = Report(PHASES, "scheduling_tasks", state["edits"])
    report.say(f"Finding days around {hire.first_day}")
    tasks = schedule([BY_KEY[key] for key in state["keys"]], hire)
    told = f"{count(_before(tasks), 'task')} to do before {hire.first_day}, {count(_after(tasks), 'task')} from then on"
    await report.reach(1, told, **detail_of(tasks))
    return {"tasks": tasks, "milestones": milestones(hire)}


async def checking_conflicts(state: State) -> State:
    """Look for what does not fit."""
    hire, tasks = state["hire"], state["tasks"]
    report = Report(PHASES, "checking_conflicts", state["edits"])
    report.say("Looking for what does not fit")
    conflicts = conflicts_of(hire, tasks)
    told = count(len(conflicts), "conflict") if conflicts else "no conflicts"
    await report.reach(
        1,
        f"The plan for {hire.name} is ready for your approval: {count(len(tasks), 'task')}, {told}",
        **detail_of(tasks, conflicts),
    )
    return {"conflicts": conflicts}


async def awaiting_approval(state: State) -> State:
    """Ask whether the plan is good; it waits here for as long as that takes."""
    hire, edits = state["hire"], state["edits"]
    editable = hire.model_dump(mode="json", exclude={"name", "today"})
    answer = ask(f"Shall {hire.name} be onboarded like this?", proposal_of(state), editable, edits)
    report = Report(PHASES, "awaiting_approval", edits)
    if answer.verdict is not Verdict.EDIT:
        report.say(f"The plan was {'approved' if answer.verdict is Verdict.APPROVE else 'rejected'}")
        return {"verdict": answer.verdict.value, "reason": answer.reason}
    report.say(f"Changing the plan: {answer.reason}")
    hire = changed(hire, answer.changes)
    return {"verdict": answer.verdict.value, "reason": answer.reason, "hire": hire, "edits": edits + 1}


async def finishing(state: State) -> State:
    """Write the welcome letter, and sum up."""
    hire = state["hire"]
    report = Report(PHASES, "finishing", state["edits"])
    plan = about(hire) | {"conflicts": state["conflicts"], "warnings": warnings_of(hire)}
    if state["verdict"] == Verdict.REJECT:
        told = f"The onboarding plan for {hire.name} was rejected: {state['reason']}"
        plan |= {"outcome": "OUTCOME_REJECTED", "summary": told, "reason": state["reason"]}
    else:
        report.say("Writing the welcome letter")
        plan |= await approved(hire, state["tasks"], state["milestones"])
    await report.reach(1, plan["summary"], **detail_of(state["tasks"], state["conflicts"]))
    return {"plan": plan}


def route(state: State) -> Literal["building_checklist", "finishing"]:
    """Back to the checklist after an edit, else on to the end."""
    return "building_checklist" if state["verdict"] == Verdict.EDIT else "finishing"


def about(hire: Hire) -> dict[str, Any]:
    """Who joins, in the contract's words."""
    return {"name": hire.name, "role": hire.role, "department": hire.department, "first_day": hire.first_day}


async def approved(hire: Hire, tasks: tuple[Task, ...], goals: tuple[Milestone, ...]) -> dict[str, Any]:
    """What an approval adds: the plan itself, and the welcome letter."""
    known = (hire, tasks, goals)
    written = await write_note(note.SYSTEM, note.prompt(*known), note.template(*known))
    told = f"{count(len(tasks), 'task')}, {_before(tasks)} of them before {hire.first_day}"
    return {
        "outcome": "OUTCOME_APPROVED",
        "summary": f"The onboarding plan for {hire.name} is ready: {told}.",
        "task_count": len(tasks),
        "tasks": tasks,
        "milestones": goals,
        "note": written.text,
        "note_source": written.source,
        "warnings": (*warnings_of(hire), *filter(None, [written.warning])),
    }


def proposal_of(state: State) -> str:
    """The plan in a few sentences, for who decides."""
    hire, tasks = state["hire"], state["tasks"]
    head = f"{hire.name}, {hire.role} in {hire.department.words}, first day {hire.first_day}."
    first = f"the first one is due on {tasks[0].due_date}: {tasks[0].title.lower()}"
    told = f"{count(len(tasks), 'task')}, {_before(tasks)} of them before that day; {first}."
    return " ".join([head, told, *state["conflicts"], *warnings_of(hire)])


def detail_of(tasks: tuple[Task, ...], conflicts: tuple[str, ...] = ()) -> dict[str, int]:
    """What progress says of a plan so far."""
    return {"tasks": len(tasks), "tasks_before_start": _before(tasks), "conflicts": len(conflicts)}


def _before(tasks: tuple[Task, ...]) -> int:
    return sum(task.working_days_from_start < 0 for task in tasks)


def _after(tasks: tuple[Task, ...]) -> int:
    return len(tasks) - _before(tasks)


builder = StateGraph(State)
builder.add_node(gathering_requirements)
builder.add_node(building_checklist)
builder.add_node(scheduling_tasks)
builder.add_node(checking_conflicts)
builder.add_node(awaiting_approval)
builder.add_node(finishing, retry_policy=RETRY)
builder.add_edge(START, "gathering_requirements")
builder.add_edge("gathering_requirements", "building_checklist")
builder.add_edge("building_checklist", "scheduling_tasks")
builder.add_edge("scheduling_tasks", "checking_conflicts")
builder.add_edge("checking_conflicts", "awaiting_approval")
builder.add_conditional_edges("awaiting_approval", route)
builder.add_edge("finishing", END)
graph = builder.compile()
