"""Asking the store about what is watched, when news between processes are lost."""

import asyncio

import pytest

from stretto.server.domain.change import RunSucceeded
from stretto.server.domain.errors import SessionNotFound, StoreUnavailable
from stretto.server.engine import follower as followers
from stretto.server.engine import listening as listenings
from stretto.server.engine.journal import Journal
from stretto.server.engine.listening import Listening
from stretto.server.engine.session_journal import SessionJournal
from stretto.server.store.memory import MemoryStore
from tests.contract.making import ENCODERS, PROJECT, YES, running
from tests.contract.talking import SESSION, ended, said
from tests.unit.engine.hearing import Sight, Watcher, settle, step

NAME = "wf_1"


class Asked(Sight):
    """Remembers what it was asked, and answers when it is well."""

    def __init__(self, store):
        super().__init__(store)
        self.asked, self.asked_sessions = [], []
        self.fault = None

    async def positions(self, keys):
        self.asked.append(keys)
        if self.fault:
            raise self.fault
        return await self._store.positions(keys)

    async def session_positions(self, keys):
        self.asked_sessions.append(keys)
        return await self._store.session_positions(keys)


class Bus:
    """Whether others can be heard, and how often that was asked: once in each tick."""

    def __init__(self):
        self.connected = True
        self.ticks = 0

    def is_connected(self):
        self.ticks += 1
        return self.connected


@pytest.fixture
async def store():
    made = MemoryStore(ENCODERS)
    await made.open()
    return Asked(made)


@pytest.fixture
def journals(store):
    return Journal(store, bookmark_seconds=1_000, shared=True), SessionJournal(
        store, bookmark_seconds=1_000, shared=True
    )


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
async def listening(store, journals, bus):
    made = Listening(store, *journals, bus.is_connected)
    yield made
    await made.stop()


