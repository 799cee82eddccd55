"""Watchers of a session, and what its deletion means to them and to watchers of its workflows."""

import asyncio

import pytest

from stretto.server.domain.change import RunSucceeded
from stretto.server.domain.errors import SequenceOutOfRange, SessionNotFound, StreamEnded, WorkflowNotFound
from stretto.server.engine import follower as followers
from stretto.server.engine import tail as tails
from stretto.server.engine.journal import Journal
from stretto.server.engine.session_journal import SessionJournal
from stretto.server.store.memory import MemoryStore
from tests.contract.making import ENCODERS, PROJECT, YES, commit
from tests.contract.talking import SESSION, ended, kinds, replied, said, sequences, started


class Watcher:
    """Follows a session in a task, and remembers what it got."""

    def __init__(self, journal, after=0, session_id=SESSION, limit=100, **how):
        self.seen, self.batches = [], []
        self.task = asyncio.create_task(self._follow(journal.follow(PROJECT, session_id, after, limit, **how)))

    async def _follow(self, following):
        async with asyncio.timeout(10):
            async for batch in following:
                self.batches.append(len(batch))
                self.seen += batch


async def settle():
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def store():
    made = MemoryStore(ENCODERS)
    await made.open()
    return made


@pytest.fixture
def journal(store):
    return SessionJournal(store, bookmark_seconds=1_000)


async def step(store, *bodies, workflow_id="wf_1"):
    await store.update(PROJECT, workflow_id, commit(workflow_id=workflow_id, events=bodies))


async def test_a_watcher_gets_what_is_stored_and_then_what_is_committed_without_a_gap(store, journal):
    await said(store)
    watcher = Watcher(journal)
    await settle()
    assert sequences(watcher.seen) == [1]
    await replied(store)
    await started(store)
    await step(store, b"one", b"two")
    await settle()
    assert sequences(watcher.seen) == [1, 2, 3, 4, 5, 6]
    assert tuple(watcher.seen) == await store.session_events(PROJECT, SESSION, 0, 100)
    assert journal.watcher_count == 1
    watcher.task.cancel()
    await settle()
    assert journal.watcher_count == 0


async def test_a_watcher_goes_on_where_it_was_in_batches_of_its_size(store, journal):
    await started(store)
    await step(store, *(b"%d" % number for number in range(7)))
    watcher = Watcher(journal, after=3, limit=2)
    await settle()
    assert (sequences(watcher.seen), watcher.batches) == ([4, 5, 6, 7, 8, 9], [2, 2, 2])
    watcher.task.cancel()


async def test_a_sequence_that_is_not_there_yet_is_refused(store, journal):
    await started(store)
    with pytest.raises(SequenceOutOfRange) as refused:
        await Watcher(journal, after=3).task
    assert refused.value.metadata["last_sequence"] == "2"


async def test_silence_is_told(store):
    journal = SessionJournal(store, bookmark_seconds=0)
    await started(store)
    watcher = Watcher(journal)
    while watcher.batches.count(0) < 3:
        await asyncio.sleep(0)
    watcher.task.cancel()


async def test_a_session_that_is_not_there_is_not_found(journal):
    with pytest.raises(SessionNotFound):
        await Watcher(journal).task


async def test_a_session_that_is_not_there_can_be_waited_for(store):
    journal = SessionJournal(store, bookmark_seconds=0)
    watcher = Watcher(journal, allow_missing=True)
    async with asyncio.timeout(10):
        while len(watcher.batches) < 3:
            await asyncio.sleep(0)
    assert watcher.seen == []
    with pytest.raises(SessionNotFound):  # Who waits does not make it be there.
        await Watcher(journal).task
    await said(store)
    while not watcher.seen:
        await asyncio.sleep(0)
    await replied(store)
    while len(watcher.seen) < 2:
        await asyncio.sleep(0)
    assert sequences(watcher.seen) == [1, 2]
    watcher.task.cancel()


async def test_a_session_that_is_not_there_has_no_sequence_to_go_on_from(journal):
    with pytest.raises(SequenceOutOfRange) as refused:
        await Watcher(journal, after=1, allow_missing=True).task
    assert refused.value.metadata["last_sequence"] == "0"


async def test_a_shutdown_ends_watchers_also_those_of_sessions_that_are_not_there(store, journal):
    await started(store)
    watchers = Watcher(journal), Watcher(journal, session_id="s9", allow_missing=True)
    await settle()
    journal.close()
    for watcher, last in zip(watchers, ("2", "0"), strict=True):
        with pytest.raises(StreamEnded) as ends:
            await watcher.task
        assert ends.value.metadata["last_sequence"] == last


async def test_a_watcher_is_told_of_the_deletion_and_ends(store, journal):
    await ended(store)
    watcher = Watcher(journal)
    await settle()
    await store.delete_session(PROJECT, SESSION, 9_000)
    await watcher.task
    assert sequences(watcher.seen) == list(range(1, 6))
    assert kinds(watcher.seen)[-2:] == ["NOTICE", "DELETED"]
    assert (journal.watcher_count, len(journal._follower._tails), journal._follower._bytes) == (0, 0, 0)
    with pytest.raises(SessionNotFound):
        await Watcher(journal).task


