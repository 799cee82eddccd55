"""What a run has to say and has not made durable yet, and the one commit that is under way."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from stretto.server.domain.change import (
    ChannelBlob,
    Checkpoint,
    EncodedEvent,
    PendingWrite,
    RunCommit,
    RunEnd,
    RunFailed,
    Saved,
)
from stretto.server.domain.clock import Clock
from stretto.server.domain.codec import Codec
from stretto.server.domain.errors import CancelAccepted, LimitExceeded, StaleEpoch
from stretto.server.domain.event import Event, StepCompleted, StepProgress, StepStarted, TokenDelta
from stretto.server.domain.workflow import Failure, Interrupt, Reason, Step, Workflow
from stretto.server.engine.ledger import Ledger
from stretto.server.engine.shown import Shown

LINGER_SECONDS = 0.004
"""How long news wait for more, so that a finished step, its checkpoint and the next step's start share a commit."""

PATIENCE_SECONDS = 0.05
"""The same for steps that only read: they ride on the commit of what follows, which most often is the run's end."""


EVENTS_MAX = 1_000
EVENT_BYTES_MAX = 8 * 1024 * 1024
"""Events of one commit: more go into several, so that one workflow's flood does not hold up the commits of others."""

SAVED_BYTES_MAX = 64 * 1024 * 1024
"""Rows of one commit for the checkpointer; a workflow whose state changes by more in one step fails."""

EVENTS_PER_WORKFLOW_MAX = 100_000
"""Events of one journal, after which a workflow that goes on to tell of its progress fails."""

_TOO_LARGE = f"One step changed the state by more than {SAVED_BYTES_MAX // (1024 * 1024)} MiB."


@dataclass(slots=True)
class _News:
    """What a commit under way carries, in case it is refused."""

    events: list[Event]
    checkpoints: list[Checkpoint] = field(default_factory=list)
    blobs: list[ChannelBlob] = field(default_factory=list)
    writes: list[PendingWrite] = field(default_factory=list)
    raised: list[Interrupt] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)
    trouble: Failure | None = None
    progressed: bool = False


