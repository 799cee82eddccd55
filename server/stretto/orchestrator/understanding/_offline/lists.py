"""Lists of words that a message gives for a field: `knee and shoulder injuries`, `equipment: bands, a mat`."""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from stretto.orchestrator.understanding._offline.fields import Field
from stretto.orchestrator.understanding._offline.lessons import Lesson
from stretto.orchestrator.understanding._offline.lexicon import CALENDAR, STOP
from stretto.orchestrator.understanding._offline.numbers import amount
from stretto.orchestrator.understanding._offline.quantities import number_of
from stretto.orchestrator.understanding._offline.scene import Scene
from stretto.orchestrator.understanding._offline.stems import kin, stem

__all__ = ["lists", "maps"]

_ITEM_WORDS_MAX: Final = 3
_ITEM: Final = re.compile(r"[^;\n]+")
_SENTENCE_MIN: Final = 500
"""Characters of an item from which on it may be a sentence, and a word or two of one would say less than it."""

_LINKS: Final = frozenset({",", "and", "&", "or", "plus"})
_OPENERS: Final = frozenset({":", "=", "is", "are", "in", "to", "of", "at", "include", "includes", "including"})
_STOPS: Final = frozenset({".", "\n", "?", ";"})
_ARTICLES: Final = frozenset({"a", "an", "the", "my", "some", "our", "both"})

_Items = list[tuple[int, str]]


def lists(fields: Iterable[Field], lessons: Mapping[str, Lesson], scene: Scene) -> dict[str, list[str]]:
    """The values of fields that are lists of texts, in the order in which they are said."""
    wanted = [field for field in fields if _takes_words(field)]
    found: dict[str, _Items] = {field.name: _known(lessons.get(field.name, Lesson()), scene) for field in wanted}
    for field in wanted:
        found[field.name] += _sentences(field, scene) if _takes_sentences(field) else _named(field, scene)
    for field in (each for each in wanted if not _takes_sentences(each)):
        lesson = lessons.get(field.name, Lesson())
        found[field.name] += _framed(lesson, scene)
        if found[field.name]:
            found[field.name] += _joined(found[field.name], lesson, scene)
    return {name: _in_order(items) for name, items in found.items() if items}


def _takes_words(field: Field) -> bool:
    return (
        field.kind == "list"
        and not field.choices
        and field.item is not None
        and field.item.schema.get("type") == "string"
    )


def _in_order(items: _Items) -> list[str]:
    return list(dict.fromkeys(value for _, value in sorted(items)))


def _known(lesson: Lesson, scene: Scene) -> _Items:
    """Values that examples had, wherever they stand."""
    items: _Items = []
    for stems, value in sorted(lesson.known.items(), key=lambda each: -len(each[0])):
        place = scene.text.find(stems)
        if place >= 0 and scene.free_tokens(place, place + len(stems)) and not scene.negated(place):
            scene.take_tokens(place, place + len(stems))
            items.append((place, value))
    return items


def _named(field: Field, scene: Scene) -> _Items:
    """Values next to the field's own name."""
    tokens = scene.text.tokens
    for index, token in enumerate(tokens):
        if token.word and kin(token.stem, field.words[-1]) and not scene.negated(index):
            following = tokens[index + 1].lower if index + 1 < len(tokens) else ""
            if following in _OPENERS:
                return _forward(scene, index + 2)
            if items := _backward(scene, index):
                return items
    return []


def _takes_sentences(field: Field) -> bool:
    return field.item is not None and field.item.schema.get("maxLength", 0) >= _SENTENCE_MIN


def _sentences(field: Field, scene: Scene) -> _Items:
    """What stands behind the field's own name and a colon, with semicolons or line ends between the items."""
    tokens = scene.text.tokens
    for token, colon in pairwise(tokens):
        if colon.text == ":" and token.word and kin(token.stem, field.words[-1]):
            items = _ITEM.finditer(scene.text.raw, colon.end)
            return [(item.start(), said) for item in items if (said := item[0].strip(" \t.-"))]
    return []


