"""Which of several things a message means: by their words, by their places, or all of them."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

from stretto.orchestrator.brief import KnownWorkflow, OpenQuestion
from stretto.orchestrator.understanding._offline.lexicon import GENERIC, ORDINALS
from stretto.orchestrator.understanding._offline.stems import stem
from stretto.orchestrator.understanding._offline.text import Text, parts_of, read
from stretto.orchestrator.understanding._offline.verdicts import MEANINGS
from stretto.orchestrator.wording import title

__all__ = ["label_of", "means_all", "named_in", "question_text", "select", "title_of", "words_of"]

T = TypeVar("T")

_ALL: Final = frozenset({"all", "both", "everything", "them"})
_WEAK: Final = frozenset(map(stem, GENERIC))
_ID_SHOWN: Final = 6


def select(text: Text, things: Sequence[T], words: Sequence[frozenset[str]]) -> list[T]:
    """The things that a text means; empty when it tells nothing. `words` are the stems that belong to each.

    What several have in common tells none of them apart.
    """
    if means_all(text):
        return list(things)
    if place := _ordinal(text, len(things)):
        return [things[place - 1]]
    said = text.stems
    scores = [len(said & own) for own in _own(words)]
    best = max(scores, default=0)
    return [thing for thing, score in zip(things, scores, strict=True) if best and score == best]


def means_all(text: Text) -> bool:
    """Whether a text means all of several things."""
    return bool(_ALL & set(text.words))


def _own(words: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    common = frozenset.intersection(*words) if len(words) > 1 else frozenset()
    return [each - common for each in words]


def _ordinal(text: Text, count: int) -> int:
    """The place, from 1, that `the first one` or `the last` names; 0 when none does."""
    words = text.words
    for index, word in enumerate(words):
        told = index > 0 and words[index - 1] == "the"
        bare = len(words) <= 2  # noqa: PLR2004 - `First`, `second one`.
        if (told or bare) and (word == "last" or word in ORDINALS):
            place = count if word == "last" else ORDINALS[word] + 1
            return place if place <= count else 0
    return 0


def title_of(workflow_type: str) -> frozenset[str]:
    """The stems of a type's name."""
    return frozenset(map(stem, parts_of(workflow_type)))


def named_in(text: Text, workflow_types: Iterable[str], *, weak: bool = False) -> frozenset[str]:
    """Those types of whose names a text has a telling word that no other of them has; with `weak`, any word."""
    types = tuple(dict.fromkeys(workflow_types))
    stems = [title_of(each) for each in types]
    found = set()
    for name, own in zip(types, stems, strict=True):
        others = frozenset().union(*(each for each in stems if each != own))
        if text.stems & (own - others - (frozenset() if weak else _WEAK)):
            found.add(name)
    return frozenset(found)


def question_text(question: Any) -> str:
    """What an interrupt asks, as a sentence; empty when it is nothing that can be read out."""
    if isinstance(question, str):
        return question.strip()
    if isinstance(question, dict):
        told = (question.get(key) for key in ("question", "message", "text", "title", "prompt"))
        return next((each.strip() for each in told if isinstance(each, str) and each.strip()), "")
    return ""


def label_of(thing: KnownWorkflow | OpenQuestion, others: Iterable[KnownWorkflow | OpenQuestion]) -> str:
    """The type's name in plain words, and the end of the id where two are of one type."""
    label = title(" ".join(parts_of(thing.workflow_type)) or thing.workflow_type)
    twins = {each.workflow_id for each in others if each.workflow_type == thing.workflow_type}
    return f"{label} (…{thing.workflow_id[-_ID_SHOWN:]})" if len(twins) > 1 else label


def words_of(question: OpenQuestion) -> frozenset[str]:
    """The stems that tell an open question."""
    asked = question.question
    shown = [value for value in asked.values() if isinstance(value, str)] if isinstance(asked, dict) else [str(asked)]
    texts = [token.stem for each in shown for token in read(each).tokens if token.content]
    told = title_of(question.workflow_type) | frozenset(texts) | frozenset(map(stem, parts_of(question.step)))
    return told - frozenset().union(*MEANINGS.values())
