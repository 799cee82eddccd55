"""What to do with a message: the order in which its meanings are tried."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stretto.orchestrator.brief import Brief, OpenQuestion
from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding._offline.answering import offer
from stretto.orchestrator.understanding._offline.asking import joined
from stretto.orchestrator.understanding._offline.cancelling import cancel
from stretto.orchestrator.understanding._offline.dates import day_of
from stretto.orchestrator.understanding._offline.deciding import Table, changes_in, decide, is_answer, list_open, which
from stretto.orchestrator.understanding._offline.dialog import Exchange, exchange_of
from stretto.orchestrator.understanding._offline.filling import fill
from stretto.orchestrator.understanding._offline.ranking import ENOUGH, Index, Known, Ranked
from stretto.orchestrator.understanding._offline.requesting import Wanted, complete, request, wanted_in
from stretto.orchestrator.understanding._offline.selecting import (
    label_of,
    means_all,
    named_in,
    select,
    title_of,
    words_of,
)
from stretto.orchestrator.understanding._offline.speech import (
    act_of,
    gives_up,
    is_question,
    is_statement,
    is_wish,
    order_to_stop,
    wants_found_out,
    wants_told,
)
from stretto.orchestrator.understanding._offline.stems import kin, stem, stems
from stretto.orchestrator.understanding._offline.subjects import about, points_here
from stretto.orchestrator.understanding._offline.text import Text, read
from stretto.orchestrator.understanding._offline.verdicts import MEANINGS, Verdict, verdict_of

__all__ = ["triage"]

ANSWER = Plan(kind="answer")

_CLAUSES: Final = re.compile(r"[,;.]\s+(?:(?:and|but|while)\s+)?|\s+(?:and|but|while)\s+", re.IGNORECASE)
_OF_PROPOSALS: Final = stems("approve approval accept reject rejection decline")
"""Words that say what becomes of a proposal, and never that something shall be stopped."""


@dataclass(frozen=True, slots=True)
class _Turn:
    brief: Brief
    index: Index
    text: Text

    @property
    def message(self) -> str:
        return self.brief.message

    @property
    def table(self) -> Table:
        lessons = {known.type.name: known.shape.lessons for known in self.index.known}
        return Table(self.brief.questions, lessons, day_of(self.brief.now))


def triage(brief: Brief, index: Index) -> Plan:
    """The plan for a message."""
    turn = _Turn(brief, index, read(brief.message))
    if not turn.text.words and not verdict_of(brief.message):
        return Plan(kind="ask_back", text=f"What can I do for you? {offer(index)}")
    plans = (way(turn) for way in (_follow_up, _small_talk, _cancel, _each_its_own, _decision, _remark, _request))
    unclear = Plan(kind="ask_back", text=f"I am not sure what you would like me to do. {offer(index)}")
    return next(filter(None, plans), unclear)


def _follow_up(turn: _Turn) -> Plan | None:
    """The plan for an answer to what was asked back; None when the message is something else."""
    exchange = exchange_of(turn.brief)
    if exchange is None or act_of(turn.text):
        return None
    if gives_up(turn.text):
        return ANSWER
    if order_to_stop(turn.text) is not None or is_question(turn.text):
        return None
    asked = [each for each in turn.brief.questions if each.interrupt_id == exchange.about]
    if asked:
        return None if _leaves(turn, asked[0]) else decide(turn.table, asked, [turn.message, *exchange.said])
    known = turn.index.by_name.get(exchange.about)
    if known is not None:
        return None if _changes_subject(turn, exchange) else _completed(turn, known, exchange)
    return None if exchange.about else _choice(turn, exchange)


def _leaves(turn: _Turn, question: OpenQuestion) -> bool:
    """Whether a message is about something else than the question that was asked back about."""
    verdict = verdict_of(turn.message)
    if verdict is not None:
        others = which(turn.text, turn.brief.questions)
        return (len(others) == 1 and others != [question]) or (verdict.strong and _of_something_else(turn) is not None)
    wanted = wanted_in(turn.index, turn.message, turn.brief)
    other = {each.known.type.name for each in wanted} - {question.workflow_type}
    return bool(other) and _is_order(turn.text, wanted) and not _changeable(turn, [question])


def _completed(turn: _Turn, known: Known, exchange: Exchange) -> Plan | None:
    """The plan for an answer to what is missing; a no that leaves as much open as before ends it."""
    plan = complete(turn.brief, turn.index, known, exchange)
    verdict = verdict_of(turn.message)
    declined = verdict is not None and verdict.kind == "reject"
    if known.takes_questions and plan.kind == "launch":
        # Nothing was missing: it was asked whether to start it at all.
        agreed = verdict is not None or bool(turn.text.stems & title_of(known.type.name))
        return ANSWER if declined else plan if agreed else None
    return ANSWER if declined and plan.kind == "ask_back" and plan.text == turn.brief.history[-1].text else plan


def _changes_subject(turn: _Turn, exchange: Exchange) -> bool:
    """Whether a message asks for another workflow instead of saying what was asked for."""
    known = turn.index.by_name[exchange.about]
    meant = turn.index.meant(turn.text)
    if not meant or any(each.known is known for each in meant):
        return False
    found = fill(known.shape, [turn.message], (), day_of(turn.brief.now))
    return not found.values or meant[0].score > 2 * ENOUGH


def _choice(turn: _Turn, exchange: Exchange) -> Plan | None:
    """The plan for a message that says which one, after a question for that."""
    before = read(exchange.said[0]) if exchange.said else turn.text
    if order_to_stop(before) is not None:
        return _stop_choice(turn)
    questions = turn.brief.questions
    if questions and verdict_of(before.raw) and not verdict_of(turn.message):
        chosen = select(turn.text, questions, [words_of(each) for each in questions])
        return decide(turn.table, chosen, list(exchange.said)) if chosen else None
    close = [each.known for each in turn.index.meant(before)]
    picked = select(turn.text, close, [read(each.label).stems for each in close]) if close else []
    return complete(turn.brief, turn.index, picked[0], exchange) if len(picked) == 1 else None


def _stop_choice(turn: _Turn) -> Plan | None:
    """The plan for an answer to `which shall I stop?` or `shall I?`: only a yes or a name stops something."""
    if _OF_PROPOSALS & turn.text.stems:
        return None
    said = verdict_of(turn.message)
    if said is not None and said.kind == "reject":
        return ANSWER
    named = any(token.content or token.number for token in turn.text.tokens)
    if not (said or named or means_all(turn.text) or {"first", "second", "third", "last"} & set(turn.text.words)):
        return None
    if said is not None and turn.brief.questions and turn.brief.history[-1].role == "notice":
        # A yes after something else was asked in between must not stop what it was meant to approve.
        return Plan(
            kind="ask_back", text="Shall I stop it, or is that a yes to its question? Say stop it, or approve it."
        )
    plan = cancel(turn.brief, turn.index, turn.message)
    return plan if plan.kind == "cancel" else None


def _small_talk(turn: _Turn) -> Plan | None:
    return ANSWER if act_of(turn.text) else None


def _cancel(turn: _Turn) -> Plan | None:
    what = order_to_stop(turn.text)
    return None if what is None else cancel(turn.brief, turn.index, what)


def _decision(turn: _Turn) -> Plan | None:
    """The plan for a message that decides something; None when it does not."""
    questions = turn.brief.questions
    if not questions or is_question(turn.text):
        return None
    verdict = verdict_of(turn.message)
    if gives_up(turn.text) and "thank" not in turn.text.stems:
        return ANSWER
    if verdict is None or verdict.kind == "edit":
        return _change(turn, verdict)
    if not verdict.strong and _is_order(read(verdict.rest), wanted_in(turn.index, verdict.rest, turn.brief)):
        return None
    if verdict.strong and (other := _of_something_else(turn)):
        return other
    chosen = which(turn.text, questions)
    if len(chosen) > 1 and verdict.changes:
        chosen = _changeable(turn, chosen) or chosen
    return _decide(turn, chosen)


def _each_its_own(turn: _Turn) -> Plan | None:
    """The plan for a yes to one question and a no to another; None for a message that says one thing."""
    questions = turn.brief.questions
    parts = _verdicts_in(turn.message)
    kinds = {kind for kind, _ in parts}
    if len(kinds) < 2 or is_question(turn.text) or not _tells_apart(turn, parts):  # noqa: PLR2004 - A yes and a no.
        return None
    words = [words_of(each) for each in questions]
    meant = [select(read(part), questions, words) for _, part in parts]
    if any(len(chosen) != 1 for chosen in meant) or len({chosen[0].interrupt_id for chosen in meant}) < len(meant):
        return Plan(kind="ask_back", text=list_open(questions, "One at a time, please, by its name. What waits:"))
    plans = [decide(turn.table, chosen, [part]) for chosen, (_, part) in zip(meant, parts, strict=True)]
    unclear = next((plan for plan in plans if plan.kind != "decide"), None)
    return unclear or Plan(kind="decide", decisions=tuple(one for plan in plans for one in plan.decisions))


def _tells_apart(turn: _Turn, parts: Sequence[tuple[str, str]]) -> bool:
    """Whether a yes and a no can be for two things: two that wait, or one and another that is named."""
    waiting = {each.workflow_type for each in turn.brief.questions}
    types = [each.type.name for each in turn.index.known]
    other = any(named_in(read(part), types) - waiting for _, part in parts)
    return len(turn.brief.questions) > 1 or bool(waiting and other)


def _verdicts_in(message: str) -> list[tuple[str, str]]:
    """The verdicts of a message, each with the words up to the next one."""
    found: list[tuple[str, str]] = []
    for part in filter(None, map(str.strip, _CLAUSES.split(message))):
        verdict = verdict_of(part)
        if verdict is not None and verdict.strong and verdict.kind != "edit":
            found.append((verdict.kind, part))
        elif found:
            found[-1] = (found[-1][0], f"{found[-1][1]}, {part}")
    return found


def _change(turn: _Turn, verdict: Verdict | None) -> Plan | None:
    """The plan for a message that may change a proposal, or give what was asked for."""
    chosen = which(turn.text, turn.brief.questions)
    fits = _changeable(turn, chosen)
    if verdict is None and not fits:
        return None
    # `Thirty minutes` changes the plan that waits; `make me a plan for thirty minutes` wants another one.
    wanted = wanted_in(turn.index, turn.message, turn.brief)
    other = {each.known.type.name for each in wanted} - {each.workflow_type for each in chosen}
    # `Change the exercise plan` is about the one that waits, though it does not say yet what shall be changed.
    if verdict is not None and MEANINGS["edit"] & turn.text.stems and not other:
        return _decide(turn, fits or chosen)
    if wanted and (other or _is_order(turn.text, wanted)) and (verdict is None or not fits):
        return None
    return _decide(turn, fits or chosen)


def _is_order(text: Text, wanted: Sequence[Wanted | Ranked]) -> bool:
    """Whether a message asks for what it names; a type's name may itself be the verb, as in `translate this letter`."""
    first = stem(text.words[0]) if text.words else ""
    named = any(kin(first, each) for one in wanted for each in read(one.known.label).stems)
    return bool(wanted) and (named or is_wish(text))


