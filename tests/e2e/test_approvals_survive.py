"""A question that a workflow asks outlives its server, and is decided once by whoever comes first."""

import asyncio

import pytest

from stretto.client import AlreadyDecided, Client
from stretto.session.v1 import session_pb2 as protos
from tests.e2e.conversations import EFFECTS, effects_in

APP = "tests.e2e.conversations:app"
HANG_SECONDS = 120.0
BEFORE, AFTER = ["looked", "compared"], {True: "booked", False: "declined"}


@pytest.fixture
async def client(serving, monkeypatch):
    """A client of a server whose steps write their effects into its folder."""
    monkeypatch.setenv(EFFECTS, str(serving.folder))
    async with asyncio.timeout(HANG_SECONDS), Client(serving.address, timeout=HANG_SECONDS) as made:
        yield made


class Watched:
    """A session with a watch that goes on over restarts, and all that it has shown."""

    def __init__(self, session):
        self.session = session
        self.events = []
        self._changed = asyncio.Condition()
        self._task = asyncio.create_task(self._watch())

    async def _watch(self):
        async for event in self.session.watch(allow_missing=True):
            async with self._changed:
                self.events.append(event)
                self._changed.notify_all()

    async def noticed(self, kind, workflow_id):
        """The notice of a kind about a workflow, once it was shown."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._task.done() or self._found(kind, workflow_id))
        if self._task.done():
            self._task.result()
        return self._found(kind, workflow_id).message.notice

    def _found(self, kind, workflow_id):
        for event in self.events:
            notice = event.message.notice
            if (notice.kind, notice.workflow_id) == (kind, workflow_id):
                return event
        return None

    async def journal(self):
        """All events, read anew; the watch has shown them by then."""
        last = (await self.session.get()).last_sequence
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.events) >= last)
        watch, events = self.session.watch(), []
        while len(events) < last:
            events.append(await anext(watch))
        await watch.aclose()
        return events

    async def close(self):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
async def watched(client):
    made = Watched(client.session("talk"))
    yield made
    await made.close()


async def waiting_after_a_crash(serving, watched):
    """A workflow that was launched in chat and waits; its server was killed meanwhile and is there again."""
    server = await serving.up(app=APP)
    reply = await watched.session.send("Book me a trip to Lisbon")
    assert reply.reply.kind == protos.TURN_KIND_LAUNCH
    workflow_id = reply.reply.workflows[0].workflow_id
    notice = await watched.noticed(protos.NOTICE_KIND_WAITING, workflow_id)
    await asyncio.to_thread(server.kill)
    await serving.up(app=APP)
    return workflow_id, notice.interrupt.interrupt_id


@pytest.mark.parametrize("approved", [True, False], ids=["approve", "reject"])
@pytest.mark.parametrize("way", ["chat", "rpc"])
async def test_a_decision_after_a_crash_goes_on_where_it_waited(serving, client, watched, way, approved):
    workflow_id, interrupt_id = await waiting_after_a_crash(serving, watched)
    if way == "chat":
        reply = await watched.session.send("Yes, approve it" if approved else "No, reject it")
        assert reply.reply.kind == protos.TURN_KIND_DECIDE
        assert reply.reply.workflows[0].interrupt_id == interrupt_id
    else:
        await client.handle(workflow_id).decide({"approved": approved})
    await watched.noticed(protos.NOTICE_KIND_SUCCEEDED, workflow_id)
    journal = await watched.journal()

    assert effects_in(serving.folder) == [(workflow_id, what) for what in (*BEFORE, AFTER[approved])]
    assert watched.events == journal
    assert [event.sequence for event in journal] == list(range(1, len(journal) + 1))
    kinds = [event.progress.WhichOneof("kind") for event in journal if event.HasField("progress")]
    assert kinds.count("interrupt_raised") == kinds.count("interrupt_decided") == kinds.count("completed") == 1
    assert kinds.count("accepted") == 1
    said = [event.message for event in journal if event.HasField("message")]
    assert [message.role for message in said].count(protos.MESSAGE_ROLE_NOTICE) == 2


@pytest.mark.parametrize("ways", [("rpc", "rpc"), ("chat", "rpc"), ("chat", "chat")], ids="-".join)
async def test_of_two_deciders_over_two_channels_one_wins_and_both_know(serving, client, watched, ways):
    workflow_id, interrupt_id = await waiting_after_a_crash(serving, watched)
    async with Client(serving.address) as other:
        await other.session("talk").get()
        outcomes = await asyncio.gather(
            _decide(client, ways[0], workflow_id, interrupt_id, approved=True),
            _decide(other, ways[1], workflow_id, interrupt_id, approved=False),
        )
    await watched.noticed(protos.NOTICE_KIND_SUCCEEDED, workflow_id)
    assert sorted(outcomes) == [False, True]
    approved = outcomes[0]
    assert effects_in(serving.folder) == [(workflow_id, what) for what in (*BEFORE, AFTER[approved])]
    journal = await watched.journal()
    assert watched.events == journal
    decided = [event.progress.interrupt_decided for event in journal if event.progress.HasField("interrupt_decided")]
    assert [each.interrupt.interrupt_id for each in decided] == [interrupt_id]


async def _decide(client, way, workflow_id, interrupt_id, *, approved):
    """Decide; whether that won. Who lost is told so."""
    if way == "chat":
        reply = await client.session("talk").send("Yes, approve it" if approved else "No, reject it")
        if reply.reply.kind == protos.TURN_KIND_DECIDE:
            return True
        assert reply.reply.kind in (protos.TURN_KIND_ASK_BACK, protos.TURN_KIND_ANSWER)
        assert "already" in reply.text or "Nothing waits for a decision" in reply.text
        return False
    try:
        await client.handle(workflow_id).decide({"approved": approved}, interrupt_id=interrupt_id)
    except AlreadyDecided:
        return False
    return True
