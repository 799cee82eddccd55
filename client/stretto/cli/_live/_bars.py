"""Bars: shares of work, and branches of a fan-out with their words."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from stretto.cli._live._branch import BranchStatus, BranchView, after
from stretto.cli._live._step import StepStatus, StepView
from stretto.cli._live._words import SIGNS, elapsed, one_line
from stretto.cli._words import percent
from stretto.fanout.v1.fanout_pb2 import BranchFailureReason, BranchProgress

__all__ = [
    "answers_words",
    "bar",
    "branch_bar",
    "branch_line",
    "branch_sign",
    "branch_words",
    "failures_words",
    "squeezed",
]

_DONE, _TIME, _LEFT = "━", "╍", "─"
_EXACT_SECONDS, _MINUTE = 0.01, 60
_AT_ONCE_SECONDS: Final = 0.00005
"""What would be shown as a time of 0."""

_OUTCOMES: Final = {BranchStatus.SUCCEEDED: StepStatus.FINISHED, BranchStatus.FAILED: StepStatus.FAILED}
_FAILURES: Final = {
    BranchFailureReason.BRANCH_FAILURE_REASON_TIMEOUT: "timed out",
    BranchFailureReason.BRANCH_FAILURE_REASON_TOTAL_TIMEOUT: "given up",
    BranchFailureReason.BRANCH_FAILURE_REASON_WRONG_TYPE: "wrong answer",
}


def bar(fraction: float, cells: int, style: str = "cyan", sign: str = _DONE) -> Text:
    """A bar that is full up to a share."""
    full = round(min(1.0, max(0.0, fraction)) * cells)
    return Text.assemble((sign * full, style), (_LEFT * (cells - full), "bright_black"))


def branch_sign(step: StepView) -> tuple[str, str]:
    """Sign and colour of a step that is a branch: a step may well complete when its source has failed."""
    outcome = _OUTCOMES.get(step.branch.status) if step.branch is not None else None
    return SIGNS[outcome or step.status]


def branch_bar(branch: BranchView, now: float, cells: int) -> Text:
    """A branch's own bar: its share where it tells one, and else its time, which is no promise of an answer."""
    if branch.status is BranchStatus.SUCCEEDED:
        return bar(1.0, cells, "green")
    if branch.status is BranchStatus.FAILED:
        return bar(1.0, cells, "red")
    if branch.fraction is not None:
        return bar(branch.fraction, cells)
    return bar(_waited(branch, now) / branch.timeout if branch.timeout else 0.0, cells, "dim", _TIME)


def branch_words(branch: BranchView, now: float) -> str:
    """What there is to say of a branch, beside its name."""
    attempts = f" ({branch.attempts} attempts)" if branch.attempts > 1 else ""
    if branch.status is BranchStatus.SUCCEEDED:
        return f"answered {_within(branch.latency)}{attempts}"
    if branch.status is BranchStatus.FAILED:
        why = f": {one_line(branch.message)}" if branch.message else ""
        what = _FAILURES.get(branch.reason, "failed")  # type: ignore[call-overload]
        # One that was never asked has taken no time.
        after_all = f" after {lasted(branch.latency)}" if branch.latency >= _AT_ONCE_SECONDS else ""
        return f"{what}{after_all}{attempts}{why}"
    share = percent(branch.fraction).ljust(4) if branch.fraction is not None else ""
    return "  ".join(filter(None, (share, _clock(branch, now))))


def answers_words(branches: Sequence[BranchView]) -> str:
    """What there is to say of several that answered."""
    latencies = sorted(branch.latency for branch in branches)
    first, last = lasted(latencies[0]), lasted(latencies[-1])
    if first == last:
        return f"answered {_within(latencies[-1])}"
    return f"answered in {first} to {last}" if latencies[0] >= _AT_ONCE_SECONDS else f"answered in at most {last}"


def failures_words(branches: Sequence[BranchView]) -> str:
    """What there is to say of several that failed."""
    what = Counter(_FAILURES.get(branch.reason, "failed") for branch in branches)  # type: ignore[call-overload]
    return ", ".join(f"{count} {words}" if len(what) > 1 else words for words, count in what.items())


def branch_line(told: BranchProgress, message: str) -> str:
    """What a branch tells, in words of its own; how far it is has those of its event too."""
    branch = after(None, told, 0.0)
    words = branch_words(branch, 0.0)
    if told.HasField("started"):
        words = f"asked, {elapsed(branch.timeout)} at most" if branch.timeout else "asked"
    elif told.HasField("advanced"):
        words = " ".join((words.rstrip(), one_line(message))).rstrip()
    # Who is free to choose a source's name may choose one that reads like a word of ours.
    return f"{one_line(branch.name)}: {words}"


def squeezed(name: str, cells: int) -> str:
    """A name in so many cells. What is too long loses its middle: items mostly differ in their ends."""
    if cell_len(name) <= cells:
        return set_cell_size(name, cells)
    first, last = (cells - 1) // 2, cells // 2
    return f"{set_cell_size(name, first)}…{set_cell_size(name[::-1], last)[::-1]}"


def lasted(seconds: float) -> str:
    """How long an answer took: in seconds, so that branches compare at a glance, unless those would be noughts."""
    if seconds >= 1:
        return elapsed(seconds)
    return f"{seconds:.2f} s" if seconds >= _EXACT_SECONDS else f"{max(seconds, 0.0) * 1e3:.1f} ms"


def _within(seconds: float) -> str:
    return f"in {lasted(seconds)}" if seconds >= _AT_ONCE_SECONDS else "at once"


def _clock(branch: BranchView, now: float) -> str:
    if branch.status is BranchStatus.WAITING or not branch.asked_at:
        return ""
    waited = _waited(branch, now)
    if not branch.timeout:
        return elapsed(waited)
    unit = " s" if max(waited, branch.timeout) < _MINUTE else ""
    return f"{elapsed(waited).removesuffix(unit)} of {elapsed(branch.timeout)}"


def _waited(branch: BranchView, now: float) -> float:
    return max(now - branch.asked_at, 0.0) if branch.asked_at else 0.0