def _changeable(turn: _Turn, questions: list[OpenQuestion]) -> list[OpenQuestion]:
    """The questions for which a message names something to change, or an answer."""
    table = turn.table
    return [each for each in questions if changes_in(table, each, turn.message) or is_answer(table, each, turn.message)]


def _decide(turn: _Turn, chosen: list[OpenQuestion]) -> Plan:
    if len(chosen) > 1 and not means_all(turn.text):
        return Plan(kind="ask_back", text=list_open(chosen, "Which one do you mean?"))
    return decide(turn.table, chosen, [turn.message])


def _of_something_else(turn: _Turn) -> Plan | None:
    """The plan for a verdict on something that asks for none."""
    questions = turn.brief.questions
    open_types = {each.workflow_type for each in questions}
    known = [each.type.name for each in turn.index.known]
    named = named_in(turn.text, [*known, *open_types])
    if not named or named & open_types or any(turn.text.stems & _own_words(each) for each in questions):
        return None
    labels = joined(turn.index.by_name[name].label for name in sorted(named))
    return Plan(kind="ask_back", text=list_open(questions, f"Nothing waits for a decision in {labels}. What does:"))


def _own_words(question: OpenQuestion) -> frozenset[str]:
    return words_of(question) - read(label_of(question, ())).stems


