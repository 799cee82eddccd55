"""What a check found out."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Verdict(enum.Enum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was measured, what that means, and what to do about it."""

    check: str
    verdict: Verdict
    measured: str
    advice: str = ""
    """Empty when there is nothing to do."""
    values: Mapping[str, object] = field(default_factory=dict)
    """The same as numbers, for programs."""


def ok(check: str, measured: str, **values: object) -> Finding:
    """All is well."""
    return Finding(check, Verdict.OK, measured, values=values)


def warn(check: str, measured: str, advice: str, **values: object) -> Finding:
    """It works, but somebody should look at it."""
    return Finding(check, Verdict.WARN, measured, advice, values)


def bad(check: str, measured: str, advice: str, **values: object) -> Finding:
    """It does not work, or will not for long."""
    return Finding(check, Verdict.BAD, measured, advice, values)
