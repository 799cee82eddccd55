"""Members: the processes that share a store, and what each of them owns."""

import enum
from dataclasses import dataclass

from stretto.server.domain.clock import Micros


class MemberKind(enum.IntEnum):
    """What a member is there for; the numbers are those of the protos."""

    SERVER = 1
    WORKER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A process that shares the store with others, as it tells of itself whenever it renews its lease.

    As long as it does so, the workflows that it owns are its own; they are anybody's when it was silent for a lease.
    """

    member_id: str
    kind: MemberKind
    lease: Micros
    version: str
    """The release of Stretto that it runs."""
    types: tuple[tuple[str, str], ...] = ()
    """Name and version of the workflow types that it runs."""
    address: str = ""
    """Where it takes calls; a worker takes none."""
    joined_at: Micros = 0
    running: int = 0
    concurrency_max: int = 0
    draining: bool = False


@dataclass(frozen=True, slots=True)
class Presence:
    """A member, and for how long it has not renewed its lease, by the store's clock."""

    member: Member
    silent_for: Micros

    @property
    def is_alive(self) -> bool:
        """Whether its lease holds."""
        return self.silent_for < self.member.lease


@dataclass(frozen=True, slots=True)
class Owned:
    """A running workflow under the epoch of its owner."""

    project: str
    workflow_id: str
    epoch: int
    cancel_requested: bool