def _remark(turn: _Turn) -> Plan | None:
    """The plan for a question, a fact or a word that takes something back: there is nothing to do but to answer."""
    if is_question(turn.text):
        return _order_in_question(turn) or ANSWER
    return ANSWER if is_statement(turn.text) or gives_up(turn.text) else None


def _order_in_question(turn: _Turn) -> Plan | None:
    """The launch that a question asks for: `where does my money go?` with the payments after it, `show me a plan`."""
    plan = request(turn.brief, turn.index)
    if plan is None:
        return _for_a_name(turn)
    if plan.kind != "launch":
        return None
    inside = "?" in turn.message.rstrip().rstrip("?")
    if known := _asked_of(turn, plan):
        return _order_of_question(turn, plan, known, inside=inside)
    there = {each.workflow_type for each in turn.brief.workflows}
    told = wants_told(turn.text) and not there & {each.workflow_type for each in plan.launches}
    return plan if inside or told else None


def _asked_of(turn: _Turn, plan: Plan) -> Known | None:
    """The one type that a plan starts, if any question will do for it: then it needs a closer look."""
    known = turn.index.by_name[plan.launches[0].workflow_type]
    return known if len(plan.launches) == 1 and known.takes_questions else None


def _order_of_question(turn: _Turn, plan: Plan, known: Known, *, inside: bool) -> Plan | None:
    """The launch that a question is enough for, where it is about nothing in the session; when unsure, ask."""
    meant = about(turn.brief, turn.index, turn.text, known, told_more=inside)
    return _shall_i(known) if meant == "unsure" else plan if meant == "else" else None


def _for_a_name(turn: _Turn) -> Plan | None:
    """The question whether to start the one type that is about such things as a message names, and says no more of."""
    known = [each for each in turn.index.known if each.takes_questions and each.takes_names]
    if len(known) != 1 or not turn.index.names_in(turn.text):
        return None
    return _shall_i(known[0]) if about(turn.brief, turn.index, turn.text, known[0]) == "else" else None


def _shall_i(known: Known) -> Plan:
    return Plan(kind="ask_back", text=f"Shall I start {known.label} for that?", asks_about=known.type.name)


def _request(turn: _Turn) -> Plan | None:
    plan = request(turn.brief, turn.index)
    if plan is not None:
        return ANSWER if _asks_here(turn, plan) else plan
    return ANSWER if verdict_of(turn.message) else _for_a_name(turn)


def _asks_here(turn: _Turn, plan: Plan) -> bool:
    """Whether `find out why it failed`, or a mere `it failed`, is about a workflow of the session."""
    known = _asked_of(turn, plan) if plan.kind == "launch" else None
    if known is None or not points_here(turn.index, turn.text, known):
        return False
    named = bool(named_in(turn.text, [known.type.name]))
    return wants_found_out(turn.text) or not (named or is_wish(turn.text))
