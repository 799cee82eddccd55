"""What the orchestrator says of what it has done, in plain words."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from stretto.orchestrator.brief import JsonObject
from stretto.orchestrator.desk import Done, Refused

_VOWELS = frozenset("aeiouy")
_NO_WORDS = ("reject", "no", "deny", "decline", "refuse")
_REASONS = ("reason", "comment", "note", "remark", "feedback", "explanation", "message", "why", "justification")
_TOLD = {"approved": "Approved", "rejected": "Rejected", "changed": "I have passed your changes on"}
_GONE = {
    "InterruptNotFound": "that question is not open any more",
    "WorkflowEnded": "it has ended already",
    "WorkflowNotFound": "it is not there any more",
    "UnknownWorkflowType": "there is no such workflow",
}


def title(workflow_type: str) -> str:
    """A name in plain words: `exercise_planning` is exercise planning, and `hr_onboarding` HR onboarding."""
    words = workflow_type.replace("_", " ").replace("-", " ").split()
    return " ".join(word if set(word.lower()) & _VOWELS or not word.isalpha() else word.upper() for word in words)


def launched(wanted: Sequence[str], outcomes: Sequence[Done | Refused]) -> str:
    """What was started, and what could not be."""
    started = [outcome.workflow_type for outcome in outcomes if isinstance(outcome, Done)]
    parts = []
    if started:
        parts.append(f"I have started {_and(map(title, started))}. Ask me at any time how it is going.")
    for name, outcome in zip(wanted, outcomes, strict=True):
        if isinstance(outcome, Refused):
            parts.append(f"I could not start {title(name)}: {_why(outcome)}")
    return " ".join(parts)


def decided(decisions: Sequence[JsonObject], outcomes: Sequence[Done | Refused]) -> str:
    """What was decided, and what could not be."""
    parts = []
    for decision, outcome in zip(decisions, outcomes, strict=True):
        if isinstance(outcome, Done):
            told = _TOLD.get(_verdict(decision), "I have passed your decision on")
            goes_on = "has been told" if told == "Rejected" else "goes on"
            parts.append(f"{told}: {title(outcome.workflow_type)} {goes_on}.")
        else:
            parts.append(f"I could not pass your decision on: {_why(outcome)}")
    return " ".join(parts)


def cancelled(outcomes: Sequence[Done | Refused]) -> str:
    """What was cancelled, and what could not be."""
    done = [title(outcome.workflow_type) for outcome in outcomes if isinstance(outcome, Done)]
    parts = [f"I have cancelled {_and(done)}."] if done else []
    parts += [f"I could not cancel it: {_why(outcome)}" for outcome in outcomes if isinstance(outcome, Refused)]
    return " ".join(parts)


def timestamp(micros: int) -> str:
    """A time as protobuf's JSON form has it."""
    return dt.datetime.fromtimestamp(micros / 1_000_000, tz=dt.UTC).isoformat()


def _verdict(decision: Any) -> Literal["approved", "rejected", "changed", ""]:
    """What a decision means to people; nothing where it does not say."""
    values = decision if isinstance(decision, Mapping) else {"": decision}
    # What says why is in somebody's own words: `I changed my mind` is no change, and `no pain` no no.
    told = (value for key, value in values.items() if key not in _REASONS and isinstance(value, str | bool))
    words = " ".join(str(value).lower() for value in told)
    for key, value in values.items():
        if isinstance(value, bool) and key in ("", "approved", "approve", "accepted", "ok"):
            return "approved" if value else "rejected"
    if "edit" in words or "change" in words:
        return "changed"
    if any(word in words.split() or f"_{word}" in words for word in _NO_WORDS):
        return "rejected"
    return "approved" if "approve" in words or "accept" in words else ""


def _why(refused: Refused) -> str:
    """A refusal in words that a user can act on."""
    if refused.reason == "AlreadyDecided":
        won = _verdict(refused.winner)
        return f"it has been {won} already." if won else "it has been decided already."
    if refused.fields:
        return _and(f"{title(field) or 'it'} {fault}" for field, fault in refused.fields[:3]) + "."
    known = _GONE.get(refused.reason)
    return f"{known}." if known else refused.text


def _and(parts: Iterable[Any]) -> str:
    *first, last = [str(part) for part in parts]
    return f"{', '.join(first)} and {last}" if first else last


__all__ = ["cancelled", "decided", "launched", "timestamp", "title"]
