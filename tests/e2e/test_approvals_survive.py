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


class Waiting:
    """A workflow that was launched in chat and waits, in a session of its own that is watched from its first word."""

    def __init__(self, session):
        self.watched = Watched(session)

    async def launch(self):
        reply = await self.watched.session.send("Book me a trip to Lisbon")
        assert reply.reply.kind == protos.TURN_KIND_LAUNCH
        self.workflow_id = reply.reply.workflows[0].workflow_id
        notice = await self.watched.noticed(protos.NOTICE_KIND_WAITING, self.workflow_id)
        self.interrupt_id = notice.interrupt.interrupt_id

    async def ended(self):
        """The session's journal once the workflow has succeeded; the watch has shown just that."""
        await self.watched.noticed(protos.NOTICE_KIND_SUCCEEDED, self.workflow_id)
        journal = await self.watched.journal()
        assert self.watched.events == journal
        return journal


@pytest.fixture
async def waiting_after_a_crash(serving, client):
    """Makes workflows that wait; their server was killed meanwhile and is there again. One kill is enough for all."""
    made = []

    async def make(count):
        server = await serving.up(app=APP)
        made.extend(Waiting(client.session(f"talk-{number}")) for number in range(count))
        await asyncio.gather(*(each.launch() for each in made))
        await asyncio.to_thread(server.kill)
        await serving.up(app=APP)
        return made

    yield make
    for each in made:
        await each.watched.close()


async def test_decisions_after_a_crash_go_on_where_the_workflows_waited(serving, client, waiting_after_a_crash):
    decisions = [(way, approved) for way in ("chat", "rpc") for approved in (True, False)]
    waiting = await waiting_after_a_crash(len(decisions))
    for each, (way, approved) in zip(waiting, decisions, strict=True):
        if way == "chat":
            reply = await each.watched.session.send("Yes, approve it" if approved else "No, reject it")
            assert reply.reply.kind == protos.TURN_KIND_DECIDE
            assert reply.reply.workflows[0].interrupt_id == each.interrupt_id
        else:
            await client.handle(each.workflow_id).decide({"approved": approved})
    for each, (_, approved) in zip(waiting, decisions, strict=True):
        journal = await each.ended()
        assert effects_of(each, serving) == [*BEFORE, AFTER[approved]]
        assert [event.sequence for event in journal] == list(range(1, len(journal) + 1))
        kinds = [event.progress.WhichOneof("kind") for event in journal if event.HasField("progress")]
        assert kinds.count("interrupt_raised") == kinds.count("interrupt_decided") == kinds.count("completed") == 1
        assert kinds.count("accepted") == 1
        said = [event.message for event in journal if event.HasField("message")]
        assert [message.role for message in said].count(protos.MESSAGE_ROLE_NOTICE) == 2
    assert {who for who, _ in effects_in(serving.folder)} == {each.workflow_id for each in waiting}


async def test_of_two_deciders_over_two_channels_one_wins_and_both_know(serving, client, waiting_after_a_crash):
    pairs = [("rpc", "rpc"), ("chat", "rpc"), ("chat", "chat")]
    waiting = await waiting_after_a_crash(len(pairs))
    async with Client(serving.address) as other:
        await other.session("talk-0").get()
        for each, ways in zip(waiting, pairs, strict=True):
            outcomes = await asyncio.gather(
                _decide(client, ways[0], each, approved=True), _decide(other, ways[1], each, approved=False)
            )
            assert sorted(outcomes) == [False, True], ways
            journal = await each.ended()
            assert effects_of(each, serving) == [*BEFORE, AFTER[outcomes[0]]]
            decided = [
                event.progress.interrupt_decided for event in journal if event.progress.HasField("interrupt_decided")
            ]
            assert [decision.interrupt.interrupt_id for decision in decided] == [each.interrupt_id]


def effects_of(waiting, serving):
    """What the steps of its workflow have done, in order."""
    return [what for who, what in effects_in(serving.folder) if who == waiting.workflow_id]


async def _decide(client, way, waiting, *, approved):
    """Decide; whether that won. Who lost is told so."""
    if way == "chat":
        reply = await client.session(waiting.watched.session.id).send(
            "Yes, approve it" if approved else "No, reject it"
        )
        if reply.reply.kind == protos.TURN_KIND_DECIDE:
            return True
        assert reply.reply.kind in (protos.TURN_KIND_ASK_BACK, protos.TURN_KIND_ANSWER)
        assert "already" in reply.text or "Nothing waits for a decision" in reply.text
        return False
    try:
        await client.handle(waiting.workflow_id).decide({"approved": approved}, interrupt_id=waiting.interrupt_id)
    except AlreadyDecided:
        return False
    return True
