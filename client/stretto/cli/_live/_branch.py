"""What a watcher knows of one branch of a fan-out: how a source that is asked beside others does."""

import enum
from dataclasses import dataclass, replace
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from stretto.fanout.v1.fanout_pb2 import BranchFailureReason, BranchProgress

__all__ = ["BranchStatus", "BranchView", "after", "branch_in"]

_FIELD: Final = "branch"


class BranchStatus(enum.Enum):
    """What a branch does now."""

    WAITING = "waiting"
    """Its step was taken up again, and has not asked yet."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BranchView:
    """One branch: what it told last. Times are seconds, moments are since 1970 by the server's clock."""

    source: str
    item: str = ""
    status: BranchStatus = BranchStatus.RUNNING
    asked_at: float = 0.0
    """When the source was asked; 0 where that was not seen."""
    timeout: float = 0.0
    """How long it may take; 0 where that was not told."""
    fraction: float | None = None
    latency: float = 0.0
    attempts: int = 0
    """How many it took; told at the end."""
    reason: int = BranchFailureReason.BRANCH_FAILURE_REASON_UNSPECIFIED
    message: str = ""
    """Why it failed."""

    @property
    def name(self) -> str:
        """What tells it apart from the branches beside it."""
        return f"{self.source} · {self.item}" if self.item else self.source

    def again(self, *, retried: bool) -> "BranchView":
        """The same branch in its step's next attempt: its time goes on over retries, and begins anew after a break."""
        return replace(self, fraction=None) if retried else BranchView(self.source, self.item, BranchStatus.WAITING)


def branch_in(detail: Any) -> BranchProgress | None:
    """What a decoded progress detail says of a branch; None where it is about something else."""
    told = _of_message(detail) if isinstance(detail, Message) else _of_fields(detail)
    return told if told is not None and told.source and told.WhichOneof("kind") else None


def _of_message(detail: Message) -> BranchProgress | None:
    field = detail.DESCRIPTOR.fields_by_name.get(_FIELD)
    wanted = BranchProgress.DESCRIPTOR.full_name
    if field is None or field.is_repeated or field.message_type is None or field.message_type.full_name != wanted:
        return None
    # Its class may be one that was made of the server's descriptors.
    return BranchProgress.FromString(getattr(detail, _FIELD).SerializeToString())


def _of_fields(detail: Any) -> BranchProgress | None:
    found = detail.get(_FIELD) if isinstance(detail, dict) else None
    if not isinstance(found, dict):
        return None
    try:
        return ParseDict(found, BranchProgress(), ignore_unknown_fields=True)
    except ParseError:
        return None  # A graph may mean anything by a branch.


def after(branch: BranchView | None, told: BranchProgress, at: float) -> BranchView:
    """The branch once it has told something; the first that is heard of it makes it."""
    if branch is None or (branch.source, branch.item) != (told.source, told.item):
        branch = BranchView(told.source, told.item)
    match told.WhichOneof("kind"):
        case "started":
            timeout = _seconds(told.started.timeout)
            return BranchView(branch.source, branch.item, asked_at=at, timeout=timeout)
        case "advanced":
            # In this order NaN becomes 0.
            fraction = min(1.0, max(0.0, told.advanced.fraction))
            return replace(branch, status=BranchStatus.RUNNING, fraction=fraction)
        case "succeeded":
            took, attempts = _seconds(told.succeeded.latency), told.succeeded.attempts
            return replace(branch, status=BranchStatus.SUCCEEDED, latency=took, attempts=attempts)
        case "failed":
            return _failed(branch, told)
    return branch


def _failed(branch: BranchView, told: BranchProgress) -> BranchView:
    return replace(
        branch,
        status=BranchStatus.FAILED,
        latency=_seconds(told.failed.latency),
        attempts=told.failed.attempts,
        reason=told.failed.reason,
        message=told.failed.message,
    )


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9
