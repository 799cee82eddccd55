"""Those who watch: they write down what they see, and pass it on to whatever shows it."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Final

from examples.demo.story import Story
from stretto.cli._live import Show, WorkflowView
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus

HALFWAY: Final = 0.5
"""Share of the work after which it is worth while to kill a server."""

LOOK_SECONDS: Final = 0.05
"""A watcher of a workflow that waits is told by nothing that its connection is back."""


class Audience:
    """A show around another one. It says when there has been enough to see, and when all go on after a break."""

    def __init__(self, show: Show, stories: Mapping[str, Story], views: Iterable[WorkflowView]) -> None:
        self.ripe = asyncio.Event()
        """Work is halfway, a question was asked, and a step has failed."""
        self.cuts: dict[str, int] = {}
        """The last event that was seen of each of them, by workflow."""
        self._show = show
        self._stories = stories
        self._views = tuple(views)
        self._went_on = asyncio.Event()
        self._sights: set[str] = set()
        self._broken_after: dict[str, int] = {}

    def running(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Around all that is shown."""
        return self._show.running()

    async def event(self, view: WorkflowView, event: ProgressEvent) -> None:
        """Write an event down before it is shown."""
        self._stories[view.workflow_id].take(event)
        self._look(event)
        if self.cuts and all(view.sequence > self.cuts.get(view.workflow_id, -1) for view in self._views):
            self._went_on.set()
        await self._show.event(view, event)

    async def ended(self, view: WorkflowView) -> None:
        """An end that no event told of."""
        await self._show.ended(view)

    def broke(self, view: WorkflowView, seconds: float) -> None:
        """A connection was lost, or is still lost."""
        if self._broken_after.get(view.workflow_id) != view.sequence:
            self._stories[view.workflow_id].breaks += 1
        self._broken_after[view.workflow_id] = view.sequence
        self._show.broke(view, seconds)

    def cut(self) -> None:
        """The server is about to be killed."""
        waiting = WorkflowStatus.WORKFLOW_STATUS_WAITING
        at_work = [view for view in self._views if not view.ended and view.status != waiting]
        self.cuts = {view.workflow_id: view.sequence for view in at_work}

    async def all_back(self) -> None:
        """Wait until each workflow that was at work has told something new, and all watchers are connected again."""
        await self._went_on.wait()
        while any(view.broken for view in self._views):  # noqa: ASYNC110 - There is no event for that.
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self, event: ProgressEvent) -> None:
        if event.step_progress.fraction >= HALFWAY:
            self._sights.add("halfway")
        self._sights.add(event.WhichOneof("kind") or "")
        if self._sights >= {"halfway", "interrupt_raised", "step_retrying"}:
            self.ripe.set()
