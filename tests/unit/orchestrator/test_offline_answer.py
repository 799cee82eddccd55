import pytest

from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding.offline import Offline
from tests.unit.orchestrator.offline_world import SECOND, asked_back, brief, question, replied, user, workflow

RUNNING = workflow()
FAILED = workflow("finance_review", "FAILED", last_error="The bank did not answer.", updated_at=1, read_at=2)
DONE = workflow(
    "hr_onboarding",
    "SUCCEEDED",
    headline="A checklist with 12 tasks is ready.",
    facts={
        "tasks": 12,
        "first_day": "2026-12-07",
        "plan": {"sessions": [1, 2, 3]},
        "owners": ["IT", "HR"],
        "empty": "",
    },
)
ALL = (RUNNING, FAILED, DONE)
WAITING = workflow(status="WAITING")


async def answered(message: str, **given) -> str:
    there = brief(message, **given)
    understanding = Offline()
    assert (await understanding.triage(there)).value.kind == "answer", message
    insight = await understanding.answer(there)
    assert insight.source == "offline"
    return insight.value


LOOKING = "exercise_planning: analyzing requirements, 20 % complete — Looking at your goals."


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("how is it going", LOOKING),
        ("How is it going?", LOOKING),
        ("what's the status?", LOOKING),
        ("status", LOOKING),
        ("give me a status update", LOOKING),
        ("any news?", LOOKING),
        ("how far is the workout?", LOOKING),
        ("is my plan ready?", LOOKING),
        ("Tell me how the exercise planning is going", LOOKING),
        ("what is the status of the finance review?", "finance_review: failed"),
        ("why?", "analyzing requirements"),
        ("why did it fail?", "— The bank did not answer."),
        ("what went wrong", "— The bank did not answer."),
        ("did the onboarding finish?", "hr_onboarding: done 2 seconds ago — A checklist with 12 tasks is ready."),
        ("how many tasks?", "Tasks: 12."),
        ("how many sessions does it have?", "Sessions: 3."),
        ("who are the owners?", "Owners: IT and HR."),
        ("what is my first day?", "First day: 2026-12-07."),
        ("what did you find?", "Tasks: 12. First day: 2026-12-07. Sessions: 1, 2 and 3."),
        ("when did you start the workout?", "20 % complete (started 10 seconds ago)"),
    ],
)
async def test_questions_are_answered_from_how_the_workflows_are(message: str, told: str) -> None:
    assert told in await answered(message, workflows=ALL)


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (workflow(status="QUEUED"), "exercise_planning: waiting for its turn."),
        (workflow(phases=("a_b", "c_d"), headline=""), "exercise_planning: a b and c d, 20 % complete."),
        (workflow(fraction=0.58), "58 % complete"),
        (workflow(fraction=0.999), "99 % complete"),
        (workflow(status="CANCELLED", headline=""), "exercise_planning: cancelled 2 seconds ago."),
        (workflow(status="TIMED_OUT", headline=""), "ended, because it ran out of time"),
        (workflow(status="QUARANTINED"), "set aside"),
        (workflow(status="SUCCEEDED", updated_at=0, headline="All done"), "days ago — All done."),
        (workflow(status="SUCCEEDED", updated_at=workflow().read_at), "done just now"),
        (workflow(status="SUCCEEDED", updated_at=workflow().read_at - 61 * SECOND), "done 1 minute ago"),
        (workflow(status="WAITING"), "waiting — Looking at your goals."),
    ],
)
async def test_each_status_has_its_words(one, told: str) -> None:
    assert told in await answered("how is the exercise going?", workflows=(one,))


async def test_a_waiting_workflow_says_what_it_asks_and_how_to_answer() -> None:
    said = await answered("how is it going?", workflows=(WAITING,), questions=(question(),))
    wanted = "waiting for you — Is the exercise plan good? You can answer with approve, reject or edit."
    assert said == f"exercise_planning: {wanted}"


async def test_two_workflows_of_one_type_are_told_apart_by_the_ends_of_their_ids() -> None:
    said = await answered("how is it going?", workflows=(workflow(number=1), workflow(number=2)))
    assert "exercise_planning (…000001)" in said
    assert "exercise_planning (…000002)" in said


async def test_nothing_is_said_of_progress_that_is_not_there() -> None:
    assert await answered("how is it going?") == (
        "Nothing is running in this session. I can start exercise planning, finance review, HR onboarding, greenhouse "
        "watering or translate text for you."
    )
    said = await answered("how is the onboarding?", workflows=(RUNNING,))
    assert said == f"There is no HR onboarding in this session yet. {LOOKING}"
    assert (await answered("what is the status?", workflows=(DONE,))).startswith("Nothing is running at the moment.")


