"""Whatever becomes of the news between two writers, and however often a watcher is cut, it gets the journal."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from stretto.server.domain.change import RunSucceeded
from stretto.server.engine import follower as followers
from stretto.server.engine import tail as tails
from stretto.server.engine.journal import Journal
from stretto.server.engine.session_journal import SessionJournal
from stretto.server.store.memory import MemoryStore
from tests.contract.making import ENCODERS, PROJECT, YES, commit
from tests.contract.talking import SESSION, started
from tests.unit.engine.hearing import Sight, settle, without_bodies

NAME = "wf_1"
ALL = 10_000

MOVES = st.one_of(
    st.tuples(st.just("ours"), st.integers(0, 4)),
    st.tuples(st.just("theirs"), st.integers(0, 4)),
    st.tuples(st.just("heard"), st.integers(0, 9), st.booleans(), st.booleans()),
    st.tuples(st.just("positions"), st.booleans()),
    st.tuples(st.just("late positions")),
    st.tuples(st.just("cut"), st.integers(0, 1)),
    st.tuples(st.just("turns"), st.integers(0, 7)),
)


class Cut:
    """A watcher that goes on after the last event that it got, whenever it was cut."""

    def __init__(self, journal, name, limit):
        self._follow = lambda after: journal.follow(PROJECT, name, after, limit)
        self.seen, self.empty = [], 0
        self.task = asyncio.create_task(self._watch())

    async def _watch(self):
        async for batch in self._follow(len(self.seen)):
            self.empty += not batch
            self.seen += batch

    async def cut(self):
        if not self.task.done():
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = asyncio.create_task(self._watch())


class World:
    """One process's journals of a store that another one writes too, and the news that are under way."""

    def __init__(self, sight):
        self.sight = sight
        self.journals = [made(sight, bookmark_seconds=1_000, shared=True) for made in (Journal, SessionJournal)]
        self.news = [[], []]
        self.early = None
        self.watchers = []

    def watch(self):
        self.watchers = [
            Cut(journal, name, limit)
            for journal, name in zip(self.journals, (NAME, SESSION), strict=True)
            for limit in (1, 100)
        ]

    async def commit(self, count, *, own, **fields):
        self.sight.is_own = own
        rule = commit(events=tuple(b"e%d" % number for number in range(count)), **fields)
        await self.sight.update(PROJECT, NAME, rule)
        for under_way, told in zip(self.news, self.sight.take(), strict=True):
            under_way.extend(told)

    def hear(self, number, *, with_bodies, again):
        """One of the news arrives, in any order; some come again later."""
        for journal, under_way in zip(self.journals, self.news, strict=True):
            if under_way:
                one = under_way[number % len(under_way)]
                if not again:
                    under_way.remove(one)
                journal.hear([one] if with_bodies else without_bodies([one]))

    async def positions(self):
        """What the store says now of all that is watched."""
        asked = [journal.watched() for journal in self.journals]
        found = await self.sight.positions(asked[0]), await self.sight.session_positions(asked[1])
        return [
            (one, [key for key in keys if key not in {(position.project, position.name) for position in one}])
            for one, keys in zip(found, asked, strict=True)
        ]

    def learn(self, answers):
        for journal, (found, missing) in zip(self.journals, answers, strict=True):
            journal.learn(found, missing)

    async def do(self, move, *how):
        if move in ("ours", "theirs"):
            await self.commit(how[0], own=move == "ours")
        elif move == "heard":
            self.hear(how[0], with_bodies=how[1], again=how[2])
        elif move == "positions" and how[0]:
            self.early = await self.positions()
        elif move == "positions":
            self.learn(await self.positions())
        elif move == "late positions" and self.early:
            self.learn(self.early)
        elif move == "cut":
            for watcher in self.watchers[how[0] :: 2]:
                await watcher.cut()
        elif move == "turns":
            for _ in range(how[0]):
                await asyncio.sleep(0)

    async def settle(self):
        """Polling happens, in the end."""
        await settle()
        self.learn(await self.positions())
        await settle()


async def _play(moves, *, begun_here):
    store = MemoryStore(ENCODERS)
    await store.open()
    sight = Sight(store)
    world = World(sight)
    sight.is_own = begun_here
    await started(sight)
    sight.take()
    for move in moves[: len(moves) // 4]:  # Before anybody watches.
        await world.do(*move)
    world.watch()
    for move in moves[len(moves) // 4 :]:
        await world.do(*move)
        _check_prefix(world, *await _truth(sight))
    await world.settle()
    workflow, session = await _truth(sight)
    assert [watcher.seen for watcher in world.watchers] == [workflow, workflow, session, session]
    await world.commit(1, own=False, end=RunSucceeded(YES))
    await world.settle()
    workflow, session = await _truth(sight)
    assert [watcher.seen for watcher in world.watchers] == [workflow, workflow, session, session]
    assert [watcher.task.done() for watcher in world.watchers] == [True, True, False, False]
    assert [watcher.empty for watcher in world.watchers] == [0, 0, 0, 0]
    await _leave(world)


async def _truth(sight):
    return (
        list(await sight._store.events(PROJECT, NAME, 0, ALL)),
        list(await sight._store.session_events(PROJECT, SESSION, 0, ALL)),
    )


def _check_prefix(world, workflow, session):
    for watcher, truth in zip(world.watchers, (workflow, workflow, session, session), strict=True):
        assert watcher.seen == truth[: len(watcher.seen)]


async def _leave(world):
    for watcher in world.watchers:
        watcher.task.cancel()
    await asyncio.gather(*(watcher.task for watcher in world.watchers), return_exceptions=True)
    for journal in world.journals:
        assert (journal.watcher_count, journal._follower._tails, journal._follower._bytes) == (0, {}, 0)


@settings(max_examples=200, deadline=None)
@given(
    moves=st.lists(MOVES, max_size=40),
    kept=st.sampled_from((2, 5, 256)),
    page=st.sampled_from((1, 3, 500)),
    begun_here=st.booleans(),
)
def test_watchers_get_exactly_the_journal(moves, kept, page, begun_here):
    events_max, pages = tails.TAIL_EVENTS_MAX, followers.PAGE
    tails.TAIL_EVENTS_MAX, followers.PAGE = kept, page
    try:
        asyncio.run(_play(moves, begun_here=begun_here))
    finally:
        tails.TAIL_EVENTS_MAX, followers.PAGE = events_max, pages
