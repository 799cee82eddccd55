"""Which workflow type a text means: a small BM25 over names, descriptions, examples and fields."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stretto.orchestrator.brief import Example, KnownType
from stretto.orchestrator.understanding._offline.coded import names_in, takes_codes
from stretto.orchestrator.understanding._offline.fields import Field, fields_of
from stretto.orchestrator.understanding._offline.filling import Shape
from stretto.orchestrator.understanding._offline.lessons import Lesson, lessons_of
from stretto.orchestrator.understanding._offline.lexicon import CALENDAR, FAILURE, GENERIC, NUMBERS, STOP
from stretto.orchestrator.understanding._offline.selecting import title_of
from stretto.orchestrator.understanding._offline.stems import stem
from stretto.orchestrator.understanding._offline.text import Text, parts_of, read
from stretto.orchestrator.wording import title

__all__ = ["CLEAR", "ENOUGH", "Index", "Known", "Ranked", "telling"]

ENOUGH: Final = 1.2
"""A score from which a type is meant: about one telling word of its name, or of two of its examples."""

CLEAR: Final = 2 * ENOUGH
"""A score from which there is no doubt that a type is meant."""

CLOSE: Final = 0.75
"""The share of the best score from which another type may be meant as well."""

_NAME, _EXAMPLE, _DESCRIPTION, _FIELD = 3.0, 2.0, 1.5, 1.0
_GENERIC: Final = 0.25
_UNKNOWN: Final = 0.3
"""The share of a score that words can take away which a type does not know: names and details come along often."""

_BACKGROUND: Final = 10
"""Types that are thought to be there besides, so that a word is worth the same with one type as with five."""

_CODED: Final = 0.8
"""The worth of a name such as `nightly-etl` for types whose examples have such names: with one more word, enough."""

_SPECIAL_MIN: Final = 2
"""Examples of a special type that must have a word before it tells that type from the general one."""

_NAME_MARK: Final = "-"
"""Stands for a name such as `nightly-etl` among the stems of a text; no word has it for a stem."""

_FAILED: Final = min(FAILURE)
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

    @property
    def takes_questions(self) -> bool:
        """Whether all that it must have is in any message: then a question may be what it is for."""
        required = [field for field in self.shape.fields if field.required]
        return bool(required) and all(field.takes_message for field in required)

    @property
    def takes_names(self) -> bool:
        """Whether it is about things with names such as `nightly-etl`."""
        lessons = self.shape.lessons
        return any(takes_codes(field, lessons.get(field.name, Lesson())) for field in self.shape.fields)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A type and how well a text fits it."""

    known: Known
    score: float
    words: int
    """How many words of the text the type knows."""


class Index:
    """The known types, ready for ranking. It is made once for types that stay the same."""

    def __init__(self, types: tuple[KnownType, ...]) -> None:
        self.known = tuple(_known(each) for each in types)
        self.by_name: Mapping[str, Known] = {each.type.name: each for each in self.known}
        self._special = _special(self.known)
        self._weights = _weights(self.known, self._special)

    def rank(self, text: Text) -> list[Ranked]:
        """The types that a text may mean, the best first."""
        stems = _merged(telling(text)) | ({_NAME_MARK} if self.names_in(text) else set())
        scores = [_ranked(stems, known, each) for known, each in zip(self.known, self._weights, strict=True)]
        fit = [each for each in scores if each.score > 0 and self._is_special(each.known, text)]
        return sorted(fit, key=lambda each: -each.score)

    def names_in(self, text: Text) -> tuple[str, ...]:
        """The names such as `nightly-etl` in a text, without words that types are known by, such as `weight-loss`."""
        return tuple(name for name in names_in(text) if not all(self._knows(part) for part in parts_of(name)))

    def _knows(self, word: str) -> bool:
        return any(stem(word) in each for each in self._weights)

    def _is_special(self, known: Known, text: Text) -> bool:
        """Whether a text has what makes a type special, which most types are not."""
        return known.type.name not in self._special or bool(self._special[known.type.name] & text.stems)

    def without_general(self, names: Iterable[str]) -> frozenset[str]:
        """Of these types, all but those of which a special kind is there as well."""
        titles = {name: title_of(name) for name in names}
        special = [titles[name] for name in titles if name in self._special]
        return frozenset(name for name, own in titles.items() if not any(own < other for other in special))

    def meant(self, text: Text) -> list[Ranked]:
        """The types that a text means clearly: one, several that are close to each other, or none."""
        ranked = self.rank(text)
        if not ranked or ranked[0].score < ENOUGH:
            return []
        return [each for each in ranked if each.score >= ranked[0].score * CLOSE]


