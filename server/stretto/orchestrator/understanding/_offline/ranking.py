"""Which workflow type a request means: a small BM25 over names, descriptions, examples and fields."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stretto.orchestrator.brief import KnownType
from stretto.orchestrator.understanding._offline.fields import Field, fields_of
from stretto.orchestrator.understanding._offline.filling import Shape
from stretto.orchestrator.understanding._offline.lessons import lessons_of
from stretto.orchestrator.understanding._offline.lexicon import CALENDAR, GENERIC, NUMBERS, STOP
from stretto.orchestrator.understanding._offline.stems import stem
from stretto.orchestrator.understanding._offline.text import Text, parts_of, read
from stretto.orchestrator.wording import title

__all__ = ["Index", "Known", "Ranked"]

ENOUGH: Final = 1.2
"""A score from which a type is meant: about one telling word of its name, or of two of its examples."""

CLOSE: Final = 0.75
"""The share of the best score from which another type may be meant as well."""

_NAME, _EXAMPLE, _DESCRIPTION, _FIELD = 3.0, 2.0, 1.5, 1.0
_GENERIC: Final = 0.25
_UNKNOWN: Final = 0.3
"""The share of a score that words can take away which a type does not know: names and details come along often."""

_BACKGROUND: Final = 10
"""Types that are thought to be there besides, so that a word is worth the same with one type as with five."""

_VAGUE: Final = STOP | CALENDAR | frozenset(NUMBERS)
_WEAK: Final = frozenset(map(stem, GENERIC))


@dataclass(frozen=True, slots=True)
class Known:
    """A workflow type, and what is needed to fill in its input."""

    type: KnownType
    shape: Shape

    @property
    def label(self) -> str:
        """Its name in plain words."""
        return title(" ".join(parts_of(self.type.name)) or self.type.name)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A type and how well a text fits it."""

    known: Known
    score: float


class Index:
    """The known types, ready for ranking. It is made once for types that stay the same."""

    def __init__(self, types: tuple[KnownType, ...]) -> None:
        self.known = tuple(_known(each) for each in types)
        self.by_name: Mapping[str, Known] = {each.type.name: each for each in self.known}
        self._weights = _weights(self.known)

    def rank(self, text: Text) -> list[Ranked]:
        """The types that a text may mean, the best first."""
        stems = telling(text)
        scores = [Ranked(known, _score(stems, each)) for known, each in zip(self.known, self._weights, strict=True)]
        return sorted((each for each in scores if each.score > 0), key=lambda each: -each.score)

    def meant(self, text: Text) -> list[Ranked]:
        """The types that a text means clearly: one, several that are close to each other, or none."""
        ranked = self.rank(text)
        if not ranked or ranked[0].score < ENOUGH:
            return []
        return [each for each in ranked if each.score >= ranked[0].score * CLOSE]


def _score(stems: frozenset[str], weights: Mapping[str, float]) -> float:
    """The worth of the words that are known of a type, less where many of a text are not."""
    found = [weights[each] for each in stems if each in weights]
    return sum(found) * (1 - _UNKNOWN + _UNKNOWN * len(found) / len(stems)) if found else 0.0


def telling(text: Text) -> frozenset[str]:
    """The stems of a text that may tell what it is about."""
    return frozenset(token.stem for token in text.tokens if token.word and token.lower not in _VAGUE)


def _known(each: KnownType) -> Known:
    fields = fields_of(each.input_schema)
    avoid = frozenset(map(stem, parts_of(each.name))) | read(each.description).stems | _field_words(fields)
    return Known(each, Shape(fields, lessons_of(fields, each.examples), avoid))


def _weights(known: tuple[Known, ...]) -> list[dict[str, float]]:
    """What each stem is worth for each type: often said there, and seldom of others."""
    counts = [_counts(each) for each in known]
    seen = Counter(word for each in counts for word in each)
    total = len(known) + _BACKGROUND
    rarity = {word: math.log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in seen.items()}
    return [
        {word: rarity[word] * n / (n + 1.5) * (_GENERIC if word in _WEAK else 1.0) for word, n in each.items()}
        for each in counts
    ]


def _counts(known: Known) -> dict[str, float]:
    """How often each stem is said of a type, by the weight of the place."""
    counts: defaultdict[str, float] = defaultdict(float)
    values = {word for example in known.type.examples for word in _said(example.input.values())}
    for part in parts_of(known.type.name):
        counts[stem(part)] += _NAME
    for word in telling(read(known.type.description)):
        counts[word] += _DESCRIPTION
    for example in known.type.examples:
        # Names of people and the like are in one example only, and tell nothing.
        for word in telling(read(example.says)) - values:
            counts[word] += _EXAMPLE
    for word in _field_words(known.shape.fields):
        counts[word] += _FIELD
    return counts


def _said(values: Iterable[Any]) -> Iterable[str]:
    """The stems of texts among values, those of enums not included."""
    for value in values:
        if isinstance(value, str) and not value.isupper():
            yield from read(value).stems
        elif isinstance(value, list | tuple):
            yield from _said(value)
        elif isinstance(value, Mapping):
            yield from _said(value.values())


def _field_words(fields: Iterable[Field]) -> frozenset[str]:
    names = (part for field in fields for part in parts_of(field.name))
    choices = (word for field in fields for choice in field.choices for word in choice.label.split())
    return frozenset(stem(word) for word in (*names, *choices) if word not in _VAGUE)
