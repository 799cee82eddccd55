"""Routes: into which queue a workflow goes, so that only those take it who have its type and version."""

import hashlib
import random
from collections.abc import Iterable, Sequence

from stretto.server.domain.member import Member, Presence
from stretto.server.domain.session import TURN
from stretto.server.domain.workflow_type import WorkflowType

DEADLINES = "deadlines"
"""The queue of deadlines, which all members serve."""

TypeName = tuple[str, str]
"""Name and version of a workflow type."""


def queue_of(types: Iterable[TypeName], only: str = "") -> str:
    """The queue of all members that run exactly these types; a type with a limit of its own has one for itself.

    Turns have their own, since servers run them and workers do not.
    """
    if only == TURN:
        return "turns:" + _digest(one for one in types if one[0] == TURN)
    name = "run:" + _digest(one for one in types if one[0] != TURN)
    return f"{name}:{only}" if only else name


def _digest(types: Iterable[TypeName]) -> str:
    text = "\n".join(f"{name} {version}" for name, version in sorted(types))
    return hashlib.blake2s(text.encode(), digest_size=8).hexdigest()


class Routes:
    """Chooses among those who could run a workflow."""

    def __init__(self, types: Iterable[WorkflowType]) -> None:
        self._limited = {(info.name, info.version) for info in types if info.concurrency_max}

    def is_limited(self, workflow_type: str, version: str) -> bool:
        """Whether a type has a queue of its own. Turns always have, also as those see it who run none."""
        return workflow_type == TURN or (workflow_type, version) in self._limited

    def queue_for(self, workflow_type: str, version: str, presences: Sequence[Presence]) -> str | None:
        """The queue of a member that has this type and version, by chance and by room; None when nobody has it."""
        fit = [
            presence.member
            for presence in presences
            if presence.is_alive and not presence.member.draining and (workflow_type, version) in presence.member.types
        ]
        if not fit:
            return None
        (chosen,) = random.choices(fit, [_room(member) for member in fit])  # noqa: S311 - Nothing to guess here.
        return queue_of(chosen.types, workflow_type if self.is_limited(workflow_type, version) else "")


def _room(member: Member) -> int:
    return max(1, member.concurrency_max - member.running)
