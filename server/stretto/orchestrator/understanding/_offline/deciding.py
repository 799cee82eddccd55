"""Decisions on open questions, in the words of the user and the form of the question."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stretto.orchestrator.brief import OpenQuestion
from stretto.orchestrator.plan import Decision, Plan
from stretto.orchestrator.understanding._offline.asking import ask_for, joined
from stretto.orchestrator.understanding._offline.check import fault_of
from stretto.orchestrator.understanding._offline.fields import Field, fields_of
from stretto.orchestrator.understanding._offline.filling import Filled, Shape, fill
from stretto.orchestrator.understanding._offline.lessons import Lesson
from stretto.orchestrator.understanding._offline.selecting import label_of, question_text, select, words_of
from stretto.orchestrator.understanding._offline.speech import is_statement
from stretto.orchestrator.understanding._offline.stems import stems
from stretto.orchestrator.understanding._offline.text import Text, read
from stretto.orchestrator.understanding._offline.verdicts import MEANINGS, Kind, Verdict, verdict_of

__all__ = ["Table", "changes_in", "decide", "is_answer", "list_open", "options_of", "which"]

_NOTHING: Final = Filled({}, (), ())
_POINTING: Final = stems("first second third last one both all it them plan proposal")
_PAUSE: Final = re.compile(r"[,.;:]\s|\bbecause\b")
_REASONS: Final = stems("reason comment note remark feedback explanation message why justification")


@dataclass(frozen=True, slots=True)
class Table:
    """The open questions, what is taught about their types' fields, and today."""

    questions: tuple[OpenQuestion, ...]
    lessons: Mapping[str, Mapping[str, Lesson]]
    today: dt.date


@dataclass(frozen=True, slots=True)
class _Form:
    """A decision's fields, sorted by what they are for."""

    verdict: Field | None
    meanings: Mapping[Kind, Any]
    reason: Field | None
    rest: tuple[Field, ...]


def which(text: Text, questions: Sequence[OpenQuestion]) -> list[OpenQuestion]:
    """The questions that a message answers; several when it leaves that open, unless it says `all`."""
    if len(questions) == 1:
        return list(questions)
    return select(text, questions, [words_of(each) for each in questions]) or list(questions)


def decide(table: Table, chosen: Sequence[OpenQuestion], said: Sequence[str]) -> Plan:
    """The decisions that a message, and before it those of its exchange, make on these questions."""
    decisions = []
    for question in chosen:
        made = _decision(table, question, said)
        if isinstance(made, str):
            return Plan(kind="ask_back", text=made, asks_about=question.interrupt_id)
        decisions.append(Decision(interrupt_id=question.interrupt_id, decision=made))
    return Plan(kind="decide", decisions=tuple(decisions))


def changes_in(table: Table, question: OpenQuestion, said: str) -> bool:
    """Whether a message names something that an edit of this question's proposal may change."""
    form = _form(question)
    found = fill(_shape(table, question, form.rest), [said], (), table.today)
    return bool(found.values or found.faults)


def _decision(table: Table, question: OpenQuestion, said: Sequence[str]) -> dict[str, Any] | str:
    """A decision, or what must be asked before there is one."""
    verdict = next(filter(None, map(verdict_of, said)), None)
    form = _form(question)
    if not question.decision_schema.get("properties"):
        return _free_decision(verdict, said[0]) or _ask(question, _NOTHING, form)
    found = fill(_shape(table, question, form.rest), said, (), table.today)
    if form.verdict is None:
        return dict(found.values) if found.complete and found.values else _ask(question, found, form)
    kind = _kind(verdict, found, form)
    if kind is None:
        return _ask(question, found, form)
    if kind == "edit" and (found.faults or not found.values) and form.rest:
        return _ask(question, found, form)
    made = {form.verdict.name: form.meanings[kind]} | _reason(question, form, kind, said)
    if kind == "edit" or form.verdict.kind == "flag":
        made |= found.values
    fault = fault_of(question.decision_schema, made)
    return f"The decision must be {fault}. What do you say?" if fault else made


def _free_decision(verdict: Verdict | None, said: str) -> dict[str, Any]:
    """A decision where any object will do: a verdict and the words; empty for a yes with a condition."""
    if verdict is not None and verdict.kind == "approve" and _hedged(verdict):
        return {}
    return {"approved": verdict is not None and verdict.kind == "approve", "comment": said.strip()}


def _hedged(verdict: Verdict) -> bool:
    """Whether a verdict comes with a condition, a change, or a fact: `yes, I have a bad day` is no yes to a plan."""
    return verdict.changes or (not verdict.strong and is_statement(read(verdict.rest)))


