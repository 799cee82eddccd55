"""What the watcher of one workflow lived through, and whether its journal says the same."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Self

from stretto.client import Client, WorkflowHandle
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent


@dataclass(slots=True)
class Story:
    """One workflow as it was seen live."""

    handle: WorkflowHandle[Any]
    began: float
    acknowledged_ms: float
    first_event_ms: float = 0.0
    seconds: float = 0.0
    breaks: int = 0
    seen: list[bytes] = field(default_factory=list)

    @classmethod
    async def begin(cls, client: Client, workflow_type: str, value: Any) -> Self:
        """Start a workflow, and measure how long its acknowledgement takes."""
        began = time.perf_counter()
        handle = await client.start(workflow_type, value)
        return cls(handle, began, (time.perf_counter() - began) * 1e3)

    @property
    def name(self) -> str:
        """The workflow's type."""
        return self.handle.workflow.workflow_type if self.handle.workflow else ""

    def take(self, event: ProgressEvent) -> None:
        """The next event that was seen, as the bytes that it came in."""
        self.seconds = time.perf_counter() - self.began
        self.first_event_ms = self.first_event_ms or self.seconds * 1e3
        self.seen.append(_bytes(event))


@dataclass(frozen=True, slots=True)
class Verdict:
    """A story beside the journal, which was read again from its beginning over another connection."""

    story: Story
    events: int
    missed: int
    """Events of the journal that were not seen, or not in their place, or with other bytes."""
    surplus: int
    """Events that were seen and that the journal does not have, or has once and were seen twice."""
    end: str

    @property
    def good(self) -> bool:
        """Whether each event was seen once, in order, and the last one told of success."""
        return not self.missed and not self.surplus and self.end == "completed"


async def judge(story: Story, client: Client) -> Verdict:
    """Compare what was seen with what is durable."""
    journal = [event async for event in client.handle(story.handle.id).watch()]
    same = in_common(story.seen, [_bytes(event) for event in journal])
    end = journal[-1].WhichOneof("kind") if journal else None
    return Verdict(story, len(journal), len(journal) - same, len(story.seen) - same, end or "")


def in_common(seen: Sequence[bytes], durable: Sequence[bytes]) -> int:
    """How many events both have, in the same order, byte for byte."""
    matcher = SequenceMatcher(None, seen, durable, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks())


def _bytes(event: ProgressEvent) -> bytes:
    return event.SerializeToString(deterministic=True)
