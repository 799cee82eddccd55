"""Requests: which workflow types they mean, and with what input."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from stretto.orchestrator.brief import Brief
from stretto.orchestrator.plan import Launch, Plan
from stretto.orchestrator.understanding._offline.asking import ask_for, joined
from stretto.orchestrator.understanding._offline.check import fault_of
from stretto.orchestrator.understanding._offline.dates import day_of, moments_in
from stretto.orchestrator.understanding._offline.dialog import Exchange, memory_of
from stretto.orchestrator.understanding._offline.fields import Field
from stretto.orchestrator.understanding._offline.filling import Fault, Filled, fill
from stretto.orchestrator.understanding._offline.numbers import amount
from stretto.orchestrator.understanding._offline.quantities import quantities_in
from stretto.orchestrator.understanding._offline.ranking import Index, Known, Ranked
from stretto.orchestrator.understanding._offline.speech import is_question, is_statement
from stretto.orchestrator.understanding._offline.subjects import points_here
from stretto.orchestrator.understanding._offline.text import read

__all__ = ["complete", "request", "wanted_in"]

_PARTS: Final = re.compile(r"[.!?;\n]+\s+|,?\s+(?:and|then|also|plus|as well as)\s+(?:then\s+|also\s+)?", re.IGNORECASE)
_REPLY_WORDS_MAX: Final = 12
"""Words of a message that may be nothing but the value that was asked for."""

_LEAD: Final = re.compile(
    r"^(?:(?:it|that|this|the \w+(?: \w+)?|my \w+(?: \w+)?|her \w+|his \w+)(?:'s| is| are)\s+|"
    r"(?:for|as|in|at|to|well|ok|okay|please|just|maybe|called|an?)\s+)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A type that a message means, and the part of the message that does."""

    known: Known
    part: str


def wanted_in(index: Index, raw: str, brief: Brief) -> list[Wanted] | list[Ranked]:
    """What a message wants: types with their parts of it, or types that are too close to each other to tell."""
    found: dict[str, Wanted] = {}
    for part in filter(None, map(str.strip, _PARTS.split(raw))):
        # A line of a list, such as `2026-10-15 Train 61.30`, asks for nothing by itself.
        if any(moment.start == 0 for moment in moments_in(part, day_of(brief.now))):
            continue
        meant = index.meant(read(part))
        # `It was wrong` beside a wish is no wish of its own, though some types take any message.
        if len(meant) == 1 and not (meant[0].known.takes_questions and points_here(index, read(part), meant[0].known)):
            known = meant[0].known
            before = found.get(known.type.name)
            found[known.type.name] = Wanted(known, f"{before.part} {part}" if before else part)
    if len(found) > 1:
        kept = index.without_general(found)
        return [each for name, each in found.items() if name in kept]
    whole = index.meant(read(raw))
    told = _told_for(whole if len(whole) > 1 else index.rank(read(raw))[:3], raw, brief) if len(whole) != 1 else whole
    if len(told) == 1:
        return [Wanted(told[0].known, raw)]
    return list(found.values()) if found and whole else whole


def _told_for(ranked: Sequence[Ranked], raw: str, brief: Brief) -> list[Ranked]:
    """Of types that a message may mean, those of which it has all that they need, and that is not little."""
    return [
        each
        for each in ranked
        if _asks_much(each.known) and fill(each.known.shape, [raw], (), day_of(brief.now)).complete
    ]


def _asks_much(known: Known) -> bool:
    """Whether an input needs so much that no message has it by chance."""
    required = [field for field in known.shape.fields if field.required]
    return len(required) > 1 or any(field.kind == "records" for field in required)


def request(brief: Brief, index: Index) -> Plan | None:
    """The plan for a message that means some types; None when it means none."""
    wanted = wanted_in(index, brief.message, brief)
    if not wanted:
        return None
    if isinstance(wanted[0], Ranked):
        labels = [each.known.label for each in wanted]
        return Plan(kind="ask_back", text=f"Do you mean {joined(labels, 'or')}?")
    return _plan([(each, _filled(brief, each, None)) for each in wanted if isinstance(each, Wanted)])


def complete(brief: Brief, index: Index, known: Known, exchange: Exchange) -> Plan:
    """The plan for a message that adds what was asked for."""
    first = wanted_in(index, exchange.said[-1], brief) if exchange.said else []
    wanted = [each for each in first if isinstance(each, Wanted)]
    if known.type.name not in {each.known.type.name for each in wanted}:
        wanted = [Wanted(known, "")]
    return _plan([(each, _filled(brief, each, exchange)) for each in wanted])


def _remembered(brief: Brief, known: Known, exchange: Exchange | None) -> tuple[str, ...]:
    """Earlier messages that may fill in what was not said now.

    What was said for one person or question does not hold for another, so a type that is about one takes only facts
    that the user told of their own accord.
    """
    personal = known.takes_questions or any(field.kind == "person" and field.required for field in known.shape.fields)
    told = (raw for raw in memory_of(brief, exchange) if not is_question(read(raw)))
    return tuple(raw for raw in told if not personal or is_statement(read(raw)))


