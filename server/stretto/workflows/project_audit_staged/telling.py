"""What watchers are told of a role, in the words of the queries of `project_audit`."""

from collections.abc import Mapping
from typing import Any

from stretto.workflows.project_audit.graph import tell
from stretto.workflows.project_audit.performance import duration
from stretto.workflows.project_audit_staged.roles import Role

_REACHED_FIRST, _REACHED_LAST = 0.05, 0.95


class Telling:
    """Tells of one role; its share of the whole is as large as that of each other one."""

    def __init__(self, role: Role, number: int, count: int) -> None:
        self._role = role
        self._number, self._count = number, count
        self._part = 0.0

    def started(self, seconds_max: float) -> None:
        """It is being asked."""
        self._tell(f"The {self._role.title} begins", started={"timeout": duration(seconds_max)})

    def advanced(self, part: float) -> None:
        """It is so far, unless it was already."""
        if part > self._part:
            self._part = part
            self._tell(f"{self._role.name}: {part:.0%}", advanced={"fraction": part})

    def succeeded(self, seconds: float, found: Mapping[str, Any]) -> None:
        """It is done."""
        self._part = 1.0
        told = {"latency": duration(seconds), "attempts": 1}
        self._tell(f"The {self._role.title} took {seconds:.2f} s", found, succeeded=told)

    def failed(self, seconds: float, message: str) -> None:
        """It is not, and so the audit fails."""
        told = {
            "reason": "BRANCH_FAILURE_REASON_ERROR",
            "message": message,
            "latency": duration(seconds),
            "attempts": 1,
        }
        self._tell(f"The {self._role.title} failed: {message}", failed=told)

    def _tell(self, message: str, found: Mapping[str, Any] | None = None, **happened: Mapping[str, Any]) -> None:
        share = (self._number + self._part) / self._count
        fraction = _REACHED_FIRST + (_REACHED_LAST - _REACHED_FIRST) * share
        branch = {"source": self._role.name, **happened}
        tell(fraction, message, self._role.stage, branch=branch, **(found or {}))
