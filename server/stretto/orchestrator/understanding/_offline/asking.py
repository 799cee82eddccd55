"""Questions back to the user, in plain words."""

from collections.abc import Iterable, Sequence
from typing import Any

from stretto.orchestrator.understanding._offline.check import bounds_of
from stretto.orchestrator.understanding._offline.fields import Field
from stretto.orchestrator.understanding._offline.filling import Fault, Filled

__all__ = ["ask_for", "joined"]

CHOICES_MAX = 12
"""Values that a question lists; who wants another one will say so."""


def joined(parts: Iterable[str], last: str = "and") -> str:
    """Words as a list: `a, b and c`."""
    words = list(parts)
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def ask_for(label: str, filled: Filled) -> str:
    """A question for all that is missing and all that is out of bounds."""
    sentences = [_fault(fault) for fault in filled.faults]
    wanted = [*(fault.field for fault in filled.faults), *filled.missing]
    questions = [_question(field) for field in wanted]
    if not filled.faults:
        sentences.append(f"For {label} I still need to know {'something' if len(wanted) == 1 else 'a few things'}.")
    sentences += [_sentence(question, index) for index, question in enumerate(questions)]
    return " ".join(sentences)


def _sentence(question: str, index: int) -> str:
    words = f"and {question}" if index else question
    return f"{words[:1].upper()}{words[1:]}?"


def _fault(fault: Fault) -> str:
    label = f"{fault.field.label[:1].upper()}{fault.field.label[1:]}"
    many = fault.field.kind in {"list", "records"}
    if many:
        return f"{label} can be {fault.wanted} in number, and you gave {len(fault.value)}."
    if fault.field.kind == "free" or fault.field.alone:
        return f"{label} must be {fault.wanted}."
    return f"{label} must be {fault.wanted}, and you said {_shown(fault.value)}."


def _shown(value: Any) -> str:
    return str(value) if len(str(value)) <= 40 else f"{str(value)[:40]}…"  # noqa: PLR2004 - Enough to know it again.


def _question(field: Field) -> str:
    label = field.label
    if field.choices:
        return f"which {label}: {_choices(field)}"
    if field.kind == "number":
        bounds = bounds_of(field.schema)
        how = "how many" if field.unit or label.endswith("s") else "what is the"
        return f"{how} {label} ({bounds})" if bounds else f"{how} {label}"
    return _question_of_text(field, label)


def _question_of_text(field: Field, label: str) -> str:
    if field.kind == "flag":
        return f"{label}, yes or no"
    if field.kind == "date":
        return f"what is the {label}, such as 2026-12-07"
    if field.kind == "month":
        return f"which {label}, such as October 2026"
    if field.kind == "records":
        parts = joined(inner.label for inner in field.fields if inner.required) or joined(
            inner.label for inner in field.fields
        )
        return f"which {label}, with {parts} of each, a line for each"
    return f"which {label}" if field.kind in {"list", "map"} else f"what is the {label}"


def _choices(field: Field) -> str:
    labels: Sequence[str] = [choice.label for choice in field.choices[:CHOICES_MAX]]
    more = len(field.choices) - len(labels)
    return joined([*labels, f"{more} more"] if more else labels, "or")
