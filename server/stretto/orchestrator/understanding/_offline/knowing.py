"""What is known of a workflow that a question asks for: fields by their names, or what was found."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from stretto.orchestrator.brief import KnownWorkflow
from stretto.orchestrator.understanding._offline.asking import joined
from stretto.orchestrator.understanding._offline.lexicon import FAILURE
from stretto.orchestrator.understanding._offline.ranking import telling
from stretto.orchestrator.understanding._offline.stems import kin, stem, stems
from stretto.orchestrator.understanding._offline.text import Text, parts_of

__all__ = ["asked_in", "asks_for_result", "found_by"]

FACTS_MAX: Final = 4
"""Facts that one answer tells of a workflow."""

ITEMS_MAX: Final = 5
"""Of a list, this many are told."""

_VALUE_CHARACTERS_MAX: Final = 200
_RESULT: Final = stems("find found finding result outcome conclusion summary come")
_COUNT: Final = "count"
"""Ends the name of how many items a list has, of which the list itself may have the first ones only."""

_SENTENCE_WORDS: Final = 4
_ENDS: Final = (".", "!", "?", "…")
_BARE: Final = frozenset({"summary", "headline", "text", "explanation", "prose", "note", "answer"})
"""Names that add nothing to the sentence that they are the name of."""

_MEANT: Final = tuple(
    (re.compile(words), stems(names))
    for words, names in (
        (
            r"\b(?:i|we|to) do\b|\bwhat (?:now|next)\b|\bnext steps?\b|\b(?:fix|solve|repair|prevent)\b",
            "action measure recommendation advice step task",
        ),
        (r"\bwhy\b|\bcaused?\b|\bcauses\b|\breasons?\b", "cause reason"),
        (r"\b(?:wrong|problems?|issues?|broken)\b", "finding problem issue anomaly risk"),
        (r"\b(?:missing|incomplete|unclear|open)\b", "gap"),
        (r"\b(?:careful|worry|watch out|beware)\b", "warning risk"),
        (r"\b(?:bad|severe|serious|urgent)\b", "severity"),
    )
)
"""What people say, and the names of fields that hold what they mean by it."""


@dataclass(frozen=True, slots=True)
class _Fact:
    """A value and the words of its name; those of what it is a part of come before them in `path`."""

    path: tuple[str, ...]
    own: tuple[str, ...]
    value: Any
    column: bool
    """Whether it is one field of all items of a list which is a fact as well."""


def asks_for_result(text: Text) -> bool:
    """Whether a question asks for what came out of a workflow, whatever that is."""
    return bool(_RESULT & text.stems)


def asked_in(workflow: KnownWorkflow, text: Text) -> list[str]:
    """The facts that a question asks for, in sentences: by everyday words for them, or else by their names."""
    counted = "many" in text.words
    facts = [_narrowed(fact, text) for fact in _facts(workflow.facts, counted=counted)]
    ways = ([fact for fact in facts if asks(fact)] for asks in _ways(workflow, text))
    return next(filter(None, (_told(asked, workflow, counted=counted) for asked in ways)), [])


def found_by(workflow: KnownWorkflow) -> list[str]:
    """What a workflow found, in sentences: its first facts, for those that tell most come first."""
    return _told(_facts(workflow.facts, counted=False), workflow, counted=False)


def _ways(workflow: KnownWorkflow, text: Text) -> Iterator[Callable[[_Fact], bool]]:
    """How a question may ask for a fact, surest first: its own name before those of what it is a part of."""
    said = " ".join(text.words)
    meant = frozenset[str]().union(*(names for words, names in _MEANT if words.search(said)))
    asked = telling(text) - frozenset(map(stem, parts_of(workflow.workflow_type))) - _RESULT
    yield lambda fact: bool(meant & frozenset(map(stem, fact.own)))
    yield lambda fact: _names(fact.own, asked - FAILURE, text)
    yield lambda fact: not fact.column and _names(fact.path, asked - FAILURE, text)
    yield lambda fact: not fact.column and _names(fact.path, asked, text)


def _names(words: Sequence[str], asked: frozenset[str], text: Text) -> bool:
    """Whether a question has all words of a name, or one that tells."""
    if all(word in text.words for word in words):
        return True
    found = [stem(word) for word in words]
    return all(each in text.stems - _RESULT for each in found) or any(
        kin(each, word) for each in found for word in asked
    )


def _narrowed(fact: _Fact, text: Text) -> _Fact:
    """A fact with those items of a list only that a question names, where it names some."""
    if not fact.column or not isinstance(fact.value, list | tuple):
        return fact
    said = text.raw.lower()
    named = [each for each in fact.value if str(each).partition(": ")[0].lower() in said]
    return replace(fact, value=named) if named else fact


def _facts(known: Mapping[str, Any], *, counted: bool) -> list[_Fact]:
    """The facts; of a list and how long it is, only the one that is wanted."""
    leaves = list(_leaves((), known))
    names = {path for path, _ in leaves}
    facts = [_Fact(_words(path), _words(path[-1:]), value, path[:-1] in names) for path, value in leaves]
    keys = {_key(fact.path) for fact in facts}
    if counted:
        return [fact for fact in facts if _key((*fact.path, _COUNT)) not in keys]
    return [fact for fact in facts if fact.own[-1] != _COUNT or _key(fact.path[:-1]) not in keys]


def _key(path: Iterable[str]) -> tuple[str, ...]:
    """What `task_count` and `tasks` have in common."""
    return tuple(map(stem, path))


def _words(path: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for name in path for word in parts_of(name) or (name,))


def _leaves(path: tuple[str, ...], facts: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The facts that are no containers, with the names on the way to them; a point in a name parts it as well."""
    for key, value in facts.items():
        names = (*path, *(filter(None, str(key).split(".")) if str(key).strip(".") else (str(key),)))
        if isinstance(value, Mapping) and len(path) < 2:  # noqa: PLR2004 - Deeper facts have no names of their own.
            yield from _leaves(names, value)
        elif value not in (None, "", [], {}):
            yield names, value