async def until(holds):
    """Let others run until something is so."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0)


async def watching(journal, name, **how):
    watcher = Watcher(journal, name, **how)
    await settle()
    return watcher


async def test_what_was_not_heard_is_found_in_the_store(store, journals, listening):
    await running(store, session_id=SESSION)
    workflow, session = [await watching(*one) for one in zip(journals, (NAME, SESSION), strict=True)]
    await step(store, b"one", b"two")
    listening.start()
    await until(lambda: workflow.sequences == [1, 2, 3, 4])
    await until(lambda: session.sequences == [1, 2, 3, 4])
    await workflow.leave()
    await session.leave()


async def test_news_of_a_commit_say_all_to_both_journals(store, journals):
    await running(store, session_id=SESSION)
    workflow, session = [await watching(*one) for one in zip(journals, (NAME, SESSION), strict=True)]
    store.take()
    await step(store, b"one", end=RunSucceeded(YES))
    workflows, sessions = store.take()
    reads = store.reads
    journals[1].hear(sessions)
    journals[0].hear(workflows)
    await workflow.task
    await settle()
    assert (workflow.sequences, session.sequences) == ([1, 2, 3, 4], [1, 2, 3, 4, 5])
    assert store.reads == reads
    await session.leave()


async def test_a_gap_is_looked_at_once_at_once(store, journals, bus, listening, monkeypatch):
    monkeypatch.setattr(listenings, "REST_SECONDS", 0)
    monkeypatch.setattr(listenings, "TICK_SECONDS", 1_000)
    await running(store)
    watcher = await watching(journals[0], NAME)
    listening.start()
    await settle()
    assert len(store.asked) == 1
    await step(store, b"one")
    for _ in range(10):
        listening.gap()
    await until(lambda: watcher.sequences == [1, 2, 3])
    await settle()
    assert (len(store.asked), bus.ticks) == (2, 0)
    await watcher.leave()


async def test_a_gap_while_the_store_is_asked_is_asked_about_again(store, journals, listening, monkeypatch):
    monkeypatch.setattr(listenings, "REST_SECONDS", 0)
    monkeypatch.setattr(listenings, "TICK_SECONDS", 1_000)
    await running(store)
    watcher = await watching(journals[0], NAME)
    positions = store.positions

    async def read_early(keys):
        found = await positions(keys)
        store.positions = positions
        await step(store, b"one")
        listening.gap()
        return found

    store.positions = read_early
    listening.start()
    await until(lambda: watcher.sequences == [1, 2, 3])
    await watcher.leave()


async def test_gaps_without_end_leave_the_store_its_rest(store, journals, listening, monkeypatch):
    monkeypatch.setattr(listenings, "REST_SECONDS", 1_000)
    await running(store)
    watcher = await watching(journals[0], NAME)
    listening.start()
    for _ in range(10):
        listening.gap()
        await settle()
    assert len(store.asked) == 1
    await watcher.leave()


@pytest.mark.parametrize(("connected", "ticks"), [(True, 6), (False, 1)])
async def test_the_store_is_asked_more_often_while_others_cannot_be_heard(
    store, journals, bus, listening, monkeypatch, connected, ticks
):
    monkeypatch.setattr(listenings, "REST_SECONDS", 0)
    monkeypatch.setattr(listenings, "TICK_SECONDS", 0)
    bus.connected = connected
    await running(store)
    watcher = await watching(journals[0], NAME)
    listening.start()
    await until(lambda: len(store.asked) == 11)
    assert bus.ticks == 10 * ticks
    await watcher.leave()


def test_a_loss_is_found_within_a_second_of_deafness_and_five_of_calm():
    assert listenings.REST_SECONDS + listenings.TICK_SECONDS <= 1
    assert round(listenings.REST_SECONDS + listenings.CALM_TICKS * listenings.TICK_SECONDS, 3) == 5


async def test_nothing_is_asked_when_nobody_watches(store, listening, bus, monkeypatch):
    monkeypatch.setattr(listenings, "REST_SECONDS", 0)
    monkeypatch.setattr(listenings, "TICK_SECONDS", 0)
    await running(store)
    listening.start()
    await until(lambda: bus.ticks >= 20)
    assert (store.asked, store.asked_sessions) == ([], [])


async def test_much_is_asked_in_pieces(store, journals, listening, monkeypatch):
    monkeypatch.setattr(listenings, "KEYS_MAX", 2)
    names = [f"wf_{number}" for number in range(5)]
    watchers = []
    for name in names:
        await running(store, name)
        watchers.append(await watching(journals[0], name))
        await step(store, b"one", workflow_id=name)
    listening.start()
    await until(lambda: all(watcher.sequences == [1, 2, 3] for watcher in watchers))
    assert [len(keys) for keys in store.asked] == [2, 2, 1]
    assert [name for keys in store.asked for _, name in keys] == names
    await asyncio.gather(*(watcher.leave() for watcher in watchers))


@pytest.mark.parametrize("fault", [StoreUnavailable(), ValueError("a defect")])
async def test_a_store_that_does_not_answer_ends_no_watcher_and_is_asked_again(
    store, journals, bus, listening, monkeypatch, fault
):
    monkeypatch.setattr(listenings, "REST_SECONDS", 0)
    monkeypatch.setattr(listenings, "TICK_SECONDS", 0)
    monkeypatch.setattr(listenings, "CALM_TICKS", 1_000_000)
    await running(store)
    watcher = await watching(journals[0], NAME)
    await step(store, b"one")
    store.fault = fault
    listening.start()
    await until(lambda: len(store.asked) >= 3)
    store.fault = None
    await until(lambda: watcher.sequences == [1, 2, 3])
    await watcher.leave()


async def test_a_session_that_was_deleted_unheard_ends_its_watchers(store, journals, listening, monkeypatch):
    monkeypatch.setattr(followers, "LATE_SECONDS_MAX", 0)
    await ended(store)
    watcher = await watching(journals[1], SESSION)
    await store.delete_session(PROJECT, SESSION, 9_000)
    listening.start()
    with pytest.raises(SessionNotFound):
        await watcher.task
    assert journals[1].watcher_count == 0


async def test_a_session_that_was_deleted_and_forgotten_unheard_ends_its_watchers(store, journals, listening):
    await ended(store)
    watcher = await watching(journals[1], SESSION)
    await store.delete_session(PROJECT, SESSION, 9_000)
    await store.forget_sessions(10_000)
    listening.start()
    with pytest.raises(SessionNotFound):
        await watcher.task


async def test_who_waits_for_a_session_is_not_ended_by_its_absence_and_finds_it_made_elsewhere(
    store, journals, listening, bus, monkeypatch
):
    monkeypatch.setattr(listenings, "REST_SECONDS", 0)
    monkeypatch.setattr(listenings, "TICK_SECONDS", 0)
    await ended(store)
    await store.delete_session(PROJECT, SESSION, 9_000)
    deleted, absent = [await watching(journals[1], name, allow_missing=True) for name in (SESSION, "s2")]
    listening.start()
    await until(lambda: len(store.asked_sessions) >= 3)
    await said(store, session_id="s2")
    await until(lambda: absent.sequences == [1])
    await store.forget_sessions(10_000)
    await said(store, "turn_2")
    await until(lambda: deleted.sequences == [1])
    await deleted.leave()
    await absent.leave()


async def test_what_has_ended_is_not_asked_about(store, journals, listening):
    await running(store)
    following = journals[0].follow(PROJECT, NAME, 0, 1)
    await anext(following)
    store.is_own = True
    await step(store, end=RunSucceeded(YES))
    listening.start()
    await settle()
    assert store.asked == []
    assert [event.sequence async for batch in following for event in batch] == [2, 3]


async def test_it_can_be_stopped_before_it_was_started_and_in_the_middle_of_a_question(store, journals, bus):
    await Listening(store, *journals, bus.is_connected).stop()
    await running(store)
    watcher = await watching(journals[0], NAME)
    asked = asyncio.Event()

    async def never(_keys):
        asked.set()
        await asyncio.Event().wait()

    store.positions = never
    listening = Listening(store, *journals, bus.is_connected)
    listening.start()
    await asked.wait()
    await listening.stop()
    await watcher.leave()