def _ranked(stems: frozenset[str], known: Known, weights: Mapping[str, float]) -> Ranked:
    """The worth of the words that are known of a type, less where many of a text are not."""
    found = [weights[each] for each in stems if each in weights]
    score = sum(found) * (1 - _UNKNOWN + _UNKNOWN * len(found) / len(stems)) if found else 0.0
    return Ranked(known, score, len(found))


def _special(all_: tuple[Known, ...]) -> dict[str, frozenset[str]]:
    """The stems that make a type a special kind of another one, whose whole name is a part of its own.

    They are those of its name and of several of its examples that the general type does not have.
    """
    titles = {known.type.name: title_of(known.type.name) for known in all_}
    special: dict[str, frozenset[str]] = {}
    for known in all_:
        own = titles[known.type.name]
        general = [each for each in all_ if titles[each.type.name] and titles[each.type.name] < own]
        if general:
            often = Counter(word for each in known.type.examples for word in telling(read(each.says)))
            said = own | {word for word, count in often.items() if count >= _SPECIAL_MIN}
            special[known.type.name] = said - frozenset().union(*(_said_of(each) for each in general))
    return special


def _said_of(known: Known) -> frozenset[str]:
    said = (read(each.says).stems for each in known.type.examples)
    return title_of(known.type.name).union(*said)


def _merged(stems: Iterable[str]) -> frozenset[str]:
    """Stems with one for all words that tell of a failure."""
    return frozenset(_FAILED if each in FAILURE else each for each in stems)


def telling(text: Text) -> frozenset[str]:
    """The stems of a text that may tell what it is about."""
    return frozenset(token.stem for token in text.tokens if token.word and token.lower not in _VAGUE)


def _known(each: KnownType) -> Known:
    fields = fields_of(each.input_schema)
    avoid = frozenset(map(stem, parts_of(each.name))) | read(each.description).stems | _field_words(fields)
    return Known(each, Shape(fields, lessons_of(fields, each.examples), avoid))


def _weights(known: tuple[Known, ...], special: Collection[str]) -> list[dict[str, float]]:
    """What each stem is worth for each type: often said there, and seldom of others.

    That a special kind of a type has its words as well makes them no less telling.
    """
    counts = [_counts(each) for each in known]
    seen = Counter(
        word for one, each in zip(known, counts, strict=True) if one.type.name not in special for word in each
    )
    total = len(known) + _BACKGROUND
    times = {word: seen[word] or 1 for each in counts for word in each}
    rarity = {word: math.log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in times.items()}
    weights = [
        {word: rarity[word] * n / (n + 1.5) * (_GENERIC if word in _WEAK else 1.0) for word, n in each.items()}
        for each in counts
    ]
    return [each | _coded(one) for one, each in zip(known, weights, strict=True)]


def _coded(known: Known) -> dict[str, float]:
    """The worth of a name such as `nightly-etl`."""
    return {_NAME_MARK: _CODED} if known.takes_names else {}


def _counts(known: Known) -> dict[str, float]:
    """How often each stem is said of a type, by the weight of the place."""
    counts: defaultdict[str, float] = defaultdict(float)
    values = {word for example in known.type.examples for word in _said(_parts(example))}
    for part in parts_of(known.type.name):
        counts[stem(part)] += _NAME
    for word in _merged(telling(read(known.type.description))):
        counts[word] += _DESCRIPTION
    for example in known.type.examples:
        # Names of people and the like are in one example only, and tell nothing.
        for word in _merged(telling(read(example.says)) - values):
            counts[word] += _EXAMPLE
    for word in _merged(_field_words(known.shape.fields)):
        counts[word] += _FIELD
    return counts


def _parts(example: Example) -> list[Any]:
    """The values of an example that are parts of its sentence; a message is all of it, and its words still tell."""
    return [value for value in example.input.values() if value != example.says]


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
