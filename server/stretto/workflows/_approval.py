"""Asking a person whether a proposal is good: the question, the answer, and when to stop asking."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from langgraph.types import interrupt
from pydantic import BaseModel, ConfigDict

EDITS_MAX = 5
"""Rounds of edits. Whoever is not content after so many is better off with a new workflow."""


class Verdict(StrEnum):
    """What to do with a proposal, as the contracts name it."""

    APPROVE = "VERDICT_APPROVE"
    REJECT = "VERDICT_REJECT"
    EDIT = "VERDICT_EDIT"


class Answer(BaseModel):
    """A decision: a verdict, its reason, and what an edit changes."""

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    reason: str = ""
    changes: Mapping[str, Any] = {}


def ask(question: str, proposal: str, editable: Mapping[str, Any], edits: int) -> Answer:
    """Ask, and wait for as long as it takes. An edit too many is taken for a rejection.

    Args:
        question: One plain sentence.
        proposal: What is to be decided, in short.
        editable: What an edit may change, with its present values.
        edits: How many rounds of edits there were.
    """
    last = edits >= EDITS_MAX
    shown = {"question": question, "proposal": proposal, "options": ["approve", "reject"]}
    decided = interrupt(shown if last else {**shown, "options": [*shown["options"], "edit"], "editable": editable})
    answer = read(decided)
    if answer.verdict is Verdict.EDIT and last:
        return Answer(verdict=Verdict.REJECT, reason=f"No agreement after {EDITS_MAX} edits: {answer.reason}")
    return answer


def read(decided: Mapping[str, Any]) -> Answer:
    """A decision message's fields as an answer. What is unset, unspecified or empty changes nothing."""
    changes = {
        name: value
        for name, value in decided.items()
        if name not in ("verdict", "reason") and value not in (None, "", [], {}) and not _is_unspecified(value)
    }
    return Answer(verdict=decided["verdict"], reason=decided.get("reason", ""), changes=changes)


def _is_unspecified(value: Any) -> bool:
    return isinstance(value, str) and value.endswith("_UNSPECIFIED")
