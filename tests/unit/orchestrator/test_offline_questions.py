"""Questions that a workflow could answer: which start one, which are about the session, and which are asked back."""

import pytest

from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding.offline import Offline
from tests.unit.orchestrator.offline_world import asked_back, brief, question, user, workflow
from tests.unit.orchestrator.shipped_world import SHIPPED

TROUBLE, AUDIT, STAGED = "troubleshooting", "project_audit", "project_audit_staged"

PLAN = workflow(status="FAILED", last_error="The designer gave up.")
RUNNING = (workflow(), workflow("finance_review"))
SEARCH = workflow(TROUBLE, facts={"message": "Why did nightly-etl fail?", "summary": "It ran out of memory."})
ROWING = workflow(facts={"equipment": ["rowing machine"]})
AUDITED = workflow(AUDIT, "SUCCEEDED", facts={"description": "An outdoor swimming pool, walls of C30/37"})


async def plan(message: str, **given) -> Plan:
    return (await Offline().triage(brief(message, types=SHIPPED, **given))).value


def told(found: Plan) -> str:
    """What a plan does, as the tables below have it."""
    return " ".join(each.workflow_type for each in found.launches) or found.kind


CLEAR = [
    ("Why did nightly-etl fail?", TROUBLE),
    ("why has report-mailer crashed again", TROUBLE),
    ("Tell me why report-mailer crashed", TROUBLE),
    ("Could you tell me why report-mailer crashed?", TROUBLE),
    ("I want to know why nightly-etl failed", TROUBLE),
    ("Find out why nightly-etl failed", TROUBLE),
    ("Can you find out why nightly-etl failed?", TROUBLE),
    ("Check whether nightly-etl failed", TROUBLE),
    ("Investigate why nightly-etl is so slow", TROUBLE),
    ("Look into the jobs that failed last night", TROUBLE),
    ("What is wrong with worker-3?", TROUBLE),
    ("What's wrong with db_backup", TROUBLE),
    ("Why is worker-3 so slow?", TROUBLE),
    ("What do the logs say about nightly-etl?", TROUBLE),
    ("What should I do about a job that ran out of memory?", TROUBLE),
    ("Why does the machine use so much memory?", TROUBLE),
    ("Why does the machine run out of memory when it starts?", TROUBLE),
    ("Troubleshoot report-mailer", TROUBLE),
    ("My job nightly-etl failed", TROUBLE),
    ("Is my concrete specified well enough?", AUDIT),
    ("Audit my bridge", AUDIT),
    ("Audit my warehouse: pad foundations, 2,000 m2", AUDIT),
    ("Check the concrete of my bridge: deck C35/45, XC4, cover 50 mm", AUDIT),
    ("Project audit: car park in groundwater", AUDIT),
    ("Is the concrete of this bridge specified well enough?", AUDIT),
    ("Audit my bridge role by role", STAGED),
    ("Audit my bridge. Do it role by role.", STAGED),
    ("Audit my bridge. Take the staged crew.", STAGED),
    ("Do a staged audit of my bridge", STAGED),
]
HERE = [
    "How is everything going?",
    "How is it going?",
    "How far is it?",
    "why?",
    "Why did it fail?",
    "Why did this fail?",
    "Why did it run out of memory?",
    "Why did this run out of memory?",
    "it failed",
    "that's wrong",
    "What went wrong?",
    "Is anything wrong?",
    "any errors?",
    "Show me the errors",
    "Find out why it failed",
    "Find out why my plan failed",
    "Why did my plan fail?",
    "My plan failed",
    "Why did the workflow fail?",
    "Why did the finance review fail?",
    "Why did exercise_planning fail?",
    "Why did the strength-plan fail?",
    "What went wrong with the onboarding?",
    "Are there any risks in my plan?",
    "How is the troubleshooting going?",
    "What risks did the audit find?",
    "what can you do?",
    "What is troubleshooting?",
    "How does the project audit work?",
    "What is a bill of quantities?",
    "What did I tell you about nightly-etl?",
    "Why does my knee hurt?",
    "What is the weather in Berlin?",
    "What workouts do you know?",
    "Where does my money go?",
]
NOT_SURE = [
    "Which jobs failed last night?",
    "How do I restart a failed job?",
    "What risks are there?",
    "Did nightly-etl run last night?",
    "check nightly-etl",
]
SESSIONS = {"nothing": (), "a failed plan": (PLAN,), "two that run": RUNNING}


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize(("message", "workflow_type"), CLEAR)
async def test_a_question_about_something_else_starts_what_answers_it(
    session: str, message: str, workflow_type: str
) -> None:
    assert told(await plan(message, workflows=SESSIONS[session])) == workflow_type


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize("message", HERE)
async def test_a_question_about_the_session_or_the_types_starts_nothing(session: str, message: str) -> None:
    assert told(await plan(message, workflows=SESSIONS[session])) == "answer"


@pytest.mark.parametrize("message", NOT_SURE)
async def test_a_question_that_may_be_about_the_session_is_asked_back(message: str) -> None:
    found = await plan(message, workflows=RUNNING)
    assert told(found) == "ask_back"
    assert found.text.startswith("Shall I start ")


async def test_with_nothing_in_the_session_there_is_less_to_be_unsure_of() -> None:
    assert told(await plan("Which jobs failed last night?")) == TROUBLE


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("yes", TROUBLE),
        ("yes please", TROUBLE),
        ("start the troubleshooting", TROUBLE),
        ("no", "answer"),
        ("no, leave it", "answer"),
        ("how is it going?", "answer"),
        ("Audit my bridge", AUDIT),
    ],
)
async def test_what_was_asked_back_starts_with_a_yes_only(message: str, wanted: str) -> None:
    asked = "Which jobs failed last night?"
    history = (user(asked), asked_back((await plan(asked, workflows=RUNNING)).text, TROUBLE))
    found = await plan(message, workflows=RUNNING, history=history)
    assert told(found) == wanted
    if wanted == TROUBLE:
        assert found.launches[0].input["message"] == asked


