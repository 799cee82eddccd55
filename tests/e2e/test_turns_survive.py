"""Turns go on whatever happens around them: their process dies, or workflows take all there is to take."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from stretto.client import Client
from stretto.session.v1 import session_pb2 as protos
from stretto.workflow.v1 import workflow_pb2
from tests.e2e.conftest import children
from tests.e2e.conversations import EFFECTS, effects_in

APP = "tests.e2e.conversations:app"
HANG_SECONDS = 180.0
TURNS = b"stretto.server.app.orchestrator:app"
LAUNCHES = 10
ROUNDS = 8
ANSWER_SECONDS = 0.02
"""What a model takes to answer."""


@pytest.fixture
async def client(serving, monkeypatch):
    monkeypatch.setenv(EFFECTS, str(serving.folder))
    async with asyncio.timeout(HANG_SECONDS), Client(serving.address, timeout=HANG_SECONDS) as made:
        yield made


def kill_the_executor_of_turns(server):
    """Kill the child process that runs turns; those that run workflows live on."""
    [pid] = [pid for pid in children(server.process.pid) if TURNS in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(pid, signal.SIGKILL)


def recovered_turns(serving):
    lines = [json.loads(line) for line in serving.log().splitlines() if '"workflow_recovered"' in line]
    return [line["workflow_id"] for line in lines if line["workflow_type"] == "stretto.orchestrator"]


def launching(count):
    """What a model says that launches so many workflows."""
    launch = {"workflow_type": "trip_booking", "input": {"city": "Lisbon"}}
    return {"answer": {"kind": "launch", "launches": [launch] * count}}


async def events_of(session):
    last = (await session.get()).last_sequence
    watch, events = session.watch(), []
    while len(events) < last:
        events.append(await anext(watch))
    await watch.aclose()
    return events


def accepted_in(events):
    return [event.progress.workflow_id for event in events if event.progress.HasField("accepted")]


async def test_a_turn_whose_process_dies_while_it_thinks_is_taken_up_again(serving, client, openai_api, monkeypatch):
    for name, value in openai_api.environment.items():
        monkeypatch.setenv(name, value)
    server = await serving.up("--model-seconds-max", "60", app=APP)
    openai_api.script({"hang": True}, launching(1))
    session = client.session("thinking")
    sending = asyncio.create_task(session.send("Book me a trip to Lisbon"))
    while not await asyncio.to_thread(openai_api.count):
        await asyncio.sleep(0.01)
    kill_the_executor_of_turns(server)
    reply = await sending
    assert reply.reply.kind == protos.TURN_KIND_LAUNCH
    assert reply.reply.source == protos.UNDERSTANDING_SOURCE_MODEL
    assert openai_api.count() == 2
    events = await events_of(session)
    assert accepted_in(events) == [reply.reply.workflows[0].workflow_id]
    assert recovered_turns(serving) == [reply.turn_id]
    said = [event.message.text for event in events if event.message.turn_id == reply.turn_id]
    assert said == ["Book me a trip to Lisbon", reply.text]


async def test_a_turn_whose_process_dies_at_any_moment_launches_each_workflow_once(
    serving, client, openai_api, monkeypatch
):
    """Killed a little later in each round, from when the model is asked to when the reply is there."""
    for name, value in openai_api.environment.items():
        monkeypatch.setenv(name, value)
    server = await serving.up("--model-seconds-max", "60", app=APP)
    openai_api.script({**launching(LAUNCHES), "delay_seconds": ANSWER_SECONDS, "repeat": 0})
    for number in range(ROUNDS):
        asked, session = openai_api.count(), client.session(f"launching-{number}")
        sending = asyncio.create_task(session.send("Ten trips to Lisbon"))
        while await asyncio.to_thread(openai_api.count) == asked:
            await asyncio.sleep(0)
        await asyncio.sleep(ANSWER_SECONDS * number / 2)
        kill_the_executor_of_turns(server)
        reply = await sending
        assert reply.reply.kind == protos.TURN_KIND_LAUNCH
        launched = [touched.workflow_id for touched in reply.reply.workflows]
        events = await events_of(session)
        assert accepted_in(events) == launched
        assert len(set(launched)) == LAUNCHES
        assert [event.message.role for event in events if event.message.turn_id == reply.turn_id] == [
            protos.MESSAGE_ROLE_USER, protos.MESSAGE_ROLE_ASSISTANT,
        ]  # fmt: skip
        while serving.log().count("executor_restarted") <= number:
            await asyncio.sleep(0.01)
    assert recovered_turns(serving)


async def test_a_turn_whose_process_dies_while_it_decides_decides_once(serving, client):
    """Killed as soon as the decision shows: the reply, given by the next process, still says that it was made."""
    server = await serving.up(app=APP)
    for number in range(ROUNDS):
        session = client.session(f"deciding-{number}")
        workflow_id = (await session.send("Book me a trip to Lisbon")).reply.workflows[0].workflow_id
        sending = None
        async for event in session.watch():
            if event.message.notice.kind == protos.NOTICE_KIND_WAITING:
                sending = asyncio.create_task(session.send("Yes, approve it"))
            if event.progress.HasField("interrupt_decided"):
                kill_the_executor_of_turns(server)
                break
        reply = await sending
        assert reply.reply.kind == protos.TURN_KIND_DECIDE, reply.text
        await client.handle(workflow_id).result()
        assert [what for who, what in effects_in(serving.folder) if who == workflow_id].count("booked") == 1
        while serving.log().count("executor_restarted") <= number:
            await asyncio.sleep(0.01)


async def started(handle):
    """Return once a step of a workflow has started."""
    async for event in handle.watch():
        if event.HasField("step_started"):
            return


async def open_gate(serving, handles):
    (serving.folder / "gate").touch()
    for handle in handles:
        await handle.result()


@pytest.mark.parametrize(("kind", "count"), [("blocking", 50), ("freezing", 50)])
async def test_workflows_that_block_their_executor_hold_up_no_reply(serving, client, kind, count):
    await serving.up(app=APP)
    handles = [await client.start(kind, {"city": "Rome"}, session_id="busy") for _ in range(count)]
    if kind == "blocking":
        for handle in handles:
            await started(handle)
    session = client.session("busy")
    for _ in range(10):
        reply = await session.send("How is everything going?")
        assert reply.reply.kind == protos.TURN_KIND_ANSWER
        assert len(reply.reply.context) == count
        assert kind in reply.text
    assert (await session.get()).active_workflow_count == count
    await open_gate(serving, handles)


async def test_a_server_full_of_workflows_holds_up_no_reply(serving, client):
    await serving.up("--concurrency-max", "3", app=APP)
    handles = [await client.start("waiting", {}, session_id="full") for _ in range(5)]
    for handle in handles[:3]:
        await started(handle)
    session = client.session("full")
    reply = await session.send("How is everything going?")
    assert reply.reply.kind == protos.TURN_KIND_ANSWER
    states = [(await handle.state()).workflow.status for handle in handles]
    assert states == [workflow_pb2.WORKFLOW_STATUS_RUNNING] * 3 + [workflow_pb2.WORKFLOW_STATUS_QUEUED] * 2
    launched = await session.send("Book me a trip to Lisbon")
    assert launched.reply.kind == protos.TURN_KIND_LAUNCH
    assert "trip_booking: waiting for its turn" in (await session.send("How is the trip going?")).text
    assert (await session.get()).active_workflow_count == 6
    await open_gate(serving, handles)