def _told(facts: Iterable[_Fact], workflow: KnownWorkflow, *, counted: bool) -> list[str]:
    """Facts in sentences, without what the headline or another one has said."""
    said = workflow.headline
    told: list[str] = []
    for fact in facts:
        sentence = _sentence(fact, said, counted=counted)
        if sentence and len(told) < FACTS_MAX:
            told.append(sentence)
            said = f"{said} {sentence}"
    return told


def _sentence(fact: _Fact, said: str, *, counted: bool) -> str:
    """A fact in a sentence; empty when all of it was said."""
    many = isinstance(fact.value, list | tuple)
    shown = _listed(fact.value, said, counted=counted) if many else _shown(fact.value)
    if not shown or (len(shown.split()) > 1 and _was_said(shown, said)):
        return ""
    name = fact.own if many else fact.path
    bare = fact.own[-1] in _BARE and len(shown.split()) >= _SENTENCE_WORDS
    return shown if bare else f"{' '.join(name)}: {shown}"


def _listed(items: Sequence[Any], said: str, *, counted: bool) -> str:
    """The first items of a list, or how many there are when that is asked or nothing else can be told."""
    if counted or not all(isinstance(each, str | int | float) for each in items):
        return str(len(items))
    new = [shown for shown in map(_shown, items) if " " not in shown or not _was_said(shown, said)]
    first, more = new[:ITEMS_MAX], len(new) - ITEMS_MAX
    if any(each.endswith(_ENDS) for each in first):
        whole = [each if each.endswith(_ENDS) else f"{each}." for each in first]
        return " ".join([*whole, f"And {more} more."] if more > 0 else whole)
    told = [*first, f"{more} more"] if more > 0 else first
    return "; ".join(told) if any(", " in each for each in first) else joined(told)


def _was_said(words: str, said: str) -> bool:
    """Whether a text was said before, be it under another name."""
    bare = words.rstrip(".… ")
    return bare in said or (": " in bare and bare.partition(": ")[2] in said)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)[:_VALUE_CHARACTERS_MAX]
