"""A person's yes or no as the message that a question wants."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from stretto.cli._exits import CommandError
from stretto.cli._live import WorkflowView
from stretto.workflow.v1.workflow_pb2 import Interrupt

__all__ = ["Asked", "chosen", "decision"]

_YES: Final = frozenset({"APPROVE", "APPROVED", "ACCEPT", "ACCEPTED", "CONFIRM", "CONFIRMED", "YES", "OK"})
_NO: Final = frozenset({"REJECT", "REJECTED", "DECLINE", "DECLINED", "DENY", "DENIED", "REFUSE", "REFUSED", "NO"})
_REASONS: Final = frozenset({"reason", "comment", "note"})
_JSON: Final = frozenset('{["')


@dataclass(frozen=True, slots=True)
class Asked:
    """An open question, and whose it is."""

    workflow_id: str
    workflow_type: str
    interrupt: Interrupt

    def is_meant_by(self, word: str) -> bool:
        """Whether somebody may call it so."""
        return word in {self.workflow_id, self.workflow_type, self.interrupt.interrupt_id}


def chosen(views: Iterable[WorkflowView], words: str) -> tuple[Asked, str]:
    """The question that is answered, and the answer: the question is named first where there are several."""
    asked = [
        Asked(view.workflow_id, view.workflow_type, interrupt)
        for view in views
        for interrupt in view.questions.values()
    ]
    first, _, rest = words.partition(" ")
    meant = [one for one in asked if one.is_meant_by(first)]
    answer = rest.strip() if meant else words
    found = meant or asked
    if not found:
        raise CommandError("nobody asks anything now; /status shows what runs")
    if len(found) > 1:
        raise CommandError(f"{len(found)} questions are open; {_nobody(first)}say which: {_named(found)}")
    if not answer:
        raise CommandError("the answer is missing: /decide yes, /decide no REASON, or /decide JSON")
    return found[0], answer


def decision(answer: str, wanted: Descriptor | None) -> Any:
    """An answer as the values of a decision: yes and no become what the message has for them, all else is JSON."""
    first, _, reason = answer.partition(" ")
    if first.lower() in {"yes", "no"}:
        return _yes_or_no(first.lower() == "yes", reason.strip(), wanted)
    try:
        return json.loads(answer)
    except json.JSONDecodeError:
        told = f"{first!r} is neither yes nor no, no JSON, and no workflow that asks; without /decide it is a message"
        raise CommandError(told) from None


def _yes_or_no(yes: bool, reason: str, wanted: Descriptor | None) -> Any:  # noqa: FBT001 - It is the value itself.
    if wanted is None:
        # As the orchestrator does, so that a graph need not know how it was told.
        return {"approved": yes} | ({"comment": reason} if reason else {})
    value = next((found for field in wanted.fields if (found := _value(field, yes=yes)) is not None), None)
    if value is None:
        raise CommandError(f"{wanted.full_name} has no plain yes or no; give it as JSON: /decide JSON")
    return value | _reason(wanted, reason)


def _value(field: FieldDescriptor, *, yes: bool) -> dict[str, Any] | None:
    """The field that says yes or no; None for any other one."""
    if field.is_repeated:
        return None
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return {field.name: yes}
    name = _constant(field.enum_type, _YES if yes else _NO) if field.enum_type is not None else None
    return None if name is None else {field.name: name}


def _constant(enum: EnumDescriptor, words: frozenset[str]) -> str | None:
    """The one value of an enum whose last word means it."""
    found = [value.name for value in enum.values if value.name.rpartition("_")[2] in words]
    return found[0] if len(found) == 1 else None


def _reason(wanted: Descriptor, reason: str) -> dict[str, str]:
    if not reason:
        return {}
    for field in wanted.fields:
        if field.name in _REASONS and field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            return {field.name: reason}
    raise CommandError(f"{wanted.full_name} takes no reason; give the decision as JSON: /decide JSON")


def _nobody(word: str) -> str:
    """What to say of a word that should have named a workflow."""
    return f"{word!r} is none of them; " if word and word[0] not in _JSON and word.lower() not in {"yes", "no"} else ""


def _named(asked: Sequence[Asked]) -> str:
    """What tells them apart: the types, or else the ids."""
    if len({one.workflow_type for one in asked}) == len(asked):
        return ", ".join(one.workflow_type for one in asked)
    several = len({one.workflow_id for one in asked}) < len(asked)
    return ", ".join(one.interrupt.interrupt_id if several else one.workflow_id for one in asked)
