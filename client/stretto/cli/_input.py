"""Values from the command line: JSON given there, in a file or on stdin, and labels."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NoReturn

from stretto.cli._exits import CommandError

__all__ = ["STDIN", "json_of", "labels_of", "mapping_of"]

STDIN: Final = "@-"
"""What `-` becomes on its way here: cyclopts would take it for an option."""

_AROUND: Final = 20
"""Characters shown before the place where JSON goes wrong."""

SHOWN_MAX: Final = 100
"""Characters shown of what was given: a file's text would fill the screen."""


def json_of(text: str, name: str) -> Any:
    """The JSON of an argument: given as it is, as `@file`, or as `-` for stdin."""
    source, text = _read(text, name)
    try:
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise CommandError(f"{source} is no JSON: {_place(error)}{_advice(text)}") from None
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{source} is no JSON that can be sent: {error}") from None


def mapping_of(text: str, name: str) -> dict[str, Any]:
    """The JSON object of an argument."""
    value = json_of(text, name)
    if isinstance(value, dict):
        return value
    raise CommandError(f'{name} must be a JSON object such as {{"key": 1}}, not {_cut(json.dumps(value))}')


def labels_of(texts: Iterable[str]) -> dict[str, str]:
    """Labels from `key=value` texts."""
    labels: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise CommandError(f"--label {text!r} must be KEY=VALUE")
        labels[key] = value
    return labels


def _read(text: str, name: str) -> tuple[str, str]:
    """What an argument is called, and the text that it stands for."""
    try:
        if text in {"-", STDIN}:
            return f"{name} (stdin)", sys.stdin.read()
        if text.startswith("@"):
            return f"{name} ({text[1:]})", Path(text[1:]).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{name}: {text[1:]} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{name}: what {text[1:] or 'stdin'} holds is no UTF-8 text") from None
    return name, text


def _place(error: json.JSONDecodeError) -> str:
    """What is wrong, where, and what stands there."""
    before = error.doc[max(error.pos - _AROUND, 0) : error.pos].splitlines()[-1:]
    after = error.doc[error.pos :].splitlines()[:1]
    there = f"{''.join(before)} >>>{''.join(after)[:_AROUND]}" if error.doc.strip() else "(nothing)"
    what = f"{error.msg[:1].lower()}{error.msg[1:]}"
    return f"{what} at line {error.lineno}, column {error.colno}: {there}"


def _advice(text: str) -> str:
    """A hint for somebody who gave text where JSON was wanted."""
    word = text.strip()
    if word and word[0] not in '{["' and "\n" not in word and "'" not in word and len(word) <= SHOWN_MAX:
        return f"; a text needs quotes in JSON: '{json.dumps(word)}'"
    return ""


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand there once: of two, one would be lost without a word."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        (twice, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {_cut(twice)!r} stands there twice")
    return fields
