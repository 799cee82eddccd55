"""A new domain is a registration: conversations about it work without a line of the orchestrator's."""

import ast
import asyncio
import re
from pathlib import Path

import pytest

import stretto.orchestrator
from stretto.session.v1 import session_pb2 as protos
from stretto.workflows import app as shipped
from stretto.workflows import exercise_planning, finance_review, hr_onboarding
from tests.protos.generated.beekeeping_pb2 import VisitReport
from tests.rpc.beekeeping import beekeeping
from tests.rpc.talking import launched, talking


@pytest.fixture
def gate() -> asyncio.Event:
    return asyncio.Event()


async def input_of(talk, workflow_id):
    """What a workflow was started with, as its context tells once it runs."""
    await talk.reached(workflow_id, "smoking_the_hives")
    [found] = [one for one in (await talk.context()).workflows if one.workflow_id == workflow_id]
    return {name: found.facts[name] for name in ("hives", "purpose")}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Harvest the honey of 6 hives", {"hives": 6, "purpose": "PURPOSE_HONEY_HARVEST"}),
        ("Please check the queens of 4 hives for me", {"hives": 4, "purpose": "PURPOSE_QUEEN_CHECK"}),
        ("I need a mite treatment for 12 hives", {"hives": 12, "purpose": "PURPOSE_MITE_TREATMENT"}),
    ],
)
async def test_a_wish_is_understood_also_among_other_domains(gate, text, meant):
    async with talking(beekeeping(gate), shipped) as talk:
        workflow_id = launched(await talk.say(text))
        assert await input_of(talk, workflow_id) == meant


async def test_the_other_domains_are_understood_as_before(gate):
    async with talking(beekeeping(gate), shipped) as talk:
        for domain in (exercise_planning, finance_review, hr_onboarding):
            for says, _ in domain.EXAMPLES:
                reply = await talk.other(says).say(says)
                assert [touched.workflow_type for touched in reply.reply.workflows] == [domain.NAME], says


async def test_what_a_wish_lacks_is_asked_for(gate):
    async with talking(beekeeping(gate), shipped) as talk:
        asked = await talk.say("Harvest the honey, please")
        assert asked.reply.kind == protos.TURN_KIND_ASK_BACK
        assert asked.reply.asks_about == "hive_visit"
        assert "hives" in asked.text
        workflow_id = launched(await talk.say("5"))
        assert await input_of(talk, workflow_id) == {"hives": 5, "purpose": "PURPOSE_HONEY_HARVEST"}


async def test_what_a_contract_forbids_is_told_and_not_started(gate):
    async with talking(beekeeping(gate), shipped) as talk:
        reply = await talk.say("Harvest the honey of 60 hives")
        assert reply.reply.kind == protos.TURN_KIND_ASK_BACK
        assert "40" in reply.text
        assert not (await talk.context()).workflows


@pytest.mark.parametrize(
    ("says", "jars"), [("Yes, approve it", 66), ("No, leave it to the bees, reject it", 0)], ids=["approve", "reject"]
)
async def test_its_state_is_told_and_its_questions_are_decided(gate, says, jars):
    async with talking(beekeeping(gate), shipped) as talk:
        workflow_id = launched(await talk.say("Harvest the honey of 6 hives"))
        await talk.reached(workflow_id, "smoking_the_hives", "step_progress")
        answer = await talk.say("How is the hive visit going?")
        assert answer.reply.kind == protos.TURN_KIND_ANSWER
        assert "smoking the hives" in answer.text
        assert "40 %" in answer.text
        gate.set()
        question = await talk.asked(workflow_id)
        decision = await talk.say(says)
        assert decision.reply.kind == protos.TURN_KIND_DECIDE
        assert decision.reply.workflows[0].interrupt_id == question.interrupt_id
        await talk.done(workflow_id)
        report = VisitReport()
        assert (await talk.journal(workflow_id))[-1].completed.result.Unpack(report)
        assert report.jars == jars


DOMAIN_WORDS = re.compile(
    r"\b(exercis|workout|fitness|gym|strength|endurance|muscle|mobility|cardio|knee|shoulder|injur|dumbbell|train\b|"
    r"training|financ|expens|transaction|saving|grocer|dining|rent\b|payroll|onboard|hire\b|hiring|employee\w+|checklist|"
    r"honey|hive|bee\b)",
    re.IGNORECASE,
)
"""Words that the shipped types are about. Those of money, time and people in general are nobody's domain."""


def test_the_orchestrator_knows_no_word_of_any_domain():
    found = [
        f"{path.name}:{line}: {word}"
        for root in stretto.orchestrator.__path__
        for path in Path(root).rglob("*.py")
        for line, text in words_in_code(path)
        for word in DOMAIN_WORDS.findall(text)
    ]
    assert not found


def words_in_code(path):
    """The texts of a module's code with their lines; what is said about the code is left out."""
    tree = ast.parse(path.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
    ]