HISTORY = (user("My name is Ana"), replied("Noted."), user("I have a bad knee"), replied("Noted."))


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("what is my name?", "You told me: “My name is Ana”"),
        ("what did I tell you about my knee?", "You told me: “I have a bad knee”"),
        ("do you remember my name?", "You told me: “My name is Ana”"),
        ("what did I say about cars?", "You have not told me that in this session."),
    ],
)
async def test_what_the_user_said_is_told_from_the_history(message: str, told: str) -> None:
    assert await answered(message, history=HISTORY, workflows=(RUNNING,)) == told


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("hello", "Hello! I can start exercise planning"),
        ("Good morning!", "Hello!"),
        ("thanks a lot", "You are welcome."),
        ("ok thank you", "You are welcome."),
        ("what can you do?", "Finance review: Reviews spending of a month"),
        ("help", "Tell me in a sentence what you need"),
        ("I have a bad knee", "Noted."),
        ("not yet", "All right, take your time."),
        ("never mind", "All right, I leave it."),
        ("cancel the workout", "Nothing is running that I could stop."),
        ("looks good", "Nothing waits for a decision at the moment."),
    ],
)
async def test_small_talk_gets_a_short_and_useful_answer(message: str, told: str) -> None:
    assert told in await answered(message)


async def test_without_types_it_says_so() -> None:
    assert await answered("hello", types=()) == "Hello! There is nothing that I could start for you yet."


REVIEW = workflow("finance_review", phases=("sorting_payments",))
LIVE = (RUNNING, REVIEW, workflow("exercise_planning", "SUCCEEDED", 2))


async def plan(message: str, **given) -> Plan:
    return (await Offline().triage(brief(message, **given))).value


@pytest.mark.parametrize(
    ("message", "stopped"),
    [
        ("stop the workout plan", [RUNNING]),
        ("abort the finance review please", [REVIEW]),
        ("please cancel the exercise planning", [RUNNING]),
        ("can you stop the spending review?", [REVIEW]),
        ("stop sorting my payments", [REVIEW]),
        ("cancel the first one", [RUNNING]),
        ("cancel everything", [RUNNING, REVIEW]),
        ("stop both", [RUNNING, REVIEW]),
    ],
)
async def test_what_is_to_be_stopped_is_stopped(message: str, stopped: list) -> None:
    found = await plan(message, workflows=LIVE)
    assert (found.kind, found.cancels) == ("cancel", tuple(each.workflow_id for each in stopped))


async def test_a_fact_that_ends_its_own_sentence_gets_no_second_full_stop() -> None:
    one = workflow(status="SUCCEEDED", headline="", facts={"text": "Hello, Ada!"})
    assert (await answered("what is the text of the exercise?", workflows=(one,))).endswith("Text: Hello, Ada!")


async def test_each_type_that_can_be_started_is_told_on_a_line_of_its_own() -> None:
    lead, *kinds = (await answered("what can you do?")).splitlines()
    assert lead.startswith("Tell me in a sentence")
    assert [kind.partition(":")[0] for kind in kinds][:2] == ["Exercise planning", "Finance review"]


@pytest.mark.parametrize("message", ["quit", "exit", "bye"])
async def test_who_leaves_the_conversation_stops_nothing(message: str) -> None:
    assert (await plan(message, workflows=(RUNNING,))).kind == "answer"
    assert await answered(message, workflows=(RUNNING,)) == "All right, I leave it."
    assert (await plan("quit the exercise planning", workflows=(RUNNING,))).kind == "cancel"


@pytest.mark.parametrize("message", ["cancel it", "stop", "stop the workflow"])
async def test_the_only_one_that_runs_needs_no_name_and_of_several_it_asks_which(message: str) -> None:
    assert (await plan(message, workflows=(RUNNING, DONE))).cancels == (RUNNING.workflow_id,)
    found = await plan(message, workflows=LIVE)
    assert (found.kind, found.text) == ("ask_back", "Which shall I stop: exercise planning or finance review?")


async def test_which_one_to_stop_can_be_said_afterwards() -> None:
    history = (user("cancel it"), asked_back("Which shall I stop: exercise planning or finance review?"))
    found = await plan("the finance one", workflows=LIVE, history=history)
    assert (found.kind, found.cancels) == ("cancel", (REVIEW.workflow_id,))


async def test_what_does_not_run_is_not_stopped_nor_is_another() -> None:
    found = await plan("stop the onboarding", workflows=LIVE)
    assert found.kind == "ask_back"
    assert found.text.startswith("That is not running. What runs is exercise planning and finance review.")
    history = (user("stop the onboarding"), asked_back(found.text))
    assert (await plan("yes", workflows=(RUNNING,), history=history)).cancels == (RUNNING.workflow_id,)
    assert await answered("no", workflows=(RUNNING,), history=history) == "All right, I leave it."
    assert (await plan("well", workflows=(RUNNING,), history=history)).kind == "ask_back"


async def test_a_twin_is_stopped_by_the_end_of_its_id() -> None:
    twins = (workflow(number=1), workflow(number=2))
    found = await plan("stop the exercise planning", workflows=twins)
    assert found.text == "Which shall I stop: exercise planning (…000001) or exercise planning (…000002)?"
    assert (await plan("stop 000002", workflows=twins)).cancels == (twins[1].workflow_id,)