async def test_a_watcher_that_is_behind_at_the_deletion_gets_what_is_left(store, journal, monkeypatch):
    monkeypatch.setattr(tails, "TAIL_EVENTS_MAX", 3)
    await ended(store)
    slow = journal.follow(PROJECT, SESSION, 0, 1)
    assert sequences(await anext(slow)) == [1]
    journal._follower._followed[PROJECT, SESSION].forget()
    late = Watcher(journal, limit=1)
    await asyncio.sleep(0)
    await store.delete_session(PROJECT, SESSION, 9_000)
    await late.task
    assert kinds(late.seen)[-1] == "DELETED"
    rest = [batch async for batch in slow]
    assert kinds(rest[-1]) == ["DELETED"]


class LateStore(MemoryStore):
    """A store that publishes when the test says so, after it has committed."""

    held = None

    def _tell(self, *told):
        if self.held is None:
            super()._tell(*told)
        else:
            self.held.append(told)

    def publish_next(self):
        super()._tell(*self.held.pop(0))


async def test_a_deletion_that_is_stored_but_not_yet_published_is_waited_for(monkeypatch):
    monkeypatch.setattr(tails, "TAIL_EVENTS_MAX", 1)
    store = LateStore(ENCODERS)
    await store.open()
    journal = SessionJournal(store, bookmark_seconds=1_000)
    await started(store)
    watcher = Watcher(journal)
    await settle()
    store.held = []
    await step(store, b"one", b"two")
    await store.update(PROJECT, "wf_1", commit(end=RunSucceeded(YES)))
    await store.delete_session(PROJECT, SESSION, 9_000)
    while store.held:
        store.publish_next()
        await settle()
    await watcher.task
    assert sequences(watcher.seen) == [1, 2, 7]
    assert kinds(watcher.seen)[-1] == "DELETED"


async def test_a_watcher_is_woken_without_asking_for_the_row_again(store, journal):
    await started(store)
    watcher = Watcher(journal)
    await settle()

    async def fails(*_):
        raise AssertionError

    store.session = store.session_events = fails
    for number in range(5):
        await step(store, b"%d" % number)
        await settle()
    assert sequences(watcher.seen) == [1, 2, 3, 4, 5, 6, 7]
    watcher.task.cancel()


async def test_a_watcher_that_waits_for_a_deleted_session_gets_the_next_one_of_its_id(store, journal):
    await ended(store)
    await store.delete_session(PROJECT, SESSION, 9_000)
    watcher = Watcher(journal, allow_missing=True)
    await settle()
    await store.forget_sessions(10_000)
    await started(store, "wf_2")
    await settle()
    assert [(entry.sequence, entry.workflow_id) for entry in watcher.seen] == [(1, "wf_2"), (2, "wf_2")]
    watcher.task.cancel()


async def test_the_workflows_of_a_deleted_session_cannot_be_watched_any_more(store):
    journal = Journal(store)
    await ended(store)
    await ended(store, "wf_2", "s2")
    assert [event.sequence async for batch in journal.follow(PROJECT, "wf_1", 0, 9) for event in batch] == [1, 2, 3]
    await store.delete_session(PROJECT, SESSION, 9_000)
    with pytest.raises(WorkflowNotFound):
        await anext(journal.follow(PROJECT, "wf_1", 0, 9))
    with pytest.raises(WorkflowNotFound):
        await journal.wait_for(PROJECT, "wf_1", 1, 1)
    assert [event.sequence async for batch in journal.follow(PROJECT, "wf_2", 0, 9) for event in batch] == [1, 2, 3]


async def test_a_watcher_of_a_workflow_that_is_behind_at_the_deletion_is_told_that_it_is_gone(store, monkeypatch):
    monkeypatch.setattr(tails, "TAIL_EVENTS_MAX", 1)
    monkeypatch.setattr(followers, "PAGE", 1)
    journal = Journal(store)
    await ended(store)
    following = journal.follow(PROJECT, "wf_1", 0, 1)
    assert [event.sequence for event in await anext(following)] == [1]
    journal._follower._followed[PROJECT, "wf_1"].forget()
    await store.delete_session(PROJECT, SESSION, 9_000)
    with pytest.raises(WorkflowNotFound):
        await anext(following)


async def test_a_row_that_was_read_just_before_the_deletion_keeps_nobody_waiting(store):
    """The row says that there are events; they are gone, and the deletion was told before the row was learnt."""
    journal = Journal(store, bookmark_seconds=0)
    await ended(store)
    journal._follower._tails.clear()
    get = store.get

    async def read_early(*key):
        row = await get(*key)
        store.get = get
        await store.delete_session(PROJECT, SESSION, 9_000)
        await asyncio.sleep(0)
        return row

    store.get = read_early
    with pytest.raises(WorkflowNotFound):
        async with asyncio.timeout(10):
            await anext(journal.follow(PROJECT, "wf_1", 0, 9))


async def test_what_a_commit_says_of_a_workflow_besides_its_sessions_deletion_is_not_kept(store):
    """Both may come out of one transaction: first the session's publication, then the workflow's."""
    journal = Journal(store)
    told = []
    store.on_publication(told.extend)
    await ended(store)
    await store.delete_session(PROJECT, SESSION, 9_000)
    journal._publish(told)
    await settle()
    with pytest.raises(WorkflowNotFound):
        await anext(journal.follow(PROJECT, "wf_1", 0, 9))
