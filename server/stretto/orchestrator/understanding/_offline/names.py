"""Names, roles and other short texts that a message gives for fields."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from stretto.orchestrator.understanding._offline.fields import Field
from stretto.orchestrator.understanding._offline.lessons import Frame, Lesson
from stretto.orchestrator.understanding._offline.lexicon import CALENDAR, STOP
from stretto.orchestrator.understanding._offline.scene import Scene
from stretto.orchestrator.understanding._offline.stems import kin, words
from stretto.orchestrator.understanding._offline.text import Token

__all__ = ["QUOTED", "addresses", "texts"]

_WORDS_MAX: Final = 6
"""Words of a name or a title; more are a sentence."""

_ENDS: Final = frozenset(
    words("""
    a about also an and as at because begin beginning begins but by called every for from her his in into is it its my
    named next on or our please remotely reporting she he so start starting starts that the their then there they this
    to today tomorrow under until using we which while who will with works working you your""")
)
"""Words with which a name or a title ends."""

_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK: Final = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
_AFTER_NAMES: Final = frozenset(words("starts begins joins is will works has comes moves arrives"))
_LINKS: Final = frozenset({"is", ":", "=", "will", "to", "should", "must", "becomes"})
_SKIPPED: Final = frozenset(words("a an the our new my"))
_QUOTES: Final = frozenset('"\u201c\u201d')
_JOINTS: Final = frozenset({"-", "'", "&"})
_PARTICLES: Final = frozenset(words("da de di do dos del der den el la le van von bin al ten ter"))
"""Small words within names."""

QUOTED: Final = re.compile(r"[\"\u201c\u201d]([^\"\u201c\u201d]{1,200})[\"\u201c\u201d]|(?<!\w)'([^']{1,200})'(?!\w)")

Span = tuple[int, int]


def addresses(fields: Iterable[Field], scene: Scene) -> dict[str, str]:
    """E-mail addresses and links."""
    found: dict[str, str] = {}
    for field in fields:
        pattern = {"email": _EMAIL, "link": _LINK}.get(field.kind)
        for match in pattern.finditer(scene.text.raw) if pattern else ():
            if scene.free(*match.span()):
                found[field.name] = match[0]
                scene.take(*match.span())
                break
    return found


def people(fields: Iterable[Field], lessons: Mapping[str, Lesson], scene: Scene) -> dict[str, str]:
    """Names of persons, and what these do."""
    return _found([field for field in fields if field.kind in {"person", "role"}], lessons, scene)


def texts(fields: Iterable[Field], lessons: Mapping[str, Lesson], scene: Scene) -> dict[str, str]:
    """Other short texts."""
    return _found([field for field in fields if field.kind == "text"], lessons, scene)


def _found(fields: list[Field], lessons: Mapping[str, Lesson], scene: Scene) -> dict[str, str]:
    """First those that are named, then those in a place that examples teach, then by their looks."""
    found: dict[str, str] = {}
    for way in (_named, _known, _framed) if not scene.memory else (_named,):
        for field in fields:
            if field.name not in found and (span := way(field, lessons.get(field.name, Lesson()), scene)):
                found[field.name] = _taken(field, span, scene)
    for field in fields if not scene.memory else ():
        if field.name not in found and field.required and (span := _by_looks(field, scene)):
            found[field.name] = _taken(field, span, scene)
    return {name: value for name, value in found.items() if value}


def _taken(field: Field, span: Span, scene: Scene) -> str:
    scene.take_tokens(*span)
    said = scene.text.between(*span).strip("\"\u201c\u201d' ")
    if field.kind == "person" and said.islower():
        return said.title()
    return said


def _named(field: Field, lesson: Lesson, scene: Scene) -> Span | None:
    """After the field's own name: `my name is Ana`, `manager: Maria`; before it: `the sales department`."""
    del lesson
    tokens = scene.text.tokens
    for index, token in enumerate(tokens):
        if not token.word or not kin(token.stem, field.words[-1]) or not _rest_named(field, tokens, index):
            continue
        link = tokens[index + 1].lower if index + 1 < len(tokens) else ""
        if link in _LINKS:
            after = index + 2 + (index + 2 < len(tokens) and tokens[index + 2].lower == "be")
            if span := _run(scene, after, capital=False):
                return span
        elif span := _run(scene, index + 1, capital=True) or _run_before(scene, index):
            return span
        if field.kind == "text" and index > 1 and tokens[index - 2].lower in {"the", "our", "in", "a", "an"}:
            before = tokens[index - 1]
            if before.content and before.lower not in CALENDAR and scene.free_tokens(index - 1, index):
                return index - 1, index
    if field.kind == "person" and field.words[-1] == "nam":
        return _introduced(scene)
    return None


