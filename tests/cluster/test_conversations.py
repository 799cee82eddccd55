"""A session whose messages come in by several servers: one memory, one order, one journal."""

import asyncio

from stretto.session.v1.session_pb2 import MESSAGE_ROLE_ASSISTANT, MESSAGE_ROLE_USER
from tests.cluster.clusters import Cluster
from tests.rpc.talking import trips


async def test_messages_by_turns_are_answered_in_order_whoever_takes_them(cluster: Cluster) -> None:
    gate = asyncio.Event()
    app = trips(gate)
    await cluster.worker(app)
    clients = [await cluster.server(app, orchestrator=True) for _ in range(2)]
    sessions = [client.session("ses_shared") for client in clients]
    await sessions[0].send("Book me a trip to Lisbon")
    texts = [f"What is my trip {number} doing?" for number in range(8)]
    replies = await asyncio.gather(*(sessions[number % 2].send(text) for number, text in enumerate(texts)))
    assert all("Lisbon" in reply.text or "trip_booking" in reply.text for reply in replies)
    told = [message async for message in sessions[1].messages()]
    asked = [message.turn_id for message in told if message.role == MESSAGE_ROLE_USER]
    answered = [message.turn_id for message in told if message.role == MESSAGE_ROLE_ASSISTANT]
    assert answered == [turn for turn in asked if turn in answered]
    assert len(answered) == 9
    gate.set()


async def test_a_session_is_watched_on_one_server_and_talked_to_on_another(cluster: Cluster) -> None:
    gate = asyncio.Event()
    gate.set()
    app = trips(gate)
    await cluster.worker(app)
    clients = [await cluster.server(app, orchestrator=True) for _ in range(2)]
    talking, watching = [client.session("ses_shared") for client in clients]
    await talking.send("Book me a trip to Lisbon")
    sequences: list[int] = []
    async with watching.watch() as events:
        async for event in events:
            sequences.append(event.sequence)
            if event.HasField("progress") and event.progress.HasField("interrupt_raised"):
                await talking.send("approve it")
            if event.HasField("progress") and event.progress.HasField("completed"):
                break
    assert sequences == list(range(1, len(sequences) + 1))
