import asyncio
import json

import pytest

from stretto.models._breaker import ATTEMPTS_MIN
from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding.model import WithModel
from tests.unit.models.making import PATIENCE, model_at
from tests.unit.orchestrator.model_world import Plain, brief, understanding

FAR_BELOW_THE_MODELS_PATIENCE = PATIENCE / 2
LAUNCH = {"kind": "launch", "launches": [{"workflow_type": "trip_planning", "input": {"city": "Rome", "days": 3}}]}
UNKNOWN_TYPE = {"kind": "launch", "launches": [{"workflow_type": "crypto_trading", "input": {}}]}


def last_prompt(api):
    return api.requests()[-1]["body"]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("message", "plan"),
    [
        (
            "Plan a trip to Lisbon",
            {
                "kind": "launch",
                "launches": [{"workflow_type": "trip_planning", "input": {"city": "Lisbon", "days": 4}}],
            },
        ),
        (
            "yes, that is good",
            {"kind": "decide", "decisions": [{"interrupt_id": "int-1", "decision": {"verdict": "VERDICT_APPROVE"}}]},
        ),
        ("stop the trip", {"kind": "cancel", "cancels": ["wf-1"]}),
        ("How far is it?", {"kind": "answer"}),
        ("Zzz", {"kind": "ask_back", "text": "What would you like me to do?"}),
    ],
)
async def test_the_model_reads_the_brief_and_makes_the_plan(openai_api, message, plan):
    insight = await understanding(openai_api).triage(brief(message))
    assert insight.value == Plan.model_validate(plan)
    assert (insight.source, insight.note) == ("model", "")


async def test_a_wrong_answer_is_repaired_once(openai_api):
    openai_api.script({"text": "I would start a trip."}, {"answer": LAUNCH})
    insight = await understanding(openai_api).triage(brief("Plan a trip to Rome for 3 days"))
    assert insight.value == Plan.model_validate(LAUNCH)
    assert insight.source == "model"
    assert openai_api.count() == 2


async def test_a_wrong_answer_that_stays_wrong_leads_to_the_fallback(openai_api):
    openai_api.script({"text": "I would start a trip.", "repeat": 0})
    insight = await understanding(openai_api).triage(brief("Plan a trip"))
    assert insight.value == Plain.plan
    assert insight.source == "fallback"
    assert insight.note == "The language model gave no usable answer, so this was understood without it."
    assert openai_api.count() == 2


async def test_a_domain_that_is_not_there_is_told_to_the_model(openai_api):
    openai_api.script({"answer": UNKNOWN_TYPE}, {"answer": LAUNCH})
    insight = await understanding(openai_api).triage(brief("Plan a trip to Rome for 3 days"))
    assert insight.value == Plan.model_validate(LAUNCH)
    assert "'crypto_trading' is none of the workflow types (trip_planning, garden_care)" in last_prompt(openai_api)


@pytest.mark.parametrize(
    "plan",
    [
        UNKNOWN_TYPE,
        {"kind": "launch", "launches": [{"workflow_type": "trip_planning", "input": {}}]},
        {"kind": "launch"},
        {"kind": "decide", "decisions": [{"interrupt_id": "int-9", "decision": {}}]},
        {"kind": "cancel", "cancels": ["wf-9"]},
        {"kind": "ask_back", "text": "  "},
        {"kind": "reboot"},
        {"kind": "answer", "shell": "rm"},
    ],
)
async def test_a_plan_that_names_what_is_not_there_is_never_carried_out(openai_api, plan):
    openai_api.script({"answer": plan, "repeat": 0})
    insight = await understanding(openai_api).triage(brief("Do something"))
    assert (insight.value, insight.source) == (Plain.plan, "fallback")


async def test_what_does_not_belong_to_the_kind_of_plan_is_dropped(openai_api):
    openai_api.script(
        {"answer": {"kind": "answer", "text": "Fine.", "cancels": ["wf-1"], "launches": LAUNCH["launches"]}}
    )
    insight = await understanding(openai_api).triage(brief("How is it?"))
    assert insight.value == Plan(kind="answer")


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ({"status": 401}, "refused the request"),
        ({"status": 429}, "has too much to do at the moment"),
        ({"status": 429, "retry_after": "3600"}, "has too much to do at the moment"),
        ({"status": 500}, "has a fault at the moment"),
        ({"text": json.dumps(LAUNCH), "cut_after": 2}, "broke off its answer"),
        ({"text": ""}, "gave no usable answer"),
    ],
)
async def test_a_model_that_fails_is_done_without(openai_api, behaviour, why):
    openai_api.script({**behaviour, "repeat": 0})
    insight = await understanding(openai_api, attempts_max=1).triage(brief("Plan a trip"))
    assert (insight.value, insight.source) == (Plain.plan, "fallback")
    assert insight.note == f"The language model {why}, so this was understood without it."


async def test_a_model_that_does_not_answer_is_done_without_in_time(openai_api):
    openai_api.script({"hang": True, "repeat": 0})
    hasty = understanding(openai_api, seconds_max=0.8)
    async with asyncio.timeout(FAR_BELOW_THE_MODELS_PATIENCE):
        insight = await hasty.triage(brief("How is it?"))
        told = await hasty.answer(brief("How is it?"))
    assert insight.note == "The language model did not answer in time, so this was understood without it."
    assert told.note == "The language model did not answer in time, so this was answered without it."
    assert openai_api.count() <= 2


async def test_a_model_that_nobody_serves_is_done_without(unused_tcp_port):
    class Nobody:
        url = f"http://127.0.0.1:{unused_tcp_port}/v1"

    insight = await understanding(Nobody(), attempts_max=1).triage(brief("Plan a trip"))
    assert insight.note == "The language model could not be reached, so this was understood without it."


@pytest.mark.parametrize("behaviour", [{"status": 500}, {"hang": True}])
async def test_a_model_that_keeps_failing_is_not_asked_any_more(openai_api, behaviour):
    openai_api.script({**behaviour, "repeat": 0})
    understands = WithModel(model_at(openai_api, attempts_max=1), Plain(), seconds_max=1)
    async with asyncio.timeout(FAR_BELOW_THE_MODELS_PATIENCE):
        for _ in range(ATTEMPTS_MIN + 3):
            insight = await understands.triage(brief("Plan a trip"))
    assert openai_api.count() <= ATTEMPTS_MIN
    assert "is left alone for a while" in insight.note
    assert insight.value == Plain.plan