def _filled(brief: Brief, wanted: Wanted, exchange: Exchange | None) -> Filled:
    today = day_of(brief.now)
    said = [brief.message, *(exchange.said if exchange else ())]
    if wanted.part and wanted.part not in said:
        said.insert(len(said) - 1, wanted.part)
    memory = _remembered(brief, wanted.known, exchange)
    if exchange is None:
        return fill(wanted.known.shape, said, memory, today)
    before = fill(wanted.known.shape, said[1:], memory, today)
    after = fill(wanted.known.shape, said, memory, today, reply=True)
    asked = [*(fault.field for fault in before.faults), *before.missing]
    # A fault that was told already is open for the bare value that stands for it now.
    still = {fault.field.name for fault in after.faults if fault in before.faults}
    return _with_bare(after, [field for field in asked if field in after.missing or field.name in still], brief)


def _with_bare(filled: Filled, asked: Sequence[Field], brief: Brief) -> Filled:
    """Fill in what was asked for from a message that is nothing but the values."""
    values: dict[str, Any] = {}
    quantities = [each for each in quantities_in(brief.message, day_of(brief.now)) if not each.units and not each.vague]
    for field in asked:
        if field.kind == "number" and quantities:
            values[field.name] = amount(field, quantities.pop(0).value)
        elif field.kind == "flag" and (told := _yes_or_no(brief.message)) is not None:
            values[field.name] = told
    values |= _bare_texts([field for field in asked if _takes_text(field)], filled, brief)
    wrong = {
        field.name: fault_of(field.schema, values[field.name]) for field in asked if values.get(field.name) is not None
    }
    faults = [Fault(field, values[field.name], wrong[field.name]) for field in asked if wrong.get(field.name)]
    return Filled(
        values={**filled.values, **{name: values[name] for name, fault in wrong.items() if not fault}},
        faults=(*(fault for fault in filled.faults if fault.field.name not in wrong), *faults),
        missing=tuple(field for field in filled.missing if field.name not in wrong),
    )


def _takes_text(field: Field) -> bool:
    return field.kind in {"text", "person", "role"} or (field.kind == "list" and not field.choices)


def _yes_or_no(message: str) -> bool | None:
    word = next(iter(read(message).words), "")
    return True if word in {"yes", "yep", "sure", "true"} else False if word in {"no", "nope", "false"} else None


def _bare_texts(fields: Sequence[Field], filled: Filled, brief: Brief) -> dict[str, Any]:
    """The pieces between commas for the texts that are missing; one for several is a name if it is written like one."""
    text = read(brief.message)
    if not fields or len(text.words) > _REPLY_WORDS_MAX:
        return {}
    known = {each for each in filled.values.values() if isinstance(each, str)}
    pieces = [_piece(each) for each in re.split(r"\s*[,;\n]\s*|\s+and\s+", brief.message)]
    pieces = [each for each in pieces if each and each not in known and not _counts(each, brief)]
    if len(fields) == 1 and len(pieces) > 1:
        pieces = [_piece(brief.message)] if not _counts(brief.message, brief) else []
    if len(fields) > len(pieces) == 1:
        like_name = all(token.capital for token in read(pieces[0]).tokens)
        fields = [field for field in fields if (field.kind == "person") == like_name]
    return {
        field.name: [piece] if field.kind == "list" else piece for field, piece in zip(fields, pieces, strict=False)
    }


def _counts(piece: str, brief: Brief) -> bool:
    """Whether a piece of a message is a number or a date, and so no text that was asked for."""
    today = day_of(brief.now)
    return bool(moments_in(piece, today) or quantities_in(piece, today))


def _piece(raw: str) -> str:
    return _LEAD.sub("", raw.strip().strip('.!"\u201c\u201d ')).strip()


def _plan(parts: Sequence[tuple[Wanted, Filled]]) -> Plan:
    """Launch all, or ask for what the first of them lacks."""
    lacking = [(wanted, filled) for wanted, filled in parts if not filled.complete]
    if not lacking:
        launches = (Launch(workflow_type=each.known.type.name, input=dict(filled.values)) for each, filled in parts)
        return Plan(kind="launch", launches=tuple(launches))
    wanted, filled = lacking[0]
    text = ask_for(wanted.known.label, filled)
    ready = [each.known.label for each, filled in parts if filled.complete]
    if ready:
        text += f" I will start {joined(ready)} along with it."
    elif len(lacking) > 1:
        text += f" Then we come to {joined(each.known.label for each, _ in lacking[1:])}."
    return Plan(kind="ask_back", text=text, asks_about=wanted.known.type.name)
