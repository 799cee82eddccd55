"""What a user has said in a session is known after a restart of the server, with a model and without."""

import asyncio

import pytest

from stretto.client import Client
from stretto.exercise.v1 import exercise_plan_pb2 as exercise
from stretto.session.v1 import session_pb2 as protos

APP = "stretto.workflows:app"
FACT = "I have a bad knee and train three days a week"
WISH = "Make me a workout plan to lose weight, please"
HANG_SECONDS = 120.0


@pytest.fixture
async def client(serving):
    async with asyncio.timeout(HANG_SECONDS), Client(serving.address, timeout=HANG_SECONDS) as made:
        yield made


async def told_before_a_restart(serving, client, end):
    """The session after its first turn, on a server that was ended and is there again."""
    session = client.session("memory")
    server = await serving.up(app=APP)
    first = await session.send(FACT)
    assert first.reply.kind == protos.TURN_KIND_ANSWER
    await asyncio.to_thread(getattr(server, end))
    await serving.up(app=APP)
    return session, first


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_a_fact_of_the_first_turn_is_used_in_the_second_without_a_model(serving, client, end):
    session, first = await told_before_a_restart(serving, client, end)
    reply = await session.send(WISH)
    assert reply.reply.kind == protos.TURN_KIND_LAUNCH, reply.text
    assert reply.reply.source == protos.UNDERSTANDING_SOURCE_OFFLINE
    handle = client.handle(reply.reply.workflows[0].workflow_id, result=exercise.ExercisePlan)
    async for event in handle.watch():
        if event.HasField("interrupt_raised"):
            break
    proposal = dict(event.interrupt_raised.interrupt.question.struct_value)
    assert list(proposal["editable"]["injuries"]) == ["BODY_PART_KNEE"]
    assert proposal["editable"]["days_per_week"] == 3
    assert proposal["editable"]["goal"] == "GOAL_WEIGHT_LOSS"
    assert [message.text for message in [each async for each in session.messages()]][:4] == [
        FACT, first.text, WISH, reply.text,
    ]  # fmt: skip


async def test_a_fact_of_the_first_turn_is_in_the_prompt_of_the_second(serving, client, openai_api, monkeypatch):
    for name, value in openai_api.environment.items():
        monkeypatch.setenv(name, value)
    openai_api.script({"answer": {"kind": "answer"}}, {"text": "I will keep that in mind."})
    session, first = await told_before_a_restart(serving, client, "kill")
    assert first.reply.source == protos.UNDERSTANDING_SOURCE_MODEL
    assert first.text == "I will keep that in mind."
    openai_api.reset()
    plan = {"goal": "GOAL_WEIGHT_LOSS", "days_per_week": 3, "injuries": ["BODY_PART_KNEE"]}
    openai_api.script(
        {"answer": {"kind": "launch", "launches": [{"workflow_type": "exercise_planning", "input": plan}]}}
    )
    reply = await session.send(WISH)
    assert reply.reply.kind == protos.TURN_KIND_LAUNCH
    assert reply.reply.source == protos.UNDERSTANDING_SOURCE_MODEL
    prompt = openai_api.requests()[0]["body"]["messages"][-1]["content"]
    conversation = prompt.partition('"conversation":')[2]
    assert FACT in conversation
    assert first.text in conversation
    assert conversation.index(FACT) < conversation.index(first.text)
