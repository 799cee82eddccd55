"""Values of enums and flags that a text mentions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from stretto.orchestrator.understanding._offline.fields import Choice, Field
from stretto.orchestrator.understanding._offline.lessons import Lesson
from stretto.orchestrator.understanding._offline.lexicon import GENERIC, STOP
from stretto.orchestrator.understanding._offline.scene import Scene
from stretto.orchestrator.understanding._offline.stems import kin, words
from stretto.orchestrator.understanding._offline.text import Token

__all__ = ["choose", "flags"]

_GAP_MAX: Final = 3
"""Words between the parts of a value: `lose a little weight`."""

_PARTICLES: Final = frozenset(words("back up down over in out on off around through"))
_DETERMINERS: Final = frozenset(words("my his her their your the a an bad sore hurt lower upper"))
_YES: Final = frozenset({"yes", "true", "on"})
_NO: Final = frozenset({"no", "false", "off"})


@dataclass(frozen=True, slots=True)
class _Mention:
    field: Field
    choice: Choice
    first: int
    after: int
    near: bool


def choose(fields: Iterable[Field], lessons: Mapping[str, Lesson], scene: Scene) -> dict[str, Any]:
    """The values of fields with choices: one for a field, or all that are mentioned for a list."""
    mentions = [
        mention
        for field in fields
        if field.choices
        for mention in (*_mentions(field, scene), *_by_alias(field, lessons.get(field.name, Lesson()), scene))
    ]
    # Next to the field's name a value is surely meant; of two values in the same place, the longer one is.
    mentions.sort(key=lambda each: (not each.near, -len(each.choice.stems), each.first))
    chosen: dict[str, Any] = {}
    for each in mentions:
        if (each.field.name in chosen and each.field.kind != "list") or not scene.free_tokens(each.first, each.after):
            continue
        scene.take_tokens(each.first, each.after)
        if each.field.kind == "list":
            chosen.setdefault(each.field.name, []).append((each.first, each.choice.value))
        else:
            chosen[each.field.name] = each.choice.value
    return {name: _in_order(value) if isinstance(value, list) else value for name, value in chosen.items()}


def _in_order(found: list[tuple[int, Any]]) -> list[Any]:
    return list(dict.fromkeys(value for _, value in sorted(found, key=lambda each: each[0])))


def _mentions(field: Field, scene: Scene) -> Iterator[_Mention]:
    for choice in field.choices:
        weak = all(word in STOP or word in GENERIC or len(word) == 1 for word in choice.label.split())
        particle = choice.label in _PARTICLES
        if not all(_has_kin(scene.text.stems, each) for each in choice.stems):
            continue
        for first, after in _places(choice.stems, scene.text.tokens):
            near = scene.named_near(field.words, first, after)
            told = near or (_as_noun(scene, first) if particle else not weak)
            if told and scene.negated(first) == field.excludes:
                yield _Mention(field, choice, first, after, near)


def _as_noun(scene: Scene, first: int) -> bool:
    """Whether a word such as `back` is a thing here, as in `my lower back`, and no direction."""
    before = [token.lower for token in scene.text.tokens[max(first - 2, 0) : first]]
    return bool(_DETERMINERS & set(before)) or bool(before and before[-1] in {",", "and"})


def _by_alias(field: Field, lesson: Lesson, scene: Scene) -> Iterator[_Mention]:
    """Choices that are meant by a part of their words, as examples did."""
    for index, token in enumerate(scene.text.tokens):
        if token.word and token.stem in lesson.aliases and scene.negated(index) == field.excludes:
            value = lesson.aliases[token.stem]
            # A part is less sure than a whole, so it counts as no words at all.
            yield _Mention(field, Choice(value, token.lower, ()), index, index + 1, near=False)


@lru_cache(maxsize=32_768)
def _has_kin(said: frozenset[str], wanted: str) -> bool:
    """Whether a text has a word of this family: most have none, and need not be searched."""
    return any(kin(each, wanted) for each in said)


def _places(stems: tuple[str, ...], tokens: tuple[Token, ...]) -> Iterator[tuple[int, int]]:
    """Where all these words stand close together, in any order."""
    for index, token in enumerate(tokens):
        if not any(kin(token.stem, each) for each in stems):
            continue
        left, place = list(stems), index
        while left and place < min(index + len(stems) + _GAP_MAX, len(tokens)):
            found = next((each for each in left if kin(tokens[place].stem, each)), None)
            if found is not None:
                left.remove(found)
            elif not tokens[place].word and tokens[place].text != "-":
                break
            place += 1
        if not left:
            yield index, place


def flags(fields: Iterable[Field], scene: Scene) -> dict[str, bool]:
    """The flags that a text mentions: true, unless it denies them."""
    found: dict[str, bool] = {}
    for field in fields:
        if field.kind != "flag":
            continue
        for index, token in enumerate(scene.text.tokens):
            if token.word and kin(token.stem, field.words[-1]):
                found[field.name] = _told(scene, index)
                scene.take_tokens(index, index + 1)
                break
    return found


def _told(scene: Scene, index: int) -> bool:
    following = [token.lower for token in scene.text.tokens[index + 1 : index + 3]]
    if following[:1] in ([":"], ["="], ["is"]) and following[1:] and following[1] in _YES | _NO:
        return following[1] in _YES
    return not scene.negated(index)
