"""Watchers of workflows that other processes work on: what is heard of those may be missing, doubled, late or short."""

import asyncio
from dataclasses import replace

import pytest

from stretto.server.domain.change import RunSucceeded
from stretto.server.domain.errors import SequenceOutOfRange, WorkflowNotFound
from stretto.server.engine import follower as followers
from stretto.server.engine.journal import Journal
from stretto.server.store.memory import MemoryStore
from tests.contract.making import ENCODERS, PROJECT, YES, running
from tests.unit.engine.hearing import Sight, Watcher, settle, step, without_bodies

NAME = "wf_1"


@pytest.fixture
async def store():
    """A workflow of two events runs elsewhere, and nothing of it was heard."""
    made = MemoryStore(ENCODERS)
    await made.open()
    sight = Sight(made)
    await running(sight)
    sight.take()
    return sight


@pytest.fixture
def journal(store):
    return Journal(store, bookmark_seconds=1_000, shared=True)


async def watching(journal, after=0):
    watcher = Watcher(journal, NAME, after)
    await settle()
    return watcher


async def told(store, *bodies, **fields):
    """Somebody else's commit: the news of it."""
    await step(store, *bodies, **fields)
    return store.take()[0]


async def test_what_others_commit_is_given_to_watchers_without_a_look_at_the_store(store, journal):
    watcher = await watching(journal)
    assert (watcher.sequences, store.reads) == ([1, 2], 1)
    for body in (b"one", b"two", b"three"):
        journal.hear(await told(store, body))
        await settle()
    assert (watcher.sequences, store.reads) == ([1, 2, 3, 4, 5], 1)
    journal.hear(await told(store, end=RunSucceeded(YES)))
    await watcher.task
    assert tuple(watcher.seen) == await store.events(PROJECT, NAME, 0, 100)


async def test_own_commits_and_those_of_others_are_one_journal(store, journal):
    watcher = await watching(journal)
    journal.hear(await told(store, b"theirs"))
    store.is_own = True
    await step(store, b"ours")
    store.is_own = False
    journal.hear(await told(store, b"theirs", end=RunSucceeded(YES)))
    await watcher.task
    assert (watcher.sequences, store.reads) == ([1, 2, 3, 4, 5, 6], 1)


async def test_events_that_were_not_sent_around_are_read_at_once(store, journal):
    watcher = await watching(journal)
    journal.hear(without_bodies(await told(store, b"large", b"larger")))
    await settle()
    assert (watcher.sequences, store.reads) == ([1, 2, 3, 4], 2)
    journal.hear(await told(store, b"small"))
    await settle()
    assert (watcher.sequences, store.reads) == ([1, 2, 3, 4, 5], 2)
    await watcher.leave()


async def test_what_is_heard_late_or_twice_is_given_once_and_in_order(store, journal):
    watcher = await watching(journal)
    first, second, third = [await told(store, *bodies) for bodies in ((b"3", b"4"), (b"5",), (b"6", b"7"))]
    for news in (second, first, third, third, first, second):
        journal.hear(news)
        await settle()
    assert watcher.sequences == [1, 2, 3, 4, 5, 6, 7]
    await watcher.leave()


async def test_news_that_reach_back_behind_what_is_known_go_on_where_it_ends(store, journal):
    watcher = await watching(journal)
    (first,), (second,) = await told(store, b"3"), await told(store, b"4")
    journal.hear([first])
    journal.hear([replace(second, events=first.events + second.events)])
    await settle()
    assert (watcher.sequences, store.reads) == ([1, 2, 3, 4], 1)
    await watcher.leave()


async def test_news_that_are_lost_are_read_when_the_next_are_heard(store, journal):
    watcher = await watching(journal)
    journal.hear(await told(store, b"3"))
    await told(store, b"4", b"5")
    journal.hear(await told(store, b"6"))
    await settle()
    assert (watcher.sequences, store.reads) == ([1, 2, 3, 4, 5, 6], 2)
    await watcher.leave()


async def test_nothing_that_is_heard_or_done_twice_makes_a_batch(store, journal):
    watcher = await watching(journal)
    news = await told(store, b"3")
    for _ in range(3):
        journal.hear(news)
        await settle()
    journal.learn(await store.positions([(PROJECT, NAME)]))
    await settle()
    assert watcher.batches == [2, 1]
    await watcher.leave()


async def test_an_end_stays(store, journal):
    watcher, slow = await watching(journal), journal.follow(PROJECT, NAME, 0, 1)
    await anext(slow)
    early = await told(store, b"3")
    journal.hear(await told(store, end=RunSucceeded(YES)))
    await watcher.task
    journal.hear(early)
    assert [event.sequence async for batch in slow for event in batch] == [2, 3, 4]


async def test_what_nobody_follows_is_not_kept(store, journal):
    journal.hear(await told(store, b"3"))
    await running(store, "wf_2")
    store.is_own = True
    await step(store, b"4")
    assert (journal._follower._tails, journal._follower._followed) == ({}, {})
    watcher = await watching(journal)
    await watcher.leave()
    assert (journal._follower._tails, journal._follower._followed, journal._follower._bytes) == ({}, {}, 0)