def _kind(verdict: Verdict | None, found: Filled, form: _Form) -> Kind | None:
    """What is decided, of what can be; None when that is not sure enough. A yes or no with a change is an edit."""
    told = verdict.kind if verdict else "edit"
    changed = bool(found.values or found.faults)
    hedged = verdict is not None and _hedged(verdict)
    if "edit" in form.meanings and (told == "edit" or (hedged and (changed or told == "approve"))):
        return "edit"
    if told == "edit" or (told == "approve" and hedged):
        # No edit is foreseen: a change without a no is a yes to the changed proposal, where that can be said.
        return "approve" if changed and "approve" in form.meanings else None
    return told if told in form.meanings else None


def _form(question: OpenQuestion) -> _Form:
    fields = fields_of(question.decision_schema)
    field, meanings = _verdict_field(fields)
    others = tuple(each for each in fields if each is not field)
    reason = next((each for each in others if each.kind in {"text", "free"} and each.words[-1] in _REASONS), None)
    if field is None and reason and len(others) == 1:
        reason = None  # A question for nothing but words is answered with them.
    return _Form(field, meanings, reason, tuple(each for each in others if each is not reason))


def _verdict_field(fields: Sequence[Field]) -> tuple[Field | None, Mapping[Kind, Any]]:
    """The field that can say both yes and no, and with which values."""
    alone = sum(field.kind == "flag" for field in fields) == 1
    for field in fields:
        meanings = _meanings(field, alone=alone)
        if "approve" in meanings and "reject" in meanings:
            return field, meanings
    return None, {}


def _meanings(field: Field, *, alone: bool) -> dict[Kind, Any]:
    """What the values of a field mean as a verdict."""
    if field.kind == "flag":
        fits = alone or any(word in MEANINGS["approve"] for word in field.words)
        return {"approve": True, "reject": False} if fits else {}
    found: dict[Kind, Any] = {}
    for choice in field.choices if field.kind == "choice" else ():
        for kind, words in MEANINGS.items():
            if words & set(choice.stems):
                found.setdefault(kind, choice.value)
    return found


def _shape(table: Table, question: OpenQuestion, fields: tuple[Field, ...]) -> Shape:
    return Shape(fields, table.lessons.get(question.workflow_type, {}))


def _reason(question: OpenQuestion, form: _Form, kind: Kind, said: Sequence[str]) -> dict[str, str]:
    """Why, in the words of the user; a bare yes needs none."""
    if form.reason is None:
        return {}
    verdict = verdict_of(said[0])
    words = _why(question, verdict.rest) if verdict else ""
    if kind != "approve" or form.reason.required:
        words = words or said[0].strip()
    limit = form.reason.schema.get("maxLength", len(words))
    return {form.reason.name: words[:limit]} if words else {}


def _why(question: OpenQuestion, words: str) -> str:
    """Words that say why, without those that only say which question is meant."""
    own = words_of(question) | _POINTING
    parts = [part for part in _PAUSE.split(words) if part.strip()]
    while parts and not any(token.content and token.stem not in own for token in read(parts[0]).tokens):
        words = words.partition(parts[0])[2].lstrip(" ,.;:-")
        parts = parts[1:]
    return words


def _ask(question: OpenQuestion, found: Filled, form: _Form) -> str:
    """What must be known before a decision can be made."""
    label = label_of(question, ())
    if found.faults or (form.verdict is None and found.missing):
        return ask_for(label, found)
    asked = question_text(question.question)
    if form.verdict is not None and "edit" in form.meanings and form.rest:
        return f"What shall I change in {label}? You can change {joined((each.label for each in form.rest), 'or')}."
    return f"{asked} Please answer with {options_of(question)}.".strip()


def list_open(questions: Sequence[OpenQuestion], what: str) -> str:
    """A question back for which of the open questions is meant."""
    told = [
        f"{number}. {label_of(each, questions)}: {question_text(each.question) or 'a decision is needed'}"
        for number, each in enumerate(questions, 1)
    ]
    return f"{what} " + " ".join(told)


def options_of(question: OpenQuestion) -> str:
    """How an open question can be answered, in plain words."""
    form = _form(question)
    return joined(form.meanings, "or") or joined((each.label for each in form.rest), "and") or "approve or reject"


def is_answer(table: Table, question: OpenQuestion, said: str) -> bool:
    """Whether a message without any verdict still gives what a question without one asks for."""
    form = _form(question)
    if form.verdict is not None or not form.rest:
        return False
    found = fill(_shape(table, question, form.rest), [said], (), table.today)
    return bool(found.complete and found.values)