def _run_before(scene: Scene, index: int) -> Span | None:
    """The name before a field's own: `make Jim Lee the buddy`, `with Eva Lind as buddy`."""
    tokens = scene.text.tokens
    end = index
    while end > 0 and tokens[end - 1].lower in {"the", "as", "her", "his", "my", "our", "a", "new"}:
        end -= 1
    start = end
    while 0 < start < index and _nameable(tokens[start - 1], scene) and scene.free_tokens(start - 1, start):
        start -= 1
    return (start, end) if start < end < index else None


def _rest_named(field: Field, tokens: tuple[Token, ...], index: int) -> bool:
    """Whether the other words of the field's name stand before its last one; a lone `name` may be anybody's."""
    rest = field.words[:-1]
    before = tokens[max(index - len(rest) - 1, 0) : index]
    if not rest:
        owner = tokens[index - 1].lower if index else ""
        return field.words[-1] != "nam" or owner in {"", "my", "the", "her", "his", "their", "full", "first", ",", "."}
    return all(any(kin(token.stem, word) for token in before) for word in rest)


def _introduced(scene: Scene) -> Span | None:
    """`Called Ana`, `I am Ana Lopez`."""
    tokens = scene.text.tokens
    for index, token in enumerate(tokens):
        before = tokens[index - 1].lower if index else ""
        if token.lower in {"called", "named"} and (span := _run(scene, index + 1, capital=False)):
            return span
        me = (token.lower == "am" and before == "i") or token.lower == "i'm"
        if me and (span := _run(scene, index + 1, capital=True)):
            return span
    return None


def _known(field: Field, lesson: Lesson, scene: Scene) -> Span | None:
    """A value that an example had, where it is no person's: people are not the same twice."""
    if field.kind == "person":
        return None
    for stems in sorted(lesson.known, key=len, reverse=True):
        place = scene.text.find(stems)
        if place >= 0 and scene.free_tokens(place, place + len(stems)):
            return place, place + len(stems)
    return None


def _framed(field: Field, lesson: Lesson, scene: Scene) -> Span | None:
    """What stands where the value of an example stood: between the same words."""
    del field
    said = [token.lower for token in scene.text.tokens]
    for frame in sorted(lesson.frames, key=lambda each: -len(each.before)):
        for size in range(len(frame.before), 0, -1):
            for index in range(len(said) - size):
                if tuple(said[index : index + size]) == frame.before[-size:]:
                    span = _within(frame, size, scene, index + size)
                    if span:
                        return span
    return None


def _within(frame: Frame, size: int, scene: Scene, start: int) -> Span | None:
    """What stands in a frame of which this many words are there. Few and common words need a like-looking value."""
    telling = size > 1 or frame.before[-1] not in STOP
    span = _run(scene, start, capital=frame.capital and not telling)
    said = [token.lower for token in scene.text.tokens]
    return span if span and (telling or frame.capital or _ends_as(frame, said, span[1])) else None


def _ends_as(frame: Frame, said: list[str], after: int) -> bool:
    return (said[after] if after < len(said) else "") == frame.after


def _by_looks(field: Field, scene: Scene) -> Span | None:
    """Capital letters for a person, `as a ...` for a role, quotes for any text."""
    if field.kind == "person":
        return _capitals(scene)
    if field.kind == "role":
        return _role(scene)
    match = QUOTED.search(scene.text.raw)
    if match and scene.free(*match.span()):
        inside = [n for n, each in enumerate(scene.text.tokens) if match.start() < each.start < match.end() - 1]
        return (inside[0], inside[-1] + 1) if inside else None
    return None