@pytest.mark.parametrize(
    ("message", "there", "wanted"),
    [
        ("Why did nightly-etl fail?", SEARCH, "answer"),
        ("how far is the troubleshooting?", SEARCH, "answer"),
        ("Did the machine run out of memory?", SEARCH, "answer"),
        ("Why did report-mailer fail?", SEARCH, TROUBLE),
        ("Find out why report-mailer failed", SEARCH, TROUBLE),
        ("Is my concrete specified well enough?", SEARCH, AUDIT),
        ("Is my concrete specified well enough?", AUDITED, "answer"),
        ("Is the pool's concrete specified well enough?", AUDITED, "answer"),
        ("Which risks does this building project have? A basement, in groundwater", AUDITED, AUDIT),
        ("Why does the machine use so much memory?", PLAN, TROUBLE),
        ("Why does the machine use so much memory?", ROWING, "answer"),
        ("Why does the machine use so much memory?", workflow(facts={"subject": "memory"}), "answer"),
        ("Why did wf-exe-000001 fail?", PLAN, "answer"),
    ],
)
async def test_a_question_about_what_a_workflow_was_started_with_is_about_that_workflow(
    message: str, there, wanted: str
) -> None:
    assert told(await plan(message, workflows=(there,))) == wanted


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("Why did it fail?", "exercise_planning: failed 2 seconds ago — The designer gave up."),
        ("Why did my plan fail?", "exercise_planning: failed 2 seconds ago — The designer gave up."),
        ("Is my plan ready?", "exercise_planning: failed 2 seconds ago — The designer gave up."),
        ("What went wrong?", "exercise_planning: failed 2 seconds ago — The designer gave up."),
        ("How far is the troubleshooting?", "troubleshooting: analyzing requirements, 20 % complete"),
    ],
)
async def test_a_failure_in_the_session_is_told_also_while_another_one_is_looked_into(
    message: str, answer: str
) -> None:
    there = brief(message, types=SHIPPED, workflows=(SEARCH, PLAN))
    assert (await Offline().triage(there)).value.kind == "answer"
    assert (await Offline().answer(there)).value.startswith(answer)


async def test_a_type_that_the_session_has_not_is_not_looked_for_in_it() -> None:
    there = brief("Why does the machine use so much memory?", types=SHIPPED, workflows=(ROWING,))
    assert (await Offline().answer(there)).value.startswith("exercise_planning: analyzing requirements")


async def test_a_remark_beside_a_wish_starts_nothing() -> None:
    message = "The last plan was wrong. Make me a strength plan for 3 days a week."
    assert told(await plan(message)) == "exercise_planning"


async def test_a_question_starts_something_also_while_another_thing_waits_for_its_decision() -> None:
    waiting = workflow(status="WAITING")
    found = await plan("Why did nightly-etl fail?", workflows=(waiting,), questions=(question(),))
    assert told(found) == TROUBLE


INPUTS = [
    ("Why did nightly-etl fail?", {}),
    ("Why is 'payments' failing, and why did nightly-etl fail?", {}),
    ("Find out why the job nightly-etl failed", {"job_names": ["nightly-etl"]}),
    (
        "Find out why the jobs nightly-etl, report-mailer and db_backup failed",
        {"job_names": ["nightly-etl", "report-mailer", "db_backup"]},
    ),
    ("Find out why the job failed last night", {}),
    ("Troubleshoot why the machine worker-7 is so slow", {"instance": "worker-7"}),
    ("Troubleshoot why the machine worker-7:9100 is so slow", {"instance": "worker-7:9100"}),
    ("Troubleshoot why the machine is so slow", {}),
    ("What do the logs and metrics say about nightly-etl?", {}),
    ("Find out why nightly-etl failed, without the logs", {"without": ["EVIDENCE_SOURCE_LOGS"]}),
]


@pytest.mark.parametrize(("message", "more"), INPUTS)
async def test_troubleshooting_gets_the_message_and_what_is_sure(message: str, more: dict) -> None:
    [launch] = (await plan(message)).launches
    assert (launch.workflow_type, launch.input) == (TROUBLE, {"message": message} | more)


async def test_what_was_asked_before_is_no_part_of_a_new_question() -> None:
    history = (user("Troubleshoot why the job nightly-etl is so slow on the machine worker-7, without the logs"),)
    [launch] = (await plan("Why did report-mailer fail?", history=history)).launches
    assert launch.input == {"message": "Why did report-mailer fail?"}


@pytest.mark.parametrize(
    ("message", "specifications"),
    [
        ("Is the concrete of my swimming pool specified well enough? It is of C30/37, XD2, cover 35 mm", None),
        (
            "Audit the deck. Specifications: Deck: C35/45, XC4, cover 50 mm; Piers: C30/37, XC4",
            ["Deck: C35/45, XC4, cover 50 mm", "Piers: C30/37, XC4"],
        ),
    ],
)
async def test_an_audit_gets_the_message_and_what_is_called_a_specification(message: str, specifications) -> None:
    [launch] = (await plan(message)).launches
    assert launch.workflow_type == AUDIT
    assert launch.input["description"] == message
    assert launch.input.get("specifications") == specifications


@pytest.mark.parametrize("known", SHIPPED, ids=lambda known: known.name)
async def test_each_type_is_started_by_its_own_examples(known) -> None:
    for example in known.examples:
        found = await plan(example.says, workflows=(workflow(),))
        assert told(found) == known.name, example.says
