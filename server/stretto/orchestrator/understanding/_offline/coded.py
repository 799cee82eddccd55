"""Names as machines have them, such as `nightly-etl` or `worker_3`: where a text has them, and the fields they fill."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from stretto.orchestrator.understanding._offline.fields import Field
from stretto.orchestrator.understanding._offline.lessons import Lesson
from stretto.orchestrator.understanding._offline.lexicon import CALENDAR, NUMBERS, STOP
from stretto.orchestrator.understanding._offline.scene import Scene
from stretto.orchestrator.understanding._offline.stems import stem
from stretto.orchestrator.understanding._offline.text import Text

__all__ = ["coded", "names_in", "takes_codes"]

_NAME: Final = re.compile(r"(?<![\w./@-])[A-Za-z]\w*(?:[-_][A-Za-z0-9]+)+(?:[.:][A-Za-z0-9]+)*(?![@/])")
_CODE: Final = re.compile(r"[A-Za-z](?:[\w.:-]*[\w])?")
_MARK: Final = re.compile(r"[-_.:\d]")
_NEXT: Final = re.compile(r"\s*(?:,\s*(?:and\s+)?|and\s+|or\s+|:\s*|['\"`])?['\"`]?")
_ORDINARY: Final = STOP | CALENDAR | frozenset(NUMBERS)
_PARTS: Final = re.compile(r"[-_.:]")


def names_in(text: Text) -> tuple[str, ...]:
    """The names that a text has. `Follow-up` and `three-day` are words."""
    found = (match[0] for match in _NAME.finditer(text.raw))
    return tuple(dict.fromkeys(name for name in found if not _ORDINARY & set(_PARTS.split(name.lower()))))


def takes_codes(field: Field, lesson: Lesson) -> bool:
    """Whether a field's examples are all such names, so that no other words are meant for it."""
    texts = field.kind == "text" or (field.kind == "list" and not field.choices)
    return texts and bool(lesson.known) and all(_is_code(value) for value in lesson.known.values())


def coded(fields: Iterable[Field], lessons: Mapping[str, Lesson], scene: Scene) -> dict[str, str | list[str]]:
    """The values of such fields: only those right behind a word that tells what they are, as in `the job x-1`."""
    found: dict[str, str | list[str]] = {}
    for field in fields if not scene.memory else ():
        lesson = lessons.get(field.name, Lesson())
        if takes_codes(field, lesson) and (names := list(dict.fromkeys(_behind(_cues(field, lesson), scene)))):
            found[field.name] = names if field.kind == "list" else names[0]
    return found


def _is_code(value: str) -> bool:
    return _CODE.fullmatch(value) is not None and _MARK.search(value) is not None


def _cues(field: Field, lesson: Lesson) -> frozenset[str]:
    """The stems behind which a value stands: of the field's own name, and those of its examples."""
    before = {frame.before[-1] for frame in lesson.frames if frame.before}
    return frozenset({*map(stem, before - STOP), *field.words}) - {"nam"}


def _behind(cues: frozenset[str], scene: Scene) -> Iterator[str]:
    for token in scene.text.tokens:
        if token.stem in cues:
            yield from _run(scene.text.raw, token.end)


def _run(raw: str, place: int) -> Iterator[str]:
    """The names from a place on, with nothing between them but what joins a list."""
    while gap := _NEXT.match(raw, place):
        match = _CODE.match(raw, gap.end())
        if match is None or not _is_code(match[0]) or gap.end() == place:
            return
        yield match[0]
        place = match.end()