def _capitals(scene: Scene) -> Span | None:
    """The longest run of capitals that does not merely begin a sentence, and is no place: `in Berlin`."""
    tokens = scene.text.tokens
    spans: list[Span] = []
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        if not _nameable(token, scene) or (before and _nameable(before, scene)):
            continue
        if before is None or before.lower not in {"in", "at", "on", "from", "to", "into"}:
            spans += filter(None, [_with_opening(scene, _run(scene, index, capital=True))])
    return max(spans, key=lambda span: (span[1] - span[0], -span[0]), default=None)


def _with_opening(scene: Scene, span: Span | None) -> Span | None:
    """A name with the word before it that opens the sentence, where what follows shows that it is no verb."""
    tokens = scene.text.tokens
    if span is None or span[0] == 0 or span[1] >= len(tokens):
        return span
    opening = tokens[span[0] - 1]
    told = tokens[span[1]].lower in _AFTER_NAMES and opening.opens and opening.capital and opening.word
    return (span[0] - 1, span[1]) if told and opening.lower not in STOP else span


def _nameable(token: Token, scene: Scene) -> bool:
    """Whether a token can be a part of a name."""
    known = token.lower in CALENDAR or token.lower in STOP or token.stem in scene.avoid
    return token.capital and (scene.reply or not token.opens) and not known


def _role(scene: Scene) -> Span | None:
    """What a person does, the surest way of saying it first."""
    for way in (_after_as, _apposed, _before_name):
        for index in range(len(scene.text.tokens) - 1):
            if span := way(scene, index):
                return span
    return None


def _after_as(scene: Scene, index: int) -> Span | None:
    """`As a cook`, `she is a cook`."""
    word, following = (token.lower for token in scene.text.tokens[index : index + 2])
    told = word == "as" or (word in {"is", "was", "be"} and following in {"a", "an"})
    return _run(scene, index + 1, capital=False) if told else None


def _apposed(scene: Scene, index: int) -> Span | None:
    """`Ana Lopez, cook,`."""
    tokens = scene.text.tokens
    told = tokens[index].text in {",", "("} and index > 0 and tokens[index - 1].word
    span = _run(scene, index + 1, capital=False) if told and not scene.free_tokens(index - 1, index) else None
    return None if span is None or all(token.stem in scene.avoid for token in tokens[slice(*span)]) else span


def _before_name(scene: Scene, index: int) -> Span | None:
    """`A cook called Ana`, `our new cook Ana Lopez`."""
    tokens = scene.text.tokens
    span = _run(scene, index + 1, capital=False) if tokens[index].lower in {"a", "an", "our", "new"} else None
    if span is None or span[1] >= len(tokens) or all(token.stem in scene.avoid for token in tokens[slice(*span)]):
        return None
    after = tokens[span[1]]
    named = after.capital and not scene.free_tokens(span[1], span[1] + 1)
    return span if named or after.lower in {"called", "named"} else None


def _run(scene: Scene, start: int, *, capital: bool) -> Span | None:
    """The words from a token on that can be one name or title; with `capital`, those that are written like one."""
    tokens = scene.text.tokens
    if start < len(tokens) and tokens[start].text in _QUOTES:
        end = next((n for n in range(start + 1, len(tokens)) if tokens[n].text in _QUOTES), start)
        return (start + 1, end) if end > start + 1 else None
    while not capital and start < len(tokens) and tokens[start].lower in _SKIPPED:
        start += 1
    after = start
    while after < min(len(tokens), start + _WORDS_MAX) and scene.free_tokens(after, after + 1):
        token = tokens[after]
        joint = (token.text in _JOINTS or token.lower in _PARTICLES) and start < after < len(tokens) - 1
        if (
            capital
            and not joint
            and not (token.capital and token.lower not in CALENDAR and token.stem not in scene.avoid)
        ):
            break
        if not (token.word or joint) or token.lower in _ENDS or (token.opens and after > start):
            break
        after += 1
    if start >= after or after - start >= _WORDS_MAX:
        return None
    return None if all(token.lower in STOP for token in tokens[start:after]) else (start, after)
