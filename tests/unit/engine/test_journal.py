"""Watchers of a journal whose store is ahead of its publications, and what the newest events cost in memory."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from stretto.server.domain.change import Publication
from stretto.server.domain.errors import SequenceOutOfRange, StreamEnded
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.workflow import Status
from stretto.server.engine import follower as followers
from stretto.server.engine import tail as tails
from stretto.server.engine.journal import Journal

ENDED = Status.SUCCEEDED


class LateStore:
    """A store that publishes when the test says so, after it has committed."""

    def __init__(self) -> None:
        self.events_of: dict[str, list[StoredEvent]] = {}
        self.status: dict[str, Status] = {}
        self.reads: list[int] = []
        self.hidden = 0
        self.on_read: Any = None

    def on_publication(self, listener: Any) -> None:
        self._listener = listener

    def on_session_publication(self, listener: Any) -> None:
        self._session_listener = listener

    def commit(self, count: int, name: str = "w", *, size: int = 1, ends: bool = False) -> Publication:
        """Add events; what is given back can be published."""
        events = self.events_of.setdefault(name, [])
        new = [StoredEvent(len(events) + number + 1, b"e" * size) for number in range(count)]
        events += new
        self.status[name] = ENDED if ends else Status.RUNNING
        return Publication(self._row(name), tuple(new))

    def publish(self, *publications: Publication) -> None:
        self._listener(publications)

    def _row(self, name: str) -> Any:
        return SimpleNamespace(
            project="p",
            workflow_id=name,
            last_sequence=len(self.events_of[name]),
            status=self.status[name],
            session_id="",
        )

    async def get(self, project: str, name: str) -> Any:
        row = self._row(name)
        await asyncio.sleep(0)
        return row

    async def events(self, project: str, name: str, after: int, limit: int) -> tuple[StoredEvent, ...]:
        self.reads.append(after)
        events = self.events_of[name]
        found = tuple(events[after : min(after + limit, len(events) - self.hidden)])
        if self.on_read is not None:
            self.on_read()
        return found


def following(journal: Journal, after: int = 0, name: str = "w") -> tuple[list[int], "asyncio.Task[None]"]:
    """The sequences that a watcher gets, and its task."""
    seen: list[int] = []

    async def follow() -> None:
        async for batch in journal.follow("p", name, after, 100):
            seen.extend(event.sequence for event in batch)

    return seen, asyncio.create_task(follow())


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_watcher_whose_row_is_ahead_of_the_publications_gets_each_event_once():
    store = LateStore()
    journal = Journal(store)
    store.publish(store.commit(1))
    second, third = store.commit(1), store.commit(1)
    journal._follower._tails.clear()  # Nobody was following: the row is read, and it says 3.
    seen, task = following(journal, after=2)
    await asyncio.sleep(0)
    store.publish(second)
    await settle()
    assert seen == [3]
    store.publish(third)
    store.publish(store.commit(1), store.commit(1, ends=True))
    await task
    assert seen == [3, 4, 5]
    assert store.reads == [2]


async def test_a_watcher_waits_when_neither_the_tail_nor_the_store_has_what_the_row_promises():
    store = LateStore()
    journal = Journal(store)
    late = store.commit(3)
    store.hidden = 1
    seen, task = following(journal)
    await settle()
    assert (seen, store.reads) == ([1, 2], [0, 2])  # It looked once and waits.
    store.hidden = 0
    store.publish(late)
    store.publish(store.commit(1, ends=True))
    await task
    assert seen == [1, 2, 3, 4]


async def test_an_event_that_is_published_while_the_store_is_read_is_not_slept_over():
    store = LateStore()
    journal = Journal(store, bookmark_seconds=1_000)
    late = store.commit(1)
    store.hidden = 1
    store.on_read = lambda: store.publish(late)
    seen, task = following(journal)
    await settle()
    assert seen == [1]
    task.cancel()


async def test_a_close_ends_a_watcher_that_waits_for_the_store():
    store = LateStore()
    journal = Journal(store, bookmark_seconds=1_000)
    store.commit(1)
    store.hidden = 1
    _, task = following(journal)
    await settle()
    journal.close()
    with pytest.raises(StreamEnded) as caught:
        await task
    assert caught.value.metadata["last_sequence"] == "0"


async def test_a_watcher_may_go_on_from_an_event_that_is_stored_but_not_yet_published():
    store = LateStore()
    journal = Journal(store)
    store.publish(store.commit(1))
    second = store.commit(1)
    seen, task = following(journal, after=2)
    await settle()
    store.publish(second, store.commit(1, ends=True))
    await task
    assert seen == [3]
    with pytest.raises(SequenceOutOfRange):
        await following(journal, after=4)[1]


async def test_one_workflows_newest_events_are_bounded_by_their_bytes(monkeypatch):
    monkeypatch.setattr(tails, "TAIL_BYTES_MAX", 1_000)
    store = LateStore()
    journal = Journal(store)
    store.publish(store.commit(1))
    seen, task = following(journal)
    await settle()
    store.publish(store.commit(10, size=300))
    (tail,) = journal._follower._tails.values()
    assert [event.sequence for event in tail.events] == [10, 11]
    await settle()
    store.publish(store.commit(1, size=2_000, ends=True))
    assert (len(tail.events), tail.size, journal._follower._bytes) == (0, 0, 0)
    await task
    assert seen == list(range(1, 13))
    assert store.reads == [1, 11]


async def test_all_newest_events_together_are_bounded_by_their_bytes(monkeypatch):
    monkeypatch.setattr(followers, "TAILS_BYTES_MAX", 10_000)
    store = LateStore()
    journal = Journal(store)
    for number in range(100):
        store.publish(store.commit(1, f"w{number}", size=900))
        assert journal._follower._bytes == sum(tail.size for tail in journal._follower._tails.values()) <= 10_000
    assert [name for _, name in journal._follower._tails] == [f"w{number}" for number in range(91, 100)]


async def test_a_watched_workflow_whose_events_were_given_up_is_read_from_the_store(monkeypatch):
    monkeypatch.setattr(followers, "TAILS_BYTES_MAX", 2_000)
    store = LateStore()
    journal = Journal(store)
    store.publish(store.commit(1, size=900))
    seen, task = following(journal)
    await settle()
    store.publish(store.commit(1, size=900), *(store.commit(1, name, size=900) for name in "abc"))
    await settle()
    assert (seen, store.reads) == ([1, 2], [1])
    store.publish(store.commit(1, size=900, ends=True))
    await task
    assert (seen, store.reads) == ([1, 2, 3], [1])
    assert journal._follower._bytes == sum(tail.size for tail in journal._follower._tails.values()) <= 2_000
    assert journal.watcher_count == 0


async def test_what_changed_or_was_watched_last_is_kept(monkeypatch):
    monkeypatch.setattr(followers, "TAILS_MAX", 2)
    store = LateStore()
    journal = Journal(store)
    store.publish(store.commit(1, "old", ends=True), store.commit(1, "new", ends=True))
    await following(journal, name="old")[1]
    store.publish(store.commit(1, "newest"))
    assert [name for _, name in journal._follower._tails] == ["old", "newest"]
    assert store.reads == []
