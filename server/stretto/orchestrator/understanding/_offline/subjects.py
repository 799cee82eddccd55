"""What a question is about: the session itself, or something else that a workflow could find out."""

import json
import re
from collections.abc import Iterable
from typing import Final, Literal

from stretto.orchestrator.brief import Brief, KnownWorkflow
from stretto.orchestrator.understanding._offline.lexicon import FAILURE, GENERIC
from stretto.orchestrator.understanding._offline.ranking import CLEAR, Index, Known, telling
from stretto.orchestrator.understanding._offline.selecting import title_of
from stretto.orchestrator.understanding._offline.speech import wants_recalled
from stretto.orchestrator.understanding._offline.stems import stem, stems
from stretto.orchestrator.understanding._offline.text import Text, parts_of

__all__ = ["About", "about", "points_here", "subject_of"]

About = Literal["session", "unsure", "else"]

_ENDING_MAX: Final = 3
"""Letters that a word has more than its stem, mostly."""

WORDS_MIN: Final = 2
"""Words that a type must know of a question which nothing in the session could be meant by."""

_HERE: Final = frozenset({"it", "they", "them", "everything", "anything", "something", "you"})
_POINTING: Final = frozenset({"this", "that", "these", "those", "all"})
_GENERIC: Final = frozenset(map(stem, GENERIC))
_HOW_IT_GOES: Final = (
    stems("status progress news update go going went gone running done finished ready complete happen")
    | stems("result outcome summary find found finding conclusion far long wait stuck slow late stop session")
    | FAILURE
    | _GENERIC
)
"""Stems of words that say how something goes, and not what."""

_ASKS_WHAT_IT_MEANS: Final = re.compile(r"what(?:'s| is| are) an? |what does .{1,60} mean\b|(?:define|explain) ")


def about(brief: Brief, index: Index, text: Text, known: Known, *, told_more: bool = False) -> About:
    """What a question is about that this type could be started for.

    `told_more` says that there is more to the message than the question, which is hardly there for nothing.
    """
    said = " ".join(text.words)
    if wants_recalled(text) or _ASKS_WHAT_IT_MEANS.match(said):
        return "session"
    if names := index.names_in(text):
        return "session" if _named_here(names, brief, index) else "else"
    if points_here(index, text, known) or bool(text.stems & (title_of(known.type.name) - _GENERIC)):
        return "session"
    if told_more:
        return "else"
    same = any(each.workflow_type == known.type.name for each in brief.workflows)
    if same or any(_tells_of(each, subject_of(text)) for each in brief.workflows):
        return "session"
    found = next((each for each in index.rank(text) if each.known is known), None)
    clear = found is not None and (found.score >= CLEAR or (not brief.workflows and found.words >= WORDS_MIN))
    return "else" if clear else "unsure"


def points_here(index: Index, text: Text, known: Known) -> bool:
    """Whether a text has no subject but what is done in the session: `it`, `my plan`, or nothing at all.

    What this type works on may be called as other types are.
    """
    if index.names_in(text):
        return False
    others = (title_of(each.type.name) for each in index.known if each is not known)
    called = frozenset().union(*others) - title_of(known.type.name)
    return _points(text) or not subject_of(text) or bool(text.stems & called)


def subject_of(text: Text) -> frozenset[str]:
    """The stems that say what a question is about, and not how that goes."""
    return telling(text) - _HOW_IT_GOES


def _points(text: Text) -> bool:
    """Whether a text points at what was spoken of: `why did it fail`, and not `the machine is slow when it starts`."""
    tokens = text.tokens
    subject = subject_of(text)
    for place, token in enumerate(tokens):
        if token.stem in subject:
            return False  # What it points at from here on was said in the text itself.
        after = place + 1 < len(tokens) and tokens[place + 1].stem in subject
        if token.lower in _HERE or (token.lower in _POINTING and not after):
            return True
    return False


def _named_here(names: Iterable[str], brief: Brief, index: Index) -> bool:
    """Whether such a name is that of a type or workflow, or stands in what is known of a workflow."""
    types = {parts_of(each.type.name) for each in index.known}
    known = " ".join(_known_of(each) for each in brief.workflows)
    return any(parts_of(name) in types or name.lower() in known for name in names)


def _known_of(workflow: KnownWorkflow) -> str:
    facts = json.dumps(workflow.facts, ensure_ascii=False, default=str)
    return f"{workflow.workflow_id} {workflow.headline} {workflow.last_error} {facts}".lower()


def _tells_of(workflow: KnownWorkflow, subject: frozenset[str]) -> bool:
    """Whether a word of the subject stands in what is known of a workflow: too much to be read for a question."""
    words = "|".join(re.sub("i$", "[iy]", re.escape(each)) for each in sorted(subject))
    return re.search(rf"(?<![a-z])(?:{words})[a-z]{{0,{_ENDING_MAX}}}(?![a-z])", _known_of(workflow)) is not None
