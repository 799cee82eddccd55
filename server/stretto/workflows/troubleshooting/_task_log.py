"""What the log of a failed task tells: the lines that say why, and the exit code."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.troubleshooting._log_words import masked

LINES_MAX: Final = 3
"""An exception, what it was caused by, and what the program said: more makes nothing clearer."""
LINE_CHARACTERS_MAX: Final = 300
LOG_ENDS: Final = "Its log ends with:"
"""What comes after that is shown to people, and speaks for no cause: it may be any lines."""

_EXCEPTION = re.compile(
    r"^(?:[\w$]+\.)*[\w$]*(?:Error|Exception|Failure|Timeout|Killed|Exit|Interrupt)\b(?::\s*\S.*)?$"
)
_EXIT_CODE = re.compile(
    r"\b(?:exit|return)[ _]?(?:code|status)(?: of)?[ :=]+(-?\d{1,6})\b|\bexited with (?:status |code )?(-?\d{1,6})\b",
    re.IGNORECASE,
)
_SEVERE: Final = frozenset({"error", "critical", "fatal"})
_SAYS_NOTHING: Final = frozenset({"Task failed with exception"})


class Told(BaseModel):
    """What a log tells. `exit_code` is 0 where it names none, and `ends` are its last lines where it has no error."""

    model_config = ConfigDict(frozen=True)

    error: str = ""
    exit_code: int = 0
    ends: tuple[str, ...] = ()


def told_by(log: bytes) -> Told:
    """What the messages of a log tell, one JSON object a line, as far as lines are whole."""
    messages = list(_messages(log.decode(errors="replace")))
    error = "\n".join(_last(line for message in messages for line in _telling_lines(message)))
    codes = [code for message in messages for code in _exit_codes(message) if code]
    ends = () if error else _last(line for message in messages for line in _lines(message))
    return Told(error=error, exit_code=codes[-1] if codes else 0, ends=ends)


def _last(lines: Iterable[str]) -> tuple[str, ...]:
    """The last lines. The same one often comes twice: as it was printed, and as part of the exception."""
    last = list(dict.fromkeys(reversed([*lines])))[:LINES_MAX]
    return tuple(reversed(last))


def _lines(message: Mapping[str, Any]) -> Iterator[str]:
    """All lines of a message that have words; `::group::…` and `::endgroup::` are how Airflow lays out its pages."""
    lines = (line for line in _event(message).splitlines() if line.strip())
    yield from (_short(line) for line in lines if not line.startswith("::"))


def _messages(log: str) -> Iterator[Mapping[str, Any]]:
    for line in log.splitlines():
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            continue  # The first one may have been cut, and Airflow itself ends some logs with a plain remark.
        if isinstance(message, dict):
            yield message


def _telling_lines(message: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a message that say why, the most telling last."""
    is_severe = str(message.get("level", "")).lower() in _SEVERE
    for line in _event(message).splitlines():
        if (is_severe and line not in _SAYS_NOTHING and not line.startswith((" ", "Traceback"))) or _EXCEPTION.match(
            line
        ):
            yield _short(line)
    for raised in reversed(_exceptions(message)):
        yield _short(f"{raised.get('exc_type', '')}: {raised.get('exc_value', '')}".removesuffix(": "))


def _event(message: Mapping[str, Any]) -> str:
    return str(message.get("event") or "")


def _exceptions(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The exception of a message, before those that caused it."""
    detail = message.get("error_detail")
    return [each for each in detail if isinstance(each, dict)] if isinstance(detail, list) else []


def _exit_codes(message: Mapping[str, Any]) -> Iterable[int]:
    code = message.get("exit_code")
    if isinstance(code, int) and not isinstance(code, bool):
        return [code]
    texts = [_event(message), *(str(each.get("exc_value", "")) for each in _exceptions(message))]
    return [int(found[1] or found[2]) for text in texts for found in _EXIT_CODE.finditer(text)]


def _short(line: str) -> str:
    text = masked(" ".join(line.split()))
    return text if len(text) <= LINE_CHARACTERS_MAX else f"{text[: LINE_CHARACTERS_MAX - 1]}…"