def _framed(lesson: Lesson, scene: Scene) -> _Items:
    """What stands after telling words that stood before a value of an example: `a bad ...`, `water the ...`."""
    said = [token.lower for token in scene.text.tokens]
    items: _Items = []
    for frame in lesson.frames:
        before = frame.before[-1:] if frame.before and frame.before[-1] not in STOP | _LINKS else frame.before
        if not before or all(word in STOP for word in before) or _LINKS & set(before):
            continue
        for index in range(len(said) - len(before)):
            if tuple(said[index : index + len(before)]) == before:
                items += _forward(scene, index + len(before), single=len(before) == 1)
    return items


def _joined(items: _Items, lesson: Lesson, scene: Scene) -> _Items:
    """What is listed together with a value that is known: the bands of `dumbbells and bands`."""
    more: _Items = []
    tokens = scene.text.tokens
    for place, value in items:
        size = next((len(stems) for stems, known in lesson.known.items() if known == value), 0)
        after = place + size
        if size and after < len(tokens) and tokens[after].lower in _LINKS:
            more += _forward(scene, after + 1)
        if size and place > 1 and tokens[place - 1].lower in _LINKS:
            more += _backward(scene, place - 1)
    return more


def _forward(scene: Scene, start: int, *, single: bool = False) -> _Items:
    """The items from a token on."""
    items: _Items = []
    tokens = scene.text.tokens
    place = start
    while place < len(tokens):
        while place < len(tokens) and tokens[place].lower in _ARTICLES | _LINKS:
            place += 1
        after = place
        while after < len(tokens) and after - place < _ITEM_WORDS_MAX and _fits(scene, after, after > place):
            after += 1
        if after == place:
            break
        items.append((place, scene.text.between(place, after)))
        scene.take_tokens(place, after)
        if single or after >= len(tokens) or tokens[after].lower not in _LINKS:
            break
        place = after + 1
    return items


def _backward(scene: Scene, end: int) -> _Items:
    """The one-word items right before a token."""
    items: _Items = []
    tokens = scene.text.tokens
    place = end - 1
    while place >= 0 and _fits(scene, place, inside=False):
        items.append((place, tokens[place].text))
        scene.take_tokens(place, place + 1)
        if place < 1 or tokens[place - 1].lower not in _LINKS:
            break
        place -= 2
    return items


def _fits(scene: Scene, index: int, inside: bool) -> bool:  # noqa: FBT001 - Whether words of the item stand before it.
    """Whether a token can be a word of an item."""
    token = scene.text.tokens[index]
    if not token.word or not token.content or token.lower in CALENDAR or token.lower in _LINKS:
        return token.text == "-" and inside
    return scene.free_tokens(index, index + 1) and not (token.opens and inside)


def maps(fields: Iterable[Field], scene: Scene) -> dict[str, dict[str, Any]]:
    """Maps of numbers, after the field's own name, or by the keys that it may have: `groceries 300, rent 900`."""
    found: dict[str, dict[str, Any]] = {}
    for field in fields:
        inner = field.schema.get("additionalProperties")
        if field.kind != "map" or not isinstance(inner, Mapping) or "properties" in inner:
            continue
        keys = frozenset(field.schema.get("propertyNames", {}).get("enum", ()))
        starts = [0] if keys else []
        named = [n + 1 for n, each in enumerate(scene.text.tokens) if each.word and kin(each.stem, field.words[-1])]
        for start in (*named, *starts):
            if pairs := _pairs(field, inner, scene, start):
                found[field.name] = {key: value for key, value in pairs.items() if not keys or key in keys}
                break
    return {name: pairs for name, pairs in found.items() if pairs}


def _pairs(field: Field, inner: Mapping[str, Any], scene: Scene, start: int) -> dict[str, Any]:
    """Words and the number after them, or before them with a `for`, for as long as they come."""
    value_field = Field(name=field.name, schema=inner, kind="number", required=False, words=field.words)
    pairs: dict[str, Any] = {}
    words: list[str] = []
    waiting: Any = None
    for token in scene.text.tokens[start:]:
        if token.text in _STOPS and (pairs or waiting is not None):
            break
        if token.number and scene.free(token.start, token.end):
            value = amount(value_field, number_of(token.text))
            if words:
                pairs[words[-1] if field.schema.get("propertyNames") else " ".join(words)] = value
            else:
                waiting = value
            words = []
        elif token.content and stem(token.lower) not in field.words:
            words.append(token.lower)
            if waiting is not None:
                pairs[words.pop()] = waiting
                waiting = None
    return {name: value for name, value in pairs.items() if value is not None}
