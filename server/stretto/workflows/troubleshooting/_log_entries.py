"""The entries of a log file: lines with their stack traces, of which those count that tell of something bad."""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from stretto.workflows.troubleshooting._log_files import LogFile
from stretto.workflows.troubleshooting._log_times import time_in, time_of
from stretto.workflows.troubleshooting._log_words import (
    BAD,
    level_in,
    level_of,
    likeness,
    masked,
    may_be_bad,
    plain,
    tells_of_failure,
)

LINE_CHARACTERS_MAX: Final = 500
"""The contract's bound."""
TEXT_CHARACTERS_MAX: Final = 2_000
"""What of an entry is searched; names stand at the head of it."""
JSON_CHARACTERS_MAX: Final = 64 * 1024

_HEAD_CHARACTERS: Final = 240
"""What of a line is shown before the end of its stack trace, which matters more."""
_TRACE_STARTS: Final = "Traceback (most recent call last)"
_CONTINUES: Final = re.compile(
    r"\s|Traceback \(|Caused by:|Suppressed:|at [\w$.<]+[.(]|\.\.\. \d+ (?:more|common)|During handling of the above"
    r"|The above exception was"
)
_RAISED: Final = re.compile(r"[A-Za-z_][\w.$]*(?::\s|:?$)")
"""The last line of a stack trace, such as `MemoryError` or `psycopg.OperationalError: …`."""
_THROWN: Final = re.compile(r"(?:[A-Za-z_$][\w$]*\.)*[A-Z][\w$]*(?:Error|Exception)(?::\s|$)|(?:Uncaught )?Error: ")
"""The first line of one, in languages that tell it first."""

_TIMES: Final = ("timestamp", "@timestamp", "time", "ts", "datetime", "asctime", "date")
_LEVELS: Final = ("level", "severity", "levelname", "log.level", "lvl", "loglevel")
_MESSAGES: Final = ("message", "msg", "event", "log", "text", "body")
_ERRORS: Final = (
    "exception", "error", "err", "exc_info", "stack_trace", "stacktrace", "traceback", "stack", "error.stack_trace",
    "error.message", "exc_text", "reason",
)  # fmt: skip
_LEVELS_AS_NUMBERS: Final = (
    *((60, "FATAL"), (50, "ERROR"), (40, "WARN"), (30, "INFO"), (10, "DEBUG")),
    *((7, "DEBUG"), (5, "INFO"), (4, "WARN"), (3, "ERROR"), (0, "FATAL")),
)
"""From where on a number is which level; below 10 they are those of syslog, of which less is worse."""


class Entry(NamedTuple):
    """A line that tells of something bad; all of its texts are without secrets."""

    file: LogFile
    text: str
    line: str
    likeness: str
    level: str
    at: dt.datetime | None


def blocks_of(lines: Iterable[str]) -> list[list[str]]:
    """Each line with those that continue it."""
    blocks: list[list[str]] = []
    for line in lines:
        if not line or line.isspace():
            continue
        part = line[: JSON_CHARACTERS_MAX + 1]
        if blocks and _continues(part, blocks[-1]):
            blocks[-1].append(part)
        else:
            blocks.append([part])
    return blocks


def bad_entry(file: LogFile, block: list[str]) -> Entry | None:
    """The entry of a block that is a warning or worse, or has words of failure; none of any other."""
    fields = _object(block[0])
    if fields is not None:
        return _json_entry(file, block[0], fields)
    if file.is_json and len(block[0]) <= JSON_CHARACTERS_MAX:
        return None
    return _text_entry(file, block)


def _continues(line: str, block: list[str]) -> bool:
    if _CONTINUES.match(line):
        return True
    if block[-1][0].isspace():  # It may be what a stack trace of Python's ends with.
        return bool(_RAISED.match(line)) and any(each.lstrip().startswith(_TRACE_STARTS) for each in block)
    return len(block) == 1 and bool(_THROWN.match(line)) and not _THROWN.match(block[0])


def _text_entry(file: LogFile, block: list[str]) -> Entry | None:
    end = _end_of_trace(block[1:])
    text = "\n".join([block[0][:TEXT_CHARACTERS_MAX], end[:TEXT_CHARACTERS_MAX]]) if end else block[0]
    text = text[: 2 * TEXT_CHARACTERS_MAX]
    if not may_be_bad(text):
        return None
    level = level_in(block[0])
    if level not in BAD and not tells_of_failure(text):
        return None
    head = "" if end and block[0].startswith(_TRACE_STARTS) else block[0]
    return _entry(file, text, (head, end), level, time_in(block[0], file.written_at))


def _end_of_trace(lines: list[str]) -> str:
    """The line of a stack trace that counts: the last that is not indented, which is what was raised in the end."""
    flush = [line for line in lines if not line[0].isspace()]
    if flush and not flush[-1].startswith(_TRACE_STARTS):
        return flush[-1]
    return next((line for line in reversed(lines) if tells_of_failure(line[:TEXT_CHARACTERS_MAX])), "")


def _object(line: str) -> dict[str, Any] | None:
    """The object that a line of JSON is."""
    if not line.startswith("{") or len(line) > JSON_CHARACTERS_MAX:
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _json_entry(file: LogFile, line: str, fields: Mapping[str, Any]) -> Entry | None:
    message = _words(_first(fields, _MESSAGES))
    trace = _words(_first(fields, _ERRORS)).strip().split("\n")
    error = (_end_of_trace(trace[1:]) if len(trace) > 1 else "") or trace[0]
    level = _level(_first(fields, _LEVELS)) or level_in(message)
    if level not in BAD and not tells_of_failure(f"{message}\n{error}"[:TEXT_CHARACTERS_MAX]):
        return None
    at = time_of(_first(fields, _TIMES), file.written_at)
    return _entry(file, line, (message or ("" if error else line), "" if error in message else error), level, at)


def _first(fields: Mapping[str, Any], keys: tuple[str, ...]) -> object:
    return next((fields[key] for key in keys if fields.get(key) not in (None, "")), None)


def _words(value: object) -> str:
    """What a field says; one that has fields itself says it in its message and its stack."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return _words(_first(value, ("stack", "stack_trace", "message", "type", *_MESSAGES)))
    return "" if value is None or isinstance(value, bool) else json.dumps(value)


def _level(value: object) -> str:
    if isinstance(value, str):
        return level_of(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return next((name for least, name in _LEVELS_AS_NUMBERS if value >= least), "")
    return ""


def _entry(file: LogFile, text: str, shown: tuple[str, str], level: str, at: dt.datetime | None) -> Entry:
    """An entry of what is searched and what is shown: a line, and the end of its stack trace."""
    head, end = (plain(masked(part[:TEXT_CHARACTERS_MAX])) for part in shown)
    line = f"{_cut(head, _HEAD_CHARACTERS)} … {end}" if head and end else head or end
    line = _cut(line, LINE_CHARACTERS_MAX)
    return Entry(file, masked(text[: 2 * TEXT_CHARACTERS_MAX]), line, likeness(line), level, at)


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1]}…"
