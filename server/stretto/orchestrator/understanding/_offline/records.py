"""Lists of objects that a message spells out, a line or a part between semicolons each."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from stretto.orchestrator.understanding._offline.check import fault_of
from stretto.orchestrator.understanding._offline.dates import Moment, moments_in
from stretto.orchestrator.understanding._offline.fields import Field
from stretto.orchestrator.understanding._offline.lexicon import CODES, CURRENCIES
from stretto.orchestrator.understanding._offline.numbers import amount
from stretto.orchestrator.understanding._offline.quantities import DIGITS_MAX, number_of
from stretto.orchestrator.understanding._offline.scene import Scene
from stretto.orchestrator.understanding._offline.when import dated

__all__ = ["records"]

_LINE: Final = re.compile(r"[^\n;]+")
_NUMBER: Final = re.compile(r"(?<![\w.,])(?P<sign>[-+\u2212]?)\s?(?:[$€£¥]\s?)?(?P<figure>\d+(?:[.,]\d+)*)(?![\w])")
_CODE: Final = re.compile(rf"\b(?:{'|'.join(sorted(CODES))})\b|[$€£¥]")
_FIGURE: Final = re.compile(r"\d")
_END: Final = re.compile(r"[:?!.]\s+")
_EDGES: Final = " \t,:|-\u2013\u2014•*()"


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    start: int


def records(fields: Iterable[Field], scene: Scene) -> dict[str, list[dict[str, Any]]]:
    """The values of fields that are lists of objects with a date or a number in them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for field in fields:
        if field.kind != "records" or not any(
            inner.kind in {"date", "number"} or _money(inner) for inner in field.fields
        ):
            continue
        rows = [(line, row) for line in _lines(scene) if (row := _row(field.fields, line.text, scene.today))]
        # A sentence with one number in it is no list; a list has a date in each line, or several lines.
        dates = any(inner.kind == "date" and inner.required for inner in field.fields)
        if rows and (dates or len(rows) > 1):
            found[field.name] = [row for _, row in rows]
            for line, _ in rows:
                scene.take(line.start, line.start + len(line.text))
    return found


def _lines(scene: Scene) -> Iterator[_Line]:
    """The parts of a text that may be a record each: lines, parts between semicolons, and from date to date."""
    for match in _LINE.finditer(scene.text.raw):
        moments = moments_in(match[0], scene.today)
        cuts = [moment.start for moment in moments[1:]]
        for start, end in zip([0, *cuts], [*cuts, len(match[0])], strict=True):
            lead = moments[0].start if moments and not start else None
            yield _trimmed(match[0][start:end], match.start() + start, lead)


def _trimmed(text: str, start: int, lead: int | None) -> _Line:
    """A part without what introduces a list: the sentences before its date, or else before its first number."""
    figure = _FIGURE.search(text)
    until = lead if lead is not None else figure.start() if figure else 0
    cut = max((match.end() for match in _END.finditer(text, 0, until)), default=0)
    return _Line(text[cut:], start + cut)


def _row(fields: tuple[Field, ...], line: str, today: dt.date) -> dict[str, Any] | None:
    """One record, when all that it must have is there."""
    row: dict[str, Any] = {}
    used: list[tuple[int, int]] = []
    for fill in (_fill_date, _fill_currency, _fill_number):
        fill(fields, line, today, row, used)
    rest = _rest(line, used)
    for field in fields:
        if field.name not in row and field.kind in {"text", "free", "person", "role"} and rest and not _money(field):
            row[field.name], rest = rest, ""
    whole = {field.name: field for field in fields}
    faulty = any(fault_of(whole[name].schema, value) for name, value in row.items())
    missing = any(field.required and field.name not in row for field in fields)
    if faulty or missing or len(row) < min(len(fields), 2):
        return None
    return {field.name: row[field.name] for field in fields if field.name in row}


def _money(field: Field) -> bool:
    """Whether a text field takes a number: an amount in decimals."""
    return field.kind == "text" and bool({"amount", "price", "cost", "total", "sum"} & set(field.words))


def _fill_date(
    fields: tuple[Field, ...], line: str, today: dt.date, row: dict[str, Any], used: list[tuple[int, int]]
) -> None:
    moments: tuple[Moment, ...] = moments_in(line, today)
    for field, moment in zip((each for each in fields if each.kind == "date"), moments, strict=False):
        row[field.name] = dated(field, moment)
        used.append((moment.start, moment.end))


def _fill_currency(
    fields: tuple[Field, ...], line: str, today: dt.date, row: dict[str, Any], used: list[tuple[int, int]]
) -> None:
    del today
    match = _CODE.search(line)
    if match is None:
        return
    used.append(match.span())
    code = CURRENCIES.get(match[0], match[0])
    for field in fields:
        if field.words[-1] == "currenci":
            choice = next((each.value for each in field.choices if each.label.upper() == code), None)
            value = choice if field.choices else code
            if value is not None:
                row[field.name] = value


def _fill_number(
    fields: tuple[Field, ...], line: str, today: dt.date, row: dict[str, Any], used: list[tuple[int, int]]
) -> None:
    """Numbers from the right: in lists of payments the amount stands last."""
    del today
    matches = [
        match
        for match in _NUMBER.finditer(line)
        if len(match["figure"]) <= DIGITS_MAX
        and not any(match.start() < end and start < match.end() for start, end in used if end - start > 1)
    ]
    numeric = [field for field in fields if field.kind == "number" or _money(field)]
    for field, match in zip(reversed(numeric), reversed(matches), strict=False):
        value = number_of(match["figure"]) * (-1 if match["sign"] in {"-", "\u2212"} else 1)
        made = amount(field, value)
        if made is not None:
            row[field.name] = made
            used.append(match.span())


def _rest(line: str, used: list[tuple[int, int]]) -> str:
    """The words that are left."""
    parts, place = [], 0
    for start, end in sorted(used):
        parts.append(line[place:start])
        place = max(place, end)
    parts.append(line[place:])
    kept = [part.strip(_EDGES) for part in parts]
    return " ".join(part for part in kept if part and part.lower() not in {"for", "on", "at", "of"})
