"""What an audit took: times of its queries, what was gained by asking side by side, tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stretto.workflows.project_audit.spent import Spent, total


@dataclass(frozen=True, slots=True)
class Timed:
    """One query, or one role: how it ended, and what it took."""

    name: str
    succeeded: bool
    seconds: float


def performance_of(timed: Sequence[Timed], seconds: float, spent: Mapping[str, Spent]) -> dict[str, Any]:
    """The contract's figures.

    Args:
        timed: All queries, or roles.
        seconds: From the start of the first to the end of the last one.
        spent: What each of them spent.
    """
    together = total(spent.values())
    succeeded = sum(each.succeeded for each in timed)
    return {
        "total": duration(seconds),
        "queries": [_query(each, spent.get(each.name, Spent())) for each in timed],
        "parallel_efficiency_percent": round(efficiency_of(timed, seconds), 1),
        "prompt_tokens": together.prompt,
        "answer_tokens": together.answer,
        "tokens_counted": together.counted,
        "queries_run": len(timed),
        "queries_succeeded": succeeded,
        "queries_failed": len(timed) - succeeded,
    }


def efficiency_of(timed: Sequence[Timed], seconds: float) -> float:
    """The times added up, in percent of the time that it took."""
    return 100 * sum(each.seconds for each in timed) / seconds if seconds else 100.0


def duration(seconds: float) -> str:
    """Seconds as contracts have them."""
    return f"{seconds:.6f}s"


def _query(timed: Timed, spent: Spent) -> dict[str, Any]:
    return {
        "name": timed.name,
        "succeeded": timed.succeeded,
        "duration": duration(timed.seconds),
        "prompt_tokens": spent.prompt,
        "answer_tokens": spent.answer,
    }
