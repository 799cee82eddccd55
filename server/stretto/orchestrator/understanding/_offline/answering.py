"""Answers out of the brief and nothing else."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from stretto.orchestrator.brief import Brief, KnownWorkflow, OpenQuestion
from stretto.orchestrator.understanding._offline.asking import joined
from stretto.orchestrator.understanding._offline.deciding import options_of
from stretto.orchestrator.understanding._offline.dialog import exchange_of
from stretto.orchestrator.understanding._offline.knowing import asked_in, asks_for_result, found_by
from stretto.orchestrator.understanding._offline.lexicon import FAILURE
from stretto.orchestrator.understanding._offline.ranking import Index, telling
from stretto.orchestrator.understanding._offline.selecting import named_in, question_text
from stretto.orchestrator.understanding._offline.speech import (
    act_of,
    gives_up,
    is_question,
    is_statement,
    order_to_stop,
    wants_recalled,
)
from stretto.orchestrator.understanding._offline.subjects import subject_of
from stretto.orchestrator.understanding._offline.text import Text, plain, read
from stretto.orchestrator.understanding._offline.verdicts import verdict_of

__all__ = ["answer", "offer"]

SHOWN_MAX: Final = 5
"""Workflows that one answer tells of; the newest matter."""

_QUOTED_MAX: Final = 200
_MICROS: Final = 1_000_000
_MINE: Final = re.compile(r"\b(?:what is|what's|what are|which|where is|who is|how many|do you know)\b.{0,20}\bmy\b")
_SMALL_TALK: Final = {"thanks": "You are welcome.", "later": "All right, take your time."}
_TIMES: Final = frozenset({"when", "long", "since", "started"})
_ENDED: Final = {
    "SUCCEEDED": "done",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "QUARANTINED": "set aside, because what is stored of it does not check out",
    "TIMED_OUT": "ended, because it ran out of time",
}


def answer(brief: Brief, index: Index) -> str:
    """The answer to a message."""
    text = read(brief.message)
    act = act_of(text)
    if act:
        return _SMALL_TALK.get(act) or (_help(brief, index) if act == "help" else f"Hello! {offer(index)}")
    if told := _to_no_question(brief, text):
        return told
    words = " ".join(text.words)
    recalled = _recalled(brief, text)
    if wants_recalled(text) or (recalled and _MINE.search(words) and not _facts_asked(brief.workflows, text)):
        return recalled or "You have not told me that in this session."
    return _state(brief, index, text)


def offer(index: Index) -> str:
    """What can be started."""
    labels = [known.label for known in index.known]
    return (
        f"I can start {joined(labels, 'or')} for you." if labels else "There is nothing that I could start for you yet."
    )


def _help(brief: Brief, index: Index) -> str:
    lead = "Tell me in a sentence what you need, and ask me at any time how it is going."
    kinds = [
        _sentence(f"{known.label}: {known.type.description or 'no description'}") for known in index.known[:SHOWN_MAX]
    ]
    return "\n".join(filter(None, (lead, *(kinds or [offer(index)]), _overview(brief))))


def _sentence(words: str) -> str:
    said = f"{words[:1].upper()}{words[1:].rstrip()}"
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."


def _to_no_question(brief: Brief, text: Text) -> str:
    """What to say to an order or a remark that there is nothing to do about."""
    verdict = verdict_of(brief.message)
    declined = verdict is not None and verdict.kind == "reject" and exchange_of(brief) is not None
    if gives_up(text) or declined:
        return "All right, I leave it."
    if order_to_stop(text) is not None and not any(not each.ended for each in brief.workflows):
        return "Nothing is running that I could stop."
    if is_question(text):
        return ""
    if is_statement(text):
        return "Noted. I will use that when it matters."
    if verdict and not brief.questions and len(telling(text)) <= 3:  # noqa: PLR2004 - No request.
        return " ".join(filter(None, ("Nothing waits for a decision at the moment.", _overview(brief))))
    return ""


def _overview(brief: Brief) -> str:
    live = [each for each in brief.workflows if not each.ended][:SHOWN_MAX]
    return " ".join(_told(each, brief, frozenset()) for each in live)


def _recalled(brief: Brief, text: Text) -> str:
    """What the user has said before about the words of a question."""
    asked = telling(text) | ({"name", "nam"} & text.stems)
    best: list[tuple[int, int, str]] = []
    for place, said in enumerate(brief.history):
        if said.role == "user" and not is_question(read(said.text)) and said.text != brief.message:
            common = len(asked & read(said.text).stems)
            if common:
                best.append((common, place, said.text.strip()))
    if not best:
        return ""
    top = max(common for common, _, _ in best)
    quoted = [said for common, _, said in best if common == top][-2:]
    return "You told me: " + " ".join(f"“{said[:_QUOTED_MAX]}”" for said in quoted)


def _state(brief: Brief, index: Index, text: Text) -> str:
    """How the workflows are that a message asks about."""
    if not brief.workflows:
        return f"Nothing is running in this session. {offer(index)}"
    chosen = _chosen(brief, index, text)
    if not chosen:
        named = joined(index.by_name[name].label for name in _named(brief, index, text) if name in index.by_name)
        return f"There is no {named} in this session yet. {_overview(brief)}".strip()
    asked = frozenset(text.words)
    lines = [_told(each, brief, asked) for each in chosen[:SHOWN_MAX]]
    found = asks_for_result(text)
    facts = [fact for each in chosen[:SHOWN_MAX] for fact in asked_in(each, text) or (found_by(each) if found else ())]
    lines += [_sentence(fact) for fact in dict.fromkeys(facts)]
    if all(each.ended for each in brief.workflows) and not facts and _asks_for_running(text):
        lines.insert(0, "Nothing is running at the moment.")
    return " ".join(lines)


def _asks_for_running(text: Text) -> bool:
    return bool({"run", "status", "going", "progress"} & (text.stems | set(text.words)))


def _named(brief: Brief, index: Index, text: Text) -> list[str]:
    """The types that a message asks about by name, or else by its other words."""
    types = [*(each.type.name for each in index.known), *(each.workflow_type for each in brief.workflows)]
    named = named_in(text, types)
    if named:
        return [name for name in dict.fromkeys(types) if name in named]
    there = [each.workflow_type for each in brief.workflows]
    if called := named_in(text, there, weak=True):
        return [name for name in dict.fromkeys(there) if name in called]
    if not subject_of(text):
        return []
    # What a question would be started for, were it not about the session, is not what it asks about.
    meant = (each.known for each in index.meant(text)[:1])
    return [known.type.name for known in meant if not known.takes_questions or known.type.name in there]


def _chosen(brief: Brief, index: Index, text: Text) -> list[KnownWorkflow]:
    """The workflows that are asked about: those named, else those that know it, else what runs, else the last one."""
    newest = sorted(brief.workflows, key=lambda each: (not each.ended, each.updated_at), reverse=True)
    if named := _named(brief, index, text):
        of_type = [each for each in newest if each.workflow_type in named]
        live = [each for each in of_type if not each.ended]
        return live or of_type[:1] if len(named) == 1 else of_type
    if FAILURE & text.stems and (failed := [each for each in newest if each.status == "FAILED"]):
        return failed[:1]
    if asks_for_result(text) and (ended := [each for each in newest if each.status == "SUCCEEDED"]):
        return ended[:1]
    knowing = [each for each in newest if asked_in(each, text)]
    live = [each for each in newest if not each.ended]
    return knowing[:1] or live or newest[:1]


def _told(workflow: KnownWorkflow, brief: Brief, asked: frozenset[str]) -> str:
    """One workflow in a sentence."""
    name = _name(workflow, brief.workflows)
    headline = workflow.headline.strip().rstrip(".")
    if workflow.status == "QUEUED":
        return f"{name}: waiting for its turn."
    if workflow.status == "WAITING":
        return f"{name}: {_asks(workflow, brief.questions)}"
    if workflow.status == "RUNNING":
        doing = _doing(workflow.phases) or "running"
        told = f"{name}: {doing}, {_percent(workflow.fraction)} % complete"
        since = f" (started {_ago(brief.now - workflow.created_at)})" if asked & _TIMES else ""
        return f"{told}{since} — {headline}." if headline else f"{told}{since}."
    ended = f"{name}: {_ENDED.get(workflow.status, workflow.status.lower())} {_ago(brief.now - workflow.updated_at)}"
    why = workflow.last_error.strip().rstrip(".") if workflow.status in {"FAILED", "TIMED_OUT"} else ""
    return f"{ended} — {why or headline}." if why or headline else f"{ended}."


def _doing(phases: Sequence[str]) -> str:
    """The steps that run, those inside of one step told with it: `asking logs and metrics`."""
    inside: dict[str, list[str]] = {}
    for phase in phases:
        outer, _, inner = phase.rpartition("/")
        if not any(each.startswith(f"{phase}/") for each in phases):
            inside.setdefault(outer, []).append(plain(inner))
    return joined(
        " ".join(filter(None, (plain(outer) if outer else "", joined(inner)))) for outer, inner in inside.items()
    )


def _percent(fraction: float) -> int:
    """A share as all else shows it, rounded; but what is not all done is not 100."""
    return 99 if 0.99 < fraction < 1 else round(fraction * 100)  # noqa: PLR2004 - It is the very point.


def _name(workflow: KnownWorkflow, all_: Sequence[KnownWorkflow]) -> str:
    twins = [each for each in all_ if each.workflow_type == workflow.workflow_type]
    return f"{workflow.workflow_type} (…{workflow.workflow_id[-6:]})" if len(twins) > 1 else workflow.workflow_type


def _asks(workflow: KnownWorkflow, questions: Iterable[OpenQuestion]) -> str:
    mine = [each for each in questions if each.workflow_id == workflow.workflow_id]
    if not mine:
        return f"waiting — {workflow.headline.strip().rstrip('.') or 'for a decision'}."
    told = [
        f"{question_text(each.question) or 'a decision is needed'} You can answer with {options_of(each)}."
        for each in mine
    ]
    return "waiting for you — " + " ".join(told)


def _ago(micros: int) -> str:
    """A span of time up to now, in plain words."""
    seconds = max(micros, 0) // _MICROS
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def _facts_asked(workflows: Iterable[KnownWorkflow], text: Text) -> bool:
    return any(asked_in(each, text) for each in workflows)
