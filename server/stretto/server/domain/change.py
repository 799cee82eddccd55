"""What a store writes: whole changes, each in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass

from stretto.server.domain.clock import Micros
from stretto.server.domain.event import Event, StoredEvent
from stretto.server.domain.payload import Payload
from stretto.server.domain.workflow import Failure, Interrupt, Step, Workflow


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes of LangGraph's serializer with their type tag."""

    tag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ChannelBlob:
    """A channel value that is kept outside of its checkpoint, once per version."""

    namespace: str
    channel: str
    version: str
    blob: Blob


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One saved state of a graph. `channels` names the blobs that belong to it."""

    namespace: str
    checkpoint_id: str
    parent_id: str
    superstep: int
    source: str
    created_at: Micros
    body: Blob
    metadata: Blob
    channels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """What a finished task wrote, kept until its superstep ends."""

    namespace: str
    checkpoint_id: str
    task_id: str
    index: int
    channel: str
    blob: Blob
    task_path: str = ""


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A checkpoint with all that is needed to load it."""

    checkpoint: Checkpoint
    blobs: tuple[ChannelBlob, ...]
    writes: tuple[PendingWrite, ...]


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """An event in its public form, all but its sequence. `is_text` tells that a language model streamed it."""

    body: bytes
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class CheckpointCopy:
    """Checkpoints to copy from another workflow: one of the outermost graph's, its ancestors, and subgraphs'.

    `with_writes` copies the pending writes of the newest one too, and the checkpoints that subgraphs have made since,
    so that nothing which has an outcome runs again.
    """

    workflow_id: str
    checkpoint_id: str
    with_writes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """Rows for LangGraph's checkpointer."""

    checkpoints: tuple[Checkpoint, ...] = ()
    blobs: tuple[ChannelBlob, ...] = ()
    writes: tuple[PendingWrite, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One workflow's new row and what goes with it. The store numbers the events and sets `last_sequence`."""

    workflow: Workflow
    created: bool = False
    events: tuple[Event | EncodedEvent, ...] = ()
    interrupts: tuple[Interrupt, ...] = ()
    saved: Saved = Saved()
    copied: CheckpointCopy | None = None


Decide = Callable[[Workflow, tuple[Interrupt, ...]], tuple[Change, ...]]
"""A pure function from a workflow and its interrupts to changes; it refuses by raising a StrettoError. A store may
call it more than once. No change means that nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Request:
    """A caller's name for a request, and a digest of what it asks for."""

    request_id: str
    digest: bytes
    at: Micros


@dataclass(frozen=True, slots=True)
class Committed:
    """A durable outcome: the workflow now, and whether this call did it or an earlier one with its request id."""

    workflow: Workflow
    fresh: bool


@dataclass(frozen=True, slots=True)
class Publication:
    """What a commit made public: a workflow's row and its new events."""

    workflow: Workflow
    events: tuple[StoredEvent, ...]


@dataclass(frozen=True, slots=True)
class RunSucceeded:
    """The graph came to its end."""

    result: Payload


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The graph failed, or its result breaks the contract."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class RunPaused:
    """The graph waits for decisions."""


@dataclass(frozen=True, slots=True)
class RunReleased:
    """The executor hands the workflow back, unfinished, because it shuts down."""


@dataclass(frozen=True, slots=True)
class RunCancelled:
    """The executor stopped the graph because of a cancel."""


RunEnd = RunSucceeded | RunFailed | RunPaused | RunReleased | RunCancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommit:
    """What an executor has to say about a workflow that it owns: one fenced transaction.

    `claims` tells that the workflow is still queued and becomes the executor's by this commit, which is the first of a
    run; `starts` that steps are about to start, which a cancel forbids; `progressed` that one finished;
    `trouble` is the newest failed attempt of a step since the last commit.
    """

    project: str
    workflow_id: str
    epoch: int
    at: Micros
    events: tuple[EncodedEvent, ...] = ()
    saved: Saved = Saved()
    raised: tuple[Interrupt, ...] = ()
    applied: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    fraction: float | None = None
    headline: str | None = None
    trouble: Failure | None = None
    claims: bool = False
    starts: bool = False
    progressed: bool = False
    end: RunEnd | None = None
