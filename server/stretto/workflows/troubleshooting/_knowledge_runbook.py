"""A runbook: a Markdown file with a title, symptoms, the cause that it is for, and what to do."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from pydantic import BaseModel, ConfigDict

from stretto.troubleshooting.v1.troubleshooting_pb2 import Cause

NO_CAUSE: Final = "CAUSE_UNSPECIFIED"
CAUSES: Final = frozenset(Cause.keys()) - {NO_CAUSE}
ACTIONS_MAX: Final = 10
ACTION_CHARACTERS_MAX: Final = 500
TITLE_CHARACTERS_MAX: Final = 200

_FENCE: Final = re.compile(r"\s*(?:```|~~~)")
_TITLE: Final = re.compile(r"#\s+(.+)")
_HEADING: Final = re.compile(r"##\s+(.+)")
_CAUSE: Final = re.compile(r"Cause:\s*(\S+)\s*")
_SYMPTOMS: Final = re.compile(r"Symptoms:\s*(.+)")
_NUMBERED: Final = re.compile(r"\d+[.)]\s+(.+)")


class Section(BaseModel):
    """What stands below one heading; what stands before the first one has none."""

    model_config = ConfigDict(frozen=True)

    heading: str
    text: str


class Runbook(BaseModel):
    """A runbook; `complaint` says in a sentence what in it is wrong."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    cause: str
    symptoms: str
    sections: tuple[Section, ...]
    actions: tuple[str, ...]
    complaint: str


def runbook_of(name: str, text: str) -> Runbook:
    """The runbook that a file holds. Any Markdown is one: without a title it is called as its file is."""
    sections = tuple(_sections(text))
    head = sections[0].text.splitlines()
    cause = _first(_CAUSE, head)
    known = not cause or f"CAUSE_{cause}" in CAUSES
    return Runbook(
        name=name,
        title=(_first(_TITLE, head) or PurePosixPath(name).stem.replace("-", " "))[:TITLE_CHARACTERS_MAX],
        cause=f"CAUSE_{cause}" if cause and known else NO_CAUSE,
        symptoms=_first(_SYMPTOMS, head),
        sections=tuple(_told(sections)),
        actions=tuple(action for each in sections if each.heading.lower() == "do" for action in _actions(each.text))[
            :ACTIONS_MAX
        ],
        complaint="" if known else f"{name} is for the cause {cause}, which there is not; it is kept without one.",
    )


def _sections(text: str) -> Iterator[Section]:
    """The parts between headings of the second level, the part before them first. A `#` in code is no heading."""
    heading, in_code = "", False
    lines: list[str] = []
    for line in text.splitlines():
        in_code ^= bool(_FENCE.match(line))
        match = None if in_code else _HEADING.fullmatch(line.rstrip())
        if match:
            yield Section(heading=heading, text="\n".join(lines).strip())
            heading, lines = match[1], []
        else:
            lines.append(line)
    yield Section(heading=heading, text="\n".join(lines).strip())


def _told(sections: tuple[Section, ...]) -> Iterator[Section]:
    """The sections that say something, without the lines that are told apart."""
    apart = (_TITLE, _CAUSE, _SYMPTOMS)
    head = [line for line in sections[0].text.splitlines() if not any(each.fullmatch(line) for each in apart)]
    first = Section(heading="", text="\n".join(head).strip())
    # Something is kept of a runbook that has nothing but a title, or else it could not be found.
    if first.text or not any(each.text for each in sections[1:]):
        yield first
    yield from (each for each in sections[1:] if each.text)


def _first(pattern: re.Pattern[str], lines: list[str]) -> str:
    """What the first line that fits says."""
    return next((match[1].strip() for line in lines if (match := pattern.fullmatch(line))), "")


def _actions(text: str) -> Iterator[str]:
    """The numbered items, each in one line; what is indented below one belongs to it, but not its code."""
    action, in_code = "", False
    for line in text.splitlines():
        fence = bool(_FENCE.match(line))
        in_code ^= fence
        match = _NUMBERED.match(line)
        if match and not in_code:
            yield from _cut(action)
            action = match[1]
        elif action and line.startswith(" ") and not (in_code or fence):
            action = f"{action} {line.strip()}"
        elif line.strip() and not line.startswith(" ") and not (in_code or fence):
            yield from _cut(action)
            action = ""
    yield from _cut(action)


def _cut(action: str) -> Iterator[str]:
    if action:
        yield action.strip()[:ACTION_CHARACTERS_MAX]
