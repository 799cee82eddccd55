"""What it adds to an event's way that a whole session is watched instead of its workflow."""

import asyncio
import time
from collections.abc import AsyncIterator

from benchmarks._bench import Bench
from benchmarks._client import Client
from benchmarks._stats import Figure, at_most, median, percentile
from stretto.session.v1.session_event_pb2 import SESSION_EVENT_KIND_PROGRESS
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

Ways = dict[int, float]
"""Milliseconds from each event, by its sequence, to its receipt."""


async def measure(bench: Bench) -> list[Figure]:
    """The same events of the same workflow in both streams; each has a connection of its own."""
    alone, beside = [], []
    async with bench.stretto() as stretto, Client(stretto.address) as client, Client(stretto.address) as other:
        await _both(client, other, "ses_warm")
        for number in range(2 * bench.rounds):
            # Who asks first is told first, so they take turns at that.
            of_workflow, of_session = await _both(client, other, f"ses_{number}", session_first=bool(number % 2))
            shared = [sequence for sequence in of_workflow if sequence in of_session]
            alone += [of_workflow[sequence] for sequence in shared]
            beside += [of_session[sequence] for sequence in shared]
    added = [session - workflow for workflow, session in zip(alone, beside, strict=True)]
    return [
        Figure("watch_progress_way_p50", percentile(alone, 0.5), "ms"),
        Figure("watch_session_way_p50", percentile(beside, 0.5), "ms"),
        Figure("watch_session_way_p99", percentile(beside, 0.99), "ms"),
        Figure("watch_session_adds_p50", median(added), "ms", at_most(1)),
    ]


async def _both(client: Client, other: Client, session_id: str, *, session_first: bool = False) -> tuple[Ways, Ways]:
    """One workflow, watched twice."""
    workflow_id = await client.start("pulse", session_id)
    streams = [
        _received(client.watch(workflow_id, batch=0)),
        _received(_of_session(other, session_id)),
    ]
    if session_first:
        of_session, of_workflow = await asyncio.gather(*reversed(streams))
    else:
        of_workflow, of_session = await asyncio.gather(*streams)
    return of_workflow, of_session


async def _of_session(client: Client, session_id: str) -> AsyncIterator[ProgressEvent]:
    async for event in client.watch_session(session_id, kinds=[SESSION_EVENT_KIND_PROGRESS], batch=0):
        yield event.progress
        if event.progress.HasField("completed"):
            return


async def _received(events: AsyncIterator[ProgressEvent]) -> Ways:
    """The progress that a step tells while it runs: what came before was replayed, and not sent live."""
    ways = {}
    async for event in events:
        if event.HasField("step_progress"):
            ways[event.sequence] = time.time() * 1e3 - event.occurred_at.ToNanoseconds() / 1e6
    return ways