class RunBuffer:
    """Collects a run's news and commits them, one commit at a time and in order.

    A step's start waits for its commit; all else goes along with the next one, at the latest after a moment.
    """

    def __init__(
        self,
        workflow: Workflow,
        ledger: Ledger,
        codec: Codec,
        clock: Clock,
        refused: Callable[[Exception], None],
        *,
        patience: float = LINGER_SECONDS,
    ) -> None:
        self._workflow = workflow
        self._ledger = ledger
        self._codec = codec
        self._clock = clock
        self._refused = refused
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._waiters: list[asyncio.Future[None]] = []
        self._commit: asyncio.Future[None] | None = None
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._claimed = False
        self._held = False
        self._over = False
        self._told = workflow.last_sequence
        self._shown = Shown()
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
        self.trouble: Failure | None = None
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
            self._count(event)
        self.linger(self._patience if isinstance(event.what, StepStarted | StepCompleted) else LINGER_SECONDS)

    def _count(self, event: Event) -> None:
        """End a workflow that tells of its progress without end."""
        self._told += 1
        if self._told > EVENTS_PER_WORKFLOW_MAX and isinstance(event.what, TokenDelta | StepProgress):
            self._refused(LimitExceeded(f"A journal takes at most {EVENTS_PER_WORKFLOW_MAX:,} events."))

    def save(self, saved: Saved) -> None:
        """Note checkpoint rows."""
        self.checkpoints += saved.checkpoints
        self.blobs += saved.blobs
        self.writes += saved.writes
        if saved.writes:
            self.linger(self._patience)

    def linger(self, seconds: float = LINGER_SECONDS) -> None:
        """See to it that a commit follows soon, if nothing else brings one about."""
        if self._scheduled or self._held or self._over:
            return
        at = self._loop.time() + seconds
        if self._timer is None or at < self._timer.when():
            self._stop_timer()
            self._timer = self._loop.call_at(at, self._begin)

    def hold(self) -> None:
        """From now on, commit nothing before the end unless somebody waits for it."""
        self._held = True
        self._stop_timer()

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
        """Commit what was noted, unless a commit is under way: then its end begins the next one."""
        self._scheduled = False
        self._stop_timer()
        if self._commit is not None or self.failed is not None or self._over:
            return
        if self._too_large():
            self._refuse(LimitExceeded(_TOO_LARGE))
            return
        bodies = self._encode_some()
        if len(bodies) < len(self.events):
            commit, waiters = self._part(bodies), []
            kept = _News(events=self.events[: len(bodies)])
            del self.events[: len(bodies)]
        else:
            commit, waiters, kept = self._take(bodies, None), self._waiters, self._news()
            self._waiters = []
            self._clear()
        self._commit = asyncio.ensure_future(self._ledger.commit(commit))
        self._commit.add_done_callback(lambda done: self._finish(done, waiters, kept))

    def _finish(self, done: asyncio.Future[None], waiters: list[asyncio.Future[None]], kept: "_News") -> None:
        self._commit = None
        error = StaleEpoch() if done.cancelled() else done.exception()
        if error is not None:
            self._restore(kept)
            self._refuse(error if isinstance(error, Exception) else StaleEpoch())
            return
        self._claimed = True
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        if self._waiters:
            self._schedule()
        elif not self.empty:
            self.linger()

    def _refuse(self, error: Exception) -> None:
        """Commit nothing more until the end, and tell the run why."""
        self.failed = error
        self._refused(error)

    def _news(self) -> "_News":
        return _News(
            self.events,
            self.checkpoints,
            self.blobs,
            self.writes,
            self.raised,
            self.applied,
            self.trouble,
            progressed=self.progressed,
        )

    def _restore(self, kept: "_News") -> None:
        """Put refused news back in front of newer ones."""
        self.events = kept.events + self.events
        self.checkpoints = kept.checkpoints + self.checkpoints
        self.blobs = kept.blobs + self.blobs
        self.writes = kept.writes + self.writes
        self.raised = kept.raised + self.raised
        self.applied = kept.applied + self.applied
        self.trouble = self.trouble or kept.trouble
        self.progressed = kept.progressed or self.progressed

    async def end(self, end: RunEnd) -> None:
        """Commit what is left together with the end of the run.

        After a cancel, steps that wait to start never did. After another refusal only the end is told: what was
        refused would be refused again.
        """
        while self._commit is not None:
            await asyncio.wait([self._commit])
            await asyncio.sleep(0)  # Lets the commit's callback run first.
        self._over = True
        self._stop_timer()
        if isinstance(self.failed, CancelAccepted):
            self.events = [event for event in self.events if not isinstance(event.what, StepStarted)]
        elif self.failed is not None:
            self._clear()
        elif self._too_large():
            self._clear()
            end = RunFailed(Failure(Reason.LIMIT_EXCEEDED, _TOO_LARGE, LimitExceeded.__name__))
        self.starts = False
        while len(bodies := self._encode_some()) < len(self.events):
            await self._ledger.commit(self._part(bodies))
            self._claimed = True
            del self.events[: len(bodies)]
        await self._ledger.commit(self._take(bodies, end))

    def abandon(self) -> None:
        """Commit nothing more, and wait for no commit: somebody else owns the workflow."""
        self._over = True
        self._stop_timer()
        if self._commit is not None:
            self._commit.cancel()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_large(self) -> bool:
        """Whether the rows to save are more than one commit may carry."""
        size = sum(len(row.body.body) + len(row.metadata.body) for row in self.checkpoints)
        size += sum(len(row.blob.body) for row in self.blobs) + sum(len(row.blob.body) for row in self.writes)
        return size > SAVED_BYTES_MAX

    def _encode_some(self) -> list[EncodedEvent]:
        """The public form of the first events, as many as one commit may carry."""
        workflow_id, encode = self._workflow.workflow_id, self._codec.encode_event
        bodies: list[EncodedEvent] = []
        left = EVENT_BYTES_MAX
        for event in self.events[:EVENTS_MAX]:
            bodies.append(EncodedEvent(encode(workflow_id, event), isinstance(event.what, TokenDelta)))
            left -= len(bodies[-1].body)
            if left < 0:
                break
        return bodies

    def _part(self, bodies: list[EncodedEvent]) -> RunCommit:
        """A commit of the first events and nothing else: the first part of news that are too many for one."""
        return self._told_by(bodies, self._shown.after(self.events[: len(bodies)]))

    def _told_by(self, bodies: list[EncodedEvent], shown: Shown, **more: Any) -> RunCommit:
        """A commit of events, of what the row shows after them, and of more."""
        self._shown = shown
        return RunCommit(
            project=self._workflow.project,
            workflow_id=self._workflow.workflow_id,
            epoch=self._workflow.epoch,
            at=self._clock.now(),
            events=tuple(bodies),
            steps=tuple(shown.steps.values()),
            fraction=shown.fraction,
            headline=shown.headline,
            claims=not self._claimed,
            starts=self.starts,
            **more,
        )

    def _take(self, bodies: list[EncodedEvent], end: RunEnd | None) -> RunCommit:
        """A commit of all that was noted."""
        saved = Saved(checkpoints=tuple(self.checkpoints), blobs=tuple(self.blobs), writes=tuple(self._needed_writes()))
        return self._told_by(
            bodies,
            Shown(dict(self.steps), self.fraction, self.headline),
            saved=saved,
            raised=tuple(self.raised),
            applied=tuple(self.applied),
            trouble=self.trouble,
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
