"""What a run has to say and has not made durable yet, and the one commit that is under way."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from stretto.server.domain.change import (
    ChannelBlob,
    Checkpoint,
    EncodedEvent,
    PendingWrite,
    RunCommit,
    RunEnd,
    Saved,
)
from stretto.server.domain.clock import Clock
from stretto.server.domain.codec import Codec
from stretto.server.domain.errors import CancelAccepted, StaleEpoch
from stretto.server.domain.event import Event, StepStarted, TokenDelta
from stretto.server.domain.workflow import Interrupt, Step, Workflow
from stretto.server.engine.ledger import Ledger

LINGER_SECONDS = 0.004
"""How long news wait for more, so that a finished step, its checkpoint and the next step's start share a commit."""


class RunBuffer:
    """Collects a run's news and commits them, one commit at a time and in order.

    A step's start waits for its commit; all else goes along with the next one, at the latest after a moment.
    """

    def __init__(
        self, workflow: Workflow, ledger: Ledger, codec: Codec, clock: Clock, refused: Callable[[Exception], None]
    ) -> None:
        self._workflow = workflow
        self._ledger = ledger
        self._codec = codec
        self._clock = clock
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._waiters: list[asyncio.Future[None]] = []
        self._commit: asyncio.Future[None] | None = None
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._claimed = False
        self.failed: Exception | None = None
        self.steps: dict[str, Step] = {}
        self.fraction: float | None = None
        self.headline: str | None = None
        self._clear()

    def _clear(self) -> None:
        self.events: list[Event] = []
        self.checkpoints: list[Checkpoint] = []
        self.blobs: list[ChannelBlob] = []
        self.writes: list[PendingWrite] = []
        self.raised: list[Interrupt] = []
        self.applied: list[str] = []
        self.starts = False
        self.progressed = False

    @property
    def empty(self) -> bool:
        """Whether all news are committed or under way."""
        return not (self.events or self.checkpoints or self.writes or self.raised or self.applied)

    def add(self, event: Event) -> None:
        """Note an event; text of one message that follows on text is joined."""
        last = self.events[-1] if self.events else None
        if (
            isinstance(event.what, TokenDelta)
            and last is not None
            and isinstance(last.what, TokenDelta)
            and last.what.message_id == event.what.message_id
        ):
            self.events[-1] = replace(last, what=replace(last.what, text=last.what.text + event.what.text))
        else:
            self.events.append(event)
        self.linger()

    def save(self, saved: Saved) -> None:
        """Note checkpoint rows."""
        self.checkpoints += saved.checkpoints
        self.blobs += saved.blobs
        self.writes += saved.writes
        if saved.writes:
            self.linger()

    def linger(self) -> None:
        """See to it that a commit follows soon, if nothing else brings one about."""
        if self._timer is None and not self._scheduled:
            self._timer = self._loop.call_later(LINGER_SECONDS, self._begin)

    def flush(self) -> asyncio.Future[None]:
        """A future for the moment when all that was noted so far is durable. It stays pending after a refusal."""
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        self._schedule()
        return waiter

    def _schedule(self) -> None:
        if not self._scheduled and self._commit is None:
            self._scheduled = True
            # After this turn of the loop, so that steps which start side by side share a commit.
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        """Commit everything that was noted, unless a commit is under way: then its end begins the next one."""
        self._scheduled = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._commit is not None or self.failed is not None:
            return
        commit, waiters = self._take(None), self._waiters
        self._waiters = []
        kept = (self.events, self.checkpoints, self.blobs, self.writes, self.raised, self.applied, self.progressed)
        self._clear()
        self._commit = asyncio.ensure_future(self._ledger.commit(commit))
        self._commit.add_done_callback(lambda done: self._finish(done, waiters, kept))

    def _finish(self, done: "asyncio.Future[None]", waiters: "list[asyncio.Future[None]]", kept: tuple) -> None:  # type: ignore[type-arg]
        self._commit = None
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None:
            self.failed = error if isinstance(error, Exception) else StaleEpoch()
            self._restore(kept)
            self._refused(self.failed)
            return
        self._claimed = True
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        if self._waiters:
            self._schedule()
        elif not self.empty:
            self.linger()

    def _restore(self, kept: tuple) -> None:  # type: ignore[type-arg]
        """Put refused news back in front of newer ones."""
        events, checkpoints, blobs, writes, raised, applied, progressed = kept
        self.events = events + self.events
        self.checkpoints = checkpoints + self.checkpoints
        self.blobs = blobs + self.blobs
        self.writes = writes + self.writes
        self.raised = raised + self.raised
        self.applied = applied + self.applied
        self.progressed = progressed or self.progressed

    async def end(self, end: RunEnd) -> None:
        """Commit what is left together with the end of the run. After a cancel, steps that wait to start never did."""
        while self._commit is not None:
            await asyncio.wait([self._commit])
            await asyncio.sleep(0)  # Lets the commit's callback run first.
        self._scheduled = True  # Keeps later news from a straggling thread out.
        if self._timer is not None:
            self._timer.cancel()
        if isinstance(self.failed, CancelAccepted):
            self.events = [event for event in self.events if not isinstance(event.what, StepStarted)]
        self.starts = False
        await self._ledger.commit(self._take(end))

    def _take(self, end: RunEnd | None) -> RunCommit:
        workflow_id = self._workflow.workflow_id
        encode = self._codec.encode_event
        return RunCommit(
            project=self._workflow.project,
            workflow_id=workflow_id,
            epoch=self._workflow.epoch,
            at=self._clock.now(),
            events=tuple([EncodedEvent(encode(workflow_id, event)) for event in self.events]),
            saved=Saved(
                checkpoints=tuple(self.checkpoints), blobs=tuple(self.blobs), writes=tuple(self._needed_writes())
            ),
            raised=tuple(self.raised),
            applied=tuple(self.applied),
            steps=tuple(self.steps.values()),
            fraction=self.fraction,
            headline=self.headline,
            claims=not self._claimed,
            starts=self.starts,
            progressed=self.progressed,
            end=end,
        )

    def _needed_writes(self) -> list[PendingWrite]:
        """Pending writes without those whose superstep has ended in the same commit: nobody would read them again.

        LangGraph's delta channels are rebuilt from writes; a checkpoint that counts them says so in its metadata.
        """
        ended = {
            (checkpoint.namespace, checkpoint.parent_id)
            for checkpoint in self.checkpoints
            if b"counters_since_delta_snapshot" not in checkpoint.metadata.body
        }
        return [write for write in self.writes if (write.namespace, write.checkpoint_id) not in ended]
