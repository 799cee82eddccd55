"""What a watch survives: connections that are cut, silenced and slowed down, and a server that is killed under it."""

import asyncio

from benchmarks.chaos.cuts import Plan, check, run
from benchmarks.chaos.proxy import Fault

CUTS = 195
KILLS = 5
SEED = 20
"""Of the dice, so that a fault can be brought about again: `python -m benchmarks.chaos --cuts 195 --seed 20`."""

TEST_SECONDS_MAX = 400.0
"""Far above the 20 seconds that it takes; whoever hangs is named after a minute already."""


async def test_a_watch_gives_each_event_once_and_in_order_through_200_cuts(tmp_path, monkeypatch):
    monkeypatch.setattr("stretto.client._backoff.LONGEST_SECONDS", 0.5)  # Or most of the time is waited away.
    async with asyncio.timeout(TEST_SECONDS_MAX):
        outcome = await run(Plan(CUTS, KILLS, SEED, tmp_path))
    assert check(outcome) == []
    assert outcome.kills == KILLS
    assert outcome.cuts == CUTS
    assert set(outcome.faults) == set(Fault)
    assert all(watcher.watch.breaks > 0 for watcher in outcome.watchers)
    assert sum(watcher.watch.breaks for watcher in outcome.watchers) >= CUTS
    assert sum(len(journal) for journal in outcome.journals.values()) > 1_000
