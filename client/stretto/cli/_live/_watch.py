"""Watches workflows, folds their events into views and hands both to a show."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from stretto.cli._exits import CommandError, Exit
from stretto.cli._live._reader import BranchReader
from stretto.cli._live._shows import Show, patiently, show_for
from stretto.cli._live._view import Break, WorkflowView
from stretto.cli._output import Output
from stretto.client import Client, WorkflowHandle
from stretto.client.errors import StrettoError
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus

PROBE_SECONDS: Final = 0.3
"""After a break, how long after the next try the server is asked whether it is back: a quiet journal does not tell."""

_EXITS: Final = {
    WorkflowStatus.WORKFLOW_STATUS_FAILED: Exit.FAILED,
    WorkflowStatus.WORKFLOW_STATUS_TIMED_OUT: Exit.FAILED,
    WorkflowStatus.WORKFLOW_STATUS_QUARANTINED: Exit.FAILED,
    WorkflowStatus.WORKFLOW_STATUS_CANCELLED: Exit.CANCELLED,
}


async def follow(handle: WorkflowHandle[Any], client: Client, out: Output, *, after: int = 0, again: str = "") -> Exit:
    """Show a workflow until it ends: Exit.OK, Exit.FAILED or Exit.CANCELLED."""
    return await follow_all([handle], client, out, after=after, again=again)


async def follow_all(
    handles: Sequence[WorkflowHandle[Any]],
    client: Client,
    out: Output,
    *,
    after: int = 0,
    until_now: bool = False,
    again: str = "",
) -> Exit:
    """Show workflows until all have ended; the worst end decides the exit code.

    Args:
        handles: The workflows.
        client: The client that they are of.
        out: Where to show them: live on a terminal, else line by line.
        after: Sequence of the last event that need not be shown.
        until_now: Whether to show only what there is now.
        again: What a command needs to reach the same server, such as ` --server HOST:PORT`.
    """
    views = [WorkflowView(handle.id) for handle in handles]
    watching = Watching(client, show_for(out, client, views, again), until_now=until_now)
    try:
        await watching.watch(handles, views, after)
    except asyncio.CancelledError:
        raise CommandError(_stopped(views, again), Exit.INTERRUPTED) from None
    ends = [_EXITS.get(view.status, Exit.OK) for view in views]  # type: ignore[call-overload]
    return Exit.FAILED if Exit.FAILED in ends else Exit.CANCELLED if Exit.CANCELLED in ends else Exit.OK


def _stopped(views: Sequence[WorkflowView], again: str) -> str:
    """How to go on after Ctrl-C; where there are several journals, all of them from the beginning."""
    going = [view for view in views if not view.ended] or list(views)
    ids = " ".join(view.workflow_id for view in going)
    after = f" --after {going[0].sequence}" if len(going) == 1 and going[0].sequence else ""
    goes = "it goes on" if len(going) == 1 else "they go on"
    return f"stopped watching, {goes}. To watch on: stretto watch {ids}{after}{again}"


class Watching:
    """Some workflows while they are watched: each has a handle, and a view that its events are folded into."""

    def __init__(self, client: Client, show: Show, *, until_now: bool = False) -> None:
        self._client = client
        self._show = show
        self._branches = BranchReader(client)
        self._until_now = until_now
        self._probes: dict[str, asyncio.Task[None]] = {}

    async def watch(
        self, handles: Sequence[WorkflowHandle[Any]], views: Sequence[WorkflowView], after: int = 0
    ) -> None:
        """Watch all of them to their ends. A workflow that does not exist is told of before anything is shown."""
        lasts = [await self._seed(handle, view, after) for handle, view in zip(handles, views, strict=True)]
        async with self._show.running():
            tasks = [
                asyncio.ensure_future(self._follow(handle, view, last))
                for handle, view, last in zip(handles, views, lasts, strict=True)
            ]
            try:
                await asyncio.gather(*tasks)
            finally:
                await _cancel([*tasks, *self._probes.values()])

    async def _seed(self, handle: WorkflowHandle[Any], view: WorkflowView, after: int) -> int:
        """Learn what the head line says at once; gives back the newest event that there is."""
        if handle.workflow is None or after or self._until_now:
            state = await handle.state(snapshot=False)
            view.seed(state.workflow, after)
            return state.as_of_sequence
        view.seed(handle.workflow, after)
        return handle.workflow.last_sequence

    async def _follow(self, handle: WorkflowHandle[Any], view: WorkflowView, last: int) -> None:
        if self._until_now and view.sequence >= last:
            return
        watch = handle.watch(after=view.sequence, on_break=lambda error, pause: self._broke(handle, view, error, pause))
        async with watch:
            async for event in watch:
                self._back(view)
                view.apply(event, await self._branches.read(event))
                await self._show.event(view, event)
                if self._until_now and event.sequence >= last:
                    return
        if not view.ended:
            view.conclude(await patiently(lambda: handle.state(snapshot=False)))
            await self._show.ended(view)

    def _broke(self, handle: WorkflowHandle[Any], view: WorkflowView, error: StrettoError, pause: float) -> None:
        self._back(view)
        view.broken = Break(error.message, time.monotonic() + pause)
        self._show.broke(view, pause)
        self._probes[view.workflow_id] = asyncio.ensure_future(self._probe(handle, view, pause))

    async def _probe(self, handle: WorkflowHandle[Any], view: WorkflowView, pause: float) -> None:
        """Find out whether the server is back, for journals in which nothing happens."""
        await asyncio.sleep(pause + PROBE_SECONDS)
        try:
            await handle.state(snapshot=False)
        except StrettoError:
            return  # The watch itself tells of the next break.
        view.broken = None

    def _back(self, view: WorkflowView) -> None:
        view.broken = None
        if probe := self._probes.pop(view.workflow_id, None):
            probe.cancel()


async def _cancel(tasks: Sequence["asyncio.Future[None]"]) -> None:
    """Stop tasks and wait until they have; what they raised was told by the first one."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