async def test_a_watcher_who_comes_back_misses_nothing_that_was_not_heard(store, journal):
    first = await watching(journal)
    await first.leave()
    await told(store, b"3", b"4")
    second = await watching(journal, after=2)
    assert second.sequences == [3, 4]
    await told(store, end=RunSucceeded(YES))
    third = await watching(journal, after=4)
    assert third.sequences == [5]
    await third.task
    await second.leave()


async def test_a_watcher_may_go_on_from_an_event_that_was_not_heard_of_here(store, journal):
    first = await watching(journal)
    await told(store, b"3", b"4")
    second = await watching(journal, after=4)
    await settle()
    assert first.sequences == [1, 2, 3, 4]  # What one learns of the store the other hears.
    journal.hear(await told(store, b"5"))
    await settle()
    assert second.sequences == [5]
    with pytest.raises(SequenceOutOfRange):
        await (await watching(journal, after=6)).task
    await asyncio.gather(first.leave(), second.leave())


async def test_a_sequence_is_waited_for_that_others_reach(store, journal):
    watcher = await watching(journal)
    await told(store, b"3")
    await journal.wait_for(PROJECT, NAME, 3, 0)  # The store has it, though nobody was told.
    waits = [asyncio.create_task(journal.wait_for(PROJECT, NAME, sequence, 100)) for sequence in (4, 5)]
    await settle()
    journal.hear(without_bodies(await told(store, b"4")))
    await waits[0]
    await told(store, b"5")
    journal.learn(await store.positions(journal.watched()))
    await waits[1]
    with pytest.raises(SequenceOutOfRange):
        await journal.wait_for(PROJECT, NAME, 6, 0)
    await watcher.leave()


async def test_who_waits_for_a_sequence_after_a_watcher_has_left_sees_how_far_the_store_is(store, journal):
    watcher = await watching(journal)
    await watcher.leave()
    await told(store, b"3", end=RunSucceeded(YES))
    await journal.wait_for(PROJECT, NAME, 4, 0)
    with pytest.raises(SequenceOutOfRange) as refused:
        await journal.wait_for(PROJECT, NAME, 5, 100)
    assert refused.value.metadata["last_sequence"] == "4"


async def test_how_far_the_store_is_brings_watchers_what_was_not_heard(store, journal):
    watcher = await watching(journal)
    assert journal.watched() == ((PROJECT, NAME),)
    await told(store, b"3", b"4")
    journal.learn(await store.positions(journal.watched()))
    await settle()
    assert watcher.sequences == [1, 2, 3, 4]
    await told(store, end=RunSucceeded(YES))
    journal.learn(await store.positions(journal.watched()))
    assert journal.watched() == ()
    await watcher.task
    assert watcher.sequences == [1, 2, 3, 4, 5]


async def test_a_position_that_was_read_before_the_newest_event_was_heard_changes_nothing(store, journal):
    watcher = await watching(journal)
    early = await store.positions(journal.watched())
    journal.hear(await told(store, b"3"))
    journal.learn(early)
    await settle()
    assert (watcher.sequences, journal._follower._followed[PROJECT, NAME].head.last_sequence) == ([1, 2, 3], 3)
    await watcher.leave()


async def test_a_workflow_that_is_missing_is_asked_for_before_its_watchers_are_ended(store, journal):
    watcher = await watching(journal)
    journal.learn((), missing=journal.watched())
    await settle()
    journal.hear(await told(store, b"3"))
    await settle()
    assert (watcher.sequences, watcher.batches) == ([1, 2, 3], [2, 1])
    store._store._workflows.clear()
    journal.learn((), missing=journal.watched())
    with pytest.raises(WorkflowNotFound):
        await watcher.task


async def test_events_that_the_store_owes_are_asked_for_now_and_then(store, journal, monkeypatch):
    monkeypatch.setattr(followers, "LATE_SECONDS_MAX", 0)
    watcher = await watching(journal)
    news = await told(store, b"3")
    held = store._store._journals[PROJECT, NAME].pop()
    journal.hear(without_bodies(news))
    while store.reads < 5:
        await asyncio.sleep(0)
    assert watcher.sequences == [1, 2]
    store._store._journals[PROJECT, NAME].append(held)
    while len(watcher.seen) < 3:
        await asyncio.sleep(0)
    await watcher.leave()


async def test_who_is_owed_events_does_not_ask_for_them_all_the_time(store, journal):
    watcher = await watching(journal)
    news = await told(store, b"3")
    store._store._journals[PROJECT, NAME].pop()
    journal.hear(without_bodies(news))
    await settle()
    assert store.reads == 2
    await watcher.leave()


async def test_events_that_the_store_owes_are_given_as_soon_as_they_are_heard(store, journal, monkeypatch):
    monkeypatch.setattr(followers, "LATE_SECONDS_MAX", 1_000)
    watcher = await watching(journal)
    news = await told(store, b"3")
    store._store._journals[PROJECT, NAME].pop()
    journal.hear(without_bodies(news))
    await settle()
    journal.hear(news)
    await settle()
    assert (watcher.sequences, store.reads) == ([1, 2, 3], 2)
    await watcher.leave()
