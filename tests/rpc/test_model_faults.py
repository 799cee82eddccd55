"""Messages that a chat model shall understand: when it does, and each way in which it does not."""

import pytest

from benchmarks._processes import free_address
from stretto.models import ModelSettings, connect
from stretto.models._breaker import ATTEMPTS_MIN
from stretto.orchestrator.understanding.model import WithModel
from stretto.orchestrator.understanding.offline import Offline
from stretto.session.v1 import session_pb2 as protos
from stretto.workflows import app, exercise_planning
from tests.rpc.talking import launched, talking
from tests.unit.models.making import model_at

STRENGTH = exercise_planning.EXAMPLES[0][0]
LAUNCH = {"workflow_type": "exercise_planning", "input": {"goal": "GOAL_MOBILITY", "days_per_week": 5}}
ANSWER = {"answer": {"kind": "answer"}}
UNKNOWN = {"answer": {"kind": "launch", "launches": [{"workflow_type": "crypto_trading", "input": {}}]}, "repeat": 0}
FAULTS = {
    "wrong JSON": ({"text": '{"kind": "launch", "launches": [', "repeat": 0}, "gave no usable answer"),
    "no JSON": ({"body": "<html>Bad gateway</html>", "repeat": 0}, "gave no usable answer"),
    "timeout": ({"hang": True, "repeat": 0}, "did not answer in time"),
    "429": ({"status": 429, "repeat": 0}, "has too much to do at the moment"),
    "500": ({"status": 500, "repeat": 0}, "has a fault at the moment"),
    "401": ({"status": 401, "repeat": 0}, "refused the request"),
    "cut stream": ({"cut_after": 2, "repeat": 0}, "broke off its answer"),
    "early end": ({"end_after": 2, "repeat": 0}, "broke off its answer"),
    "unknown domain": (UNKNOWN, "gave no usable answer"),
}
IMPATIENT = 0.3
"""Seconds for a call to a model that will not answer."""


def with_model(api, **limits):
    return WithModel(model_at(api, **limits), Offline())


def patience(fault):
    return {"seconds_max": IMPATIENT} if fault == "timeout" else {}


def deltas_of(events):
    return [event.reply_delta for event in events if event.HasField("reply_delta")]


def assert_fell_back(reply, why, done):
    assert reply.reply.source == protos.UNDERSTANDING_SOURCE_FALLBACK
    assert reply.reply.note == f"The language model {why}, so this was {done} without it."


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_wish_is_carried_out_whatever_the_model_does(openai_api, fault):
    behaviour, why = FAULTS[fault]
    async with talking(app, understanding=with_model(openai_api, **patience(fault))) as talk:
        openai_api.script(behaviour)
        reply = await talk.say(STRENGTH)
        launched(reply)
        assert reply.text == "I have started exercise planning. Ask me at any time how it is going."
        assert_fell_back(reply, why, "understood")
        assert not deltas_of(await talk.events())


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in ("wrong JSON", "unknown domain")])
async def test_a_question_is_answered_whatever_the_model_does(openai_api, fault):
    """It understands the question and fails at the answer; what it has said by then does not count."""
    behaviour, why = FAULTS[fault]
    async with talking(app, understanding=with_model(openai_api, **patience(fault))) as talk:
        openai_api.script({"answer": {"kind": "launch", "launches": [LAUNCH]}})
        await talk.asked(launched(await talk.say("Plan something for my back")))
        openai_api.script(ANSWER, {**behaviour, **({"text": "Half of an answer"} if "after" in str(behaviour) else {})})
        reply = await talk.say("How is my workout plan?")
        assert reply.reply.kind == protos.TURN_KIND_ANSWER
        assert "exercise_planning: waiting for you" in reply.text
        assert "Half" not in reply.text
        assert_fell_back(reply, why, "answered")


async def test_a_model_that_cannot_be_reached_is_done_without():
    nobody = connect(ModelSettings(model="openai:nobody", url=f"http://{free_address()}/v1", attempts_max=1))
    async with talking(app, understanding=WithModel(nobody, Offline())) as talk:
        reply = await talk.say(STRENGTH)
        workflow_id = launched(reply)
        assert_fell_back(reply, "could not be reached", "understood")
        await talk.asked(workflow_id)
        reply = await talk.say("Approve it")
        assert reply.reply.kind == protos.TURN_KIND_DECIDE
        assert_fell_back(reply, "could not be reached", "understood")
        await talk.done(workflow_id)


async def test_a_model_that_fails_again_and_again_is_left_alone_and_said_to_be(openai_api):
    async with talking(app, understanding=with_model(openai_api, attempts_max=1)) as talk:
        openai_api.script({"status": 500, "repeat": 0})
        while openai_api.count() < ATTEMPTS_MIN:
            assert (await talk.say("hello")).reply.source == protos.UNDERSTANDING_SOURCE_FALLBACK
        asked = openai_api.count()
        reply = await talk.say("hello")
        assert reply.reply.kind == protos.TURN_KIND_ANSWER
        assert_fell_back(reply, "failed several times of late and is left alone for a while", "answered")
        assert openai_api.count() == asked


async def test_a_model_launches_with_what_it_has_understood(openai_api):
    async with talking(app, understanding=with_model(openai_api)) as talk:
        openai_api.script({"answer": {"kind": "launch", "launches": [LAUNCH]}})
        reply = await talk.say("Etwas für meinen Rücken, fünfmal die Woche")
        workflow_id = launched(reply)
        assert reply.reply.source == protos.UNDERSTANDING_SOURCE_MODEL
        assert not reply.reply.note
        await talk.asked(workflow_id)
        [context] = (await talk.context()).workflows
        assert context.facts["request.days_per_week"] == 5
        assert not deltas_of(await talk.events())


async def test_a_models_answer_is_streamed_and_the_deltas_are_the_message(openai_api):
    async with talking(app, understanding=with_model(openai_api)) as talk:
        words = "Your plan waits for you. It has " + "very " * 40 + "many sessions."
        openai_api.script(ANSWER, {"text": words, "token_seconds": 0.005})
        reply = await talk.say("How is my plan?")
        assert reply.text == words
        assert reply.reply.source == protos.UNDERSTANDING_SOURCE_MODEL
        events = await talk.events()
    deltas = deltas_of(events)
    assert len(deltas) > 1
    assert "".join(delta.text for delta in deltas) == words
    assert {delta.turn_id for delta in deltas} == {reply.turn_id}
    assert len({delta.try_id for delta in deltas}) == 1
    assert [event.WhichOneof("kind") for event in events] == ["message", *["reply_delta"] * len(deltas), "message"]


async def test_an_answer_that_breaks_off_leaves_deltas_that_the_message_replaces(openai_api):
    async with talking(app, understanding=with_model(openai_api)) as talk:
        openai_api.script(ANSWER, {"text": "It is nearly done, and", "cut_after": 4})
        reply = await talk.say("How is my plan?")
        events = await talk.events()
    told = "".join(delta.text for delta in deltas_of(events))
    assert "It is nearly done,".startswith(told.rstrip())
    assert events[-1].message == reply
    assert "nearly" not in reply.text
    assert_fell_back(reply, "broke off its answer", "answered")
