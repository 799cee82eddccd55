"""Watchers of sessions that other processes work on, and what word of a deletion means to them."""

import pytest

from stretto.server.domain.change import RunSucceeded
from stretto.server.domain.errors import SessionNotFound, StreamEnded, WorkflowNotFound
from stretto.server.engine import follower as followers
from stretto.server.engine.journal import Journal
from stretto.server.engine.session_journal import SessionJournal
from stretto.server.store.memory import MemoryStore
from tests.contract.making import ENCODERS, PROJECT, YES
from tests.contract.talking import SESSION, ended, kinds, replied, said, started
from tests.unit.engine.hearing import Sight, Watcher, settle, step, without_bodies


@pytest.fixture
async def store():
    made = MemoryStore(ENCODERS)
    await made.open()
    return Sight(made)


@pytest.fixture
def journal(store):
    return SessionJournal(store, bookmark_seconds=1_000, shared=True)


async def watching(journal, after=0, **how):
    watcher = Watcher(journal, SESSION, after, **how)
    await settle()
    return watcher


def told(store):
    """News of the sessions that others changed."""
    return store.take()[1]


async def deleted(store):
    """Somebody else deletes the session: the news of it."""
    told(store)
    await store.delete_session(PROJECT, SESSION, 9_000)
    return told(store)


async def test_what_others_say_is_given_to_watchers_without_a_look_at_the_store(store, journal):
    await said(store)
    told(store)
    watcher = await watching(journal)
    await replied(store)
    await started(store)
    await step(store, b"one", b"two")
    journal.hear(told(store))
    await settle()
    assert tuple(watcher.seen) == await store.session_events(PROJECT, SESSION, 0, 100)
    assert (watcher.sequences, store.reads) == ([1, 2, 3, 4, 5, 6], 2)
    await watcher.leave()


async def test_entries_that_were_not_sent_around_are_read_at_once(store, journal):
    await said(store)
    watcher = await watching(journal)
    told(store)
    await replied(store)
    journal.hear(without_bodies(told(store)))
    await settle()
    assert watcher.sequences == [1, 2]
    await watcher.leave()


async def test_a_deletion_that_is_heard_is_given_to_watchers_and_ends_them(store, journal):
    await ended(store)
    watcher = await watching(journal)
    journal.hear(await deleted(store))
    await watcher.task
    assert kinds(watcher.seen)[-2:] == ["NOTICE", "DELETED"]
    assert (journal.watcher_count, journal._follower._tails, journal._follower._bytes) == (0, {}, 0)


async def test_a_deletion_that_is_heard_before_what_came_last_skips_what_is_gone(store, journal):
    await started(store)
    watcher = await watching(journal)
    await step(store, b"lost", end=RunSucceeded(YES))
    journal.hear(await deleted(store))
    await watcher.task
    assert kinds(watcher.seen)[-1] == "DELETED"


async def test_a_deletion_whose_entry_was_not_sent_around_ends_watchers_with_its_refusal(store, journal):
    await ended(store)
    watcher = await watching(journal)
    journal.hear(without_bodies(await deleted(store)))
    with pytest.raises(SessionNotFound):
        await watcher.task


async def test_the_entry_of_a_deletion_may_come_a_moment_after_the_store_has_told_of_it(store, journal, monkeypatch):
    monkeypatch.setattr(followers, "LATE_SECONDS_MAX", 1_000)
    await ended(store)
    watcher = await watching(journal)
    news = await deleted(store)
    journal.learn(await store.session_positions(journal.watched()))
    await settle()
    journal.hear(news)
    await watcher.task
    assert kinds(watcher.seen)[-1] == "DELETED"


async def test_late_word_of_a_deletion_does_not_end_who_waits_for_the_next_session_of_its_id(store, journal):
    await ended(store)
    news = await deleted(store)
    watcher = await watching(journal, allow_missing=True)
    journal.hear(news)
    journal.learn(await store.session_positions(journal.watched()))
    assert journal.watched() == ((PROJECT, SESSION),)
    journal.learn((), missing=journal.watched())
    await settle()
    await store.forget_sessions(10_000)
    await said(store, "turn_2")
    journal.hear(told(store))
    await settle()
    assert [(entry.sequence, entry.workflow_id) for entry in watcher.seen] == [(1, "turn_2")]
    await watcher.leave()


async def test_a_deletion_that_is_heard_while_the_row_is_read_is_not_missed(store, journal):
    await ended(store)
    read = store._store.session

    async def read_early(*key):
        row = await read(*key)
        store.session = read
        journal.hear(await deleted(store))
        return row

    store.session = read_early
    watcher = await watching(journal)
    await watcher.task
    assert kinds(watcher.seen) == ["DELETED"]


async def test_who_waits_for_a_session_gets_nothing_of_one_that_is_gone_but_still_watched(store, journal):
    await ended(store)
    first = await watching(journal)
    await deleted(store)
    second = await watching(journal, allow_missing=True)
    with pytest.raises(StreamEnded) as refused:
        await second.task
    assert (second.seen, refused.value.metadata["last_sequence"]) == ([], "0")
    with pytest.raises(SessionNotFound):
        await first.task
    third = await watching(journal, allow_missing=True)
    assert journal.watched() == ((PROJECT, SESSION),)
    await third.leave()


async def test_a_watcher_of_a_deleted_session_whose_id_is_used_again_is_sent_away(store, journal, monkeypatch):
    monkeypatch.setattr(followers, "PAGE", 1)
    await ended(store)
    slow = journal.follow(PROJECT, SESSION, 0, 1)
    await anext(slow)
    journal._follower._followed[PROJECT, SESSION].forget()
    journal.hear(without_bodies(await deleted(store)))
    await store.forget_sessions(10_000)
    await said(store, "turn_2")
    with pytest.raises(StreamEnded) as ends:
        await anext(slow)
    assert ends.value.metadata["last_sequence"] == "1"


async def test_a_workflow_that_went_with_its_session_unheard_is_gone_for_who_is_behind(store, monkeypatch):
    monkeypatch.setattr(followers, "LATE_SECONDS_MAX", 0)
    journal = Journal(store, bookmark_seconds=1_000, shared=True)
    await started(store)
    watcher = Watcher(journal, "wf_1")
    await settle()
    await step(store, end=RunSucceeded(YES))
    await deleted(store)
    journal.learn(await store.positions(journal.watched()), missing=journal.watched())
    with pytest.raises(WorkflowNotFound):
        await watcher.task
