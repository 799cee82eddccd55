"""What in a message may have been meant for the name of a job, and was not taken for one: `payroll`, `"../../etc"`."""

import re
from collections.abc import Iterator
from typing import Final

from stretto.workflows.troubleshooting._knowledge_words import STOP_WORDS
from stretto.workflows.troubleshooting.names import (
    CHARACTERS_MAX,
    STRAIGHT,
    is_quoted_for_itself,
    is_something_else,
    job_names,
)

UNNAMED_MAX: Final = 3
"""More than that are hardly names."""

_QUOTED: Final = re.compile(rf"""(?<![\w'"`])(["'`])(\S{{1,{CHARACTERS_MAX}}})\1(?!\w)""")
_NOUN: Final = r"(?:job|dag|pipeline|workflow)"
_NAME: Final = r"([^\W\d][\w.-]{0,198}\w)"
_FAILS: Final = r"(?:fail|crash|break|die|stop|abort)(?:s|e?d|ing)?|broke(?:n)?|not (?:run|finish|start)"
_SUBJECTS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_NAME} {_NOUN}\b",
        rf"\b{_NOUN} {_NAME}(?=[.,;:!?]|$)",
        rf"\b{_NAME} (?:(?:has|have|had|is|was|did|does|just|keeps) )?(?:{_FAILS})\b",
        rf"\b(?:wrong|trouble|problems?|matter|happened|up) (?:with|to) (?:(?:the|our|my) )?{_NAME}",
    )
)
"""Where the name of a job stands in a sentence about one."""

_NO_SUBJECT: Final = STOP_WORDS | frozenset(
    """
    again another anything batch broke broken check crashed dag dags daily dead debug diagnose died each error
    errors every everybody everyone everything failed failing few find first fix investigate jobs last late latest
    long machine machines many newest next night nobody nothing other others pipeline pipelines previous running
    same second server servers several slow somebody someone something system task tasks things third top
    troubleshoot various whole workflow workflows wrong
    """.split()  # noqa: SIM905 - a list of words in quotes is hard to read
)
"""What stands there and is nobody's name."""


def unnamed(message: str) -> tuple[str, ...]:
    """What may be a name and was not taken for one, in its order, each once."""
    text = message.translate(STRAIGHT)
    taken = set(job_names(text))
    found = (name for _, name in sorted([*_quoted(text), *_subjects(text)]) if name not in taken)
    return tuple(dict.fromkeys(found))[:UNNAMED_MAX]


def _quoted(text: str) -> Iterator[tuple[int, str]]:
    """What is marked as a name, with its place."""
    for match in _QUOTED.finditer(text):
        if not is_quoted_for_itself(match[2]):
            yield match.start(2), match[2]


def _subjects(text: str) -> Iterator[tuple[int, str]]:
    """What stands where a name would, with its place."""
    for match in (match for pattern in _SUBJECTS for match in pattern.finditer(text)):
        if match[1].lower() not in _NO_SUBJECT and not is_something_else(match[1]):
            yield match.start(1), match[1]
