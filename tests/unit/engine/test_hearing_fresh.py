"""Journals of a shared store that began here are kept for a moment: who starts something watches it at once."""

import asyncio

import pytest

from stretto.server.domain.change import RunSucceeded
from stretto.server.domain.errors import SequenceOutOfRange, WorkflowNotFound
from stretto.server.engine import follower as followers
from stretto.server.engine.journal import Journal
from stretto.server.store.memory import MemoryStore
from tests.contract.making import ENCODERS, PROJECT, YES, accepted, claim
from tests.unit.engine.hearing import Sight, Watcher, settle, step, without_bodies

NAME = "wf_1"


@pytest.fixture
async def store():
    made = MemoryStore(ENCODERS)
    await made.open()
    return Sight(made)


@pytest.fixture
async def journal(store):
    """Of a workflow that was accepted here, and that others run. Its journal has one event."""
    made = Journal(store, bookmark_seconds=1_000, shared=True)
    store.is_own = True
    await store.create(accepted())
    store.is_own = False
    await store.update(PROJECT, NAME, claim)
    return made


async def watching(journal, after=0):
    watcher = Watcher(journal, NAME, after)
    await settle()
    return watcher


async def told(store, *bodies, **fields):
    """All that others have committed until now."""
    await step(store, *bodies, **fields)
    return store.take()[0]


async def test_what_was_started_here_is_watched_without_a_look_at_the_store(store, journal):
    journal.hear(await told(store, b"3"))
    watcher = await watching(journal)
    assert watcher.sequences == [1, 2, 3]
    journal.hear(await told(store, end=RunSucceeded(YES)))
    await watcher.task
    assert (watcher.sequences, store.reads, store.heads) == ([1, 2, 3, 4], 0, 0)


async def test_what_was_not_heard_of_it_is_read_once_more_is_heard(store, journal):
    watcher = await watching(journal)
    await told(store, b"3")
    journal.hear(await told(store, b"4"))
    await settle()
    assert (watcher.sequences, store.reads) == ([1, 2, 3, 4], 1)
    await watcher.leave()


async def test_what_was_not_sent_around_of_it_is_read(store, journal):
    journal.hear(without_bodies(await told(store, b"large")))
    watcher = await watching(journal)
    assert (watcher.sequences, store.heads) == ([1, 2, 3], 0)
    await watcher.leave()


async def test_how_far_the_store_is_brings_its_watchers_what_was_not_heard(store, journal):
    watcher = await watching(journal)
    await told(store, b"3")
    journal.learn(await store.positions(journal.watched()))
    await settle()
    assert watcher.sequences == [1, 2, 3]
    await watcher.leave()


async def test_who_knows_more_of_it_than_was_heard_here_is_believed_once_the_store_says_so(store, journal):
    await told(store, b"3")
    watcher = await watching(journal, after=3)
    journal.hear(await told(store, b"4"))
    await settle()
    assert watcher.sequences == [4]
    await watcher.leave()
    with pytest.raises(SequenceOutOfRange):
        await (await watching(journal, after=5)).task


async def test_a_sequence_that_others_have_reached_is_not_waited_for(store, journal):
    await told(store, b"3")
    await journal.wait_for(PROJECT, NAME, 3, 0)


async def test_after_a_while_the_store_is_asked(store, journal, monkeypatch):
    monkeypatch.setattr(followers, "FRESH_SECONDS", -1)
    watcher = await watching(journal)
    assert (watcher.sequences, store.heads) == ([1, 2], 1)
    await watcher.leave()


async def test_after_a_while_it_is_kept_no_more(store, journal, monkeypatch):
    monkeypatch.setattr(followers, "FRESH_SECONDS", -1)
    store.is_own = True
    await store.create(accepted("wf_2"))
    assert set(journal._follower._tails) == {(PROJECT, "wf_2")}


async def test_when_it_has_ended_it_is_kept_no_more(store, journal):
    journal.hear(await told(store, end=RunSucceeded(YES)))
    assert (journal._follower._tails, journal._follower._fresh, journal._follower._bytes) == ({}, {}, 0)
    watcher = await watching(journal)
    await watcher.task
    assert (watcher.sequences, store.heads) == ([1, 2, 3], 1)


async def test_when_nobody_watches_it_any_more_it_is_kept_no_more(store, journal):
    watchers = [await watching(journal) for _ in range(2)]
    await asyncio.gather(*(watcher.leave() for watcher in watchers))
    assert (journal._follower._tails, journal._follower._fresh, journal._follower._bytes) == ({}, {}, 0)


async def test_when_the_store_has_it_no_more_its_watchers_are_told(store, journal):
    watcher = await watching(journal)
    store._store._workflows.clear()
    journal.learn((), missing=journal.watched())
    with pytest.raises(WorkflowNotFound):
        await watcher.task
