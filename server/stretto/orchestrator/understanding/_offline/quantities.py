"""Numbers in a text with what they count: `three days a week`, `45 minutes each`, `$54.20`."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Final

from stretto.orchestrator.understanding._offline.dates import moments_in
from stretto.orchestrator.understanding._offline.lexicon import (
    CODES,
    CURRENCIES,
    CURRENCY_WORDS,
    NUMBERS,
    TENS,
    UNITS,
)
from stretto.orchestrator.understanding._offline.stems import stem, words
from stretto.orchestrator.understanding._offline.text import Text, Token, read

__all__ = ["Quantity", "number_of", "quantities_in"]

DIGITS_MAX: Final = 15
"""Digits of a number that is taken as one; more are an id or an account."""

EACH: Final = "each"
"""What a quantity is per when it is per whatever was said before."""

_TIMES: Final = {"once": 1, "twice": 2, "thrice": 3}
_PER: Final = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
_BETWEEN: Final = re.compile(r"\s*(?:-|\u2013|\u2014|to|or)\s*")
_OVER: Final = frozenset(words("a an per every each /"))
_ENDS: Final = frozenset(words("and to in on for with from at then please instead rather thanks"))
_BESIDES: Final = frozenset(words("of the my more"))
_AROUND, _AFTER = 3, 4
"""Words before and after a number that may say what it is."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, its first token, its characters, and the stems of what it counts and of what it is per."""

    value: Decimal
    first: int
    start: int
    end: int
    units: tuple[str, ...] = ()
    per: str = ""
    before: tuple[str, ...] = ()
    """Stems of the words before it, the nearest first."""
    currency: str = ""
    vague: bool = False
    """Whether it is an end of a range, such as 3 in `3 to 4 days`."""


def number_of(text: str) -> Decimal:
    """A number with its signs: `1,200.50`, and `54,20` as many write it."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        return Decimal(text.replace(",", ""))
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d{1,2}", text):
        return Decimal(text.replace(".", "").replace(",", "."))
    if re.fullmatch(r"\d+[.,]\d+|\d+", text):
        return Decimal(text.replace(",", "."))
    return Decimal(re.sub(r"\D", "", text))


@lru_cache(maxsize=512)
def quantities_in(raw: str, today: dt.date) -> tuple[Quantity, ...]:
    """The quantities in a text; numbers that belong to dates are none."""
    text = read(raw)
    taken = [(moment.start, moment.end) for moment in moments_in(text.raw, today)]
    found = [each for each in _found(text) if not any(each.start < end and start < each.end for start, end in taken)]
    for index, (one, other) in enumerate(list(pairwise(found))):
        if _BETWEEN.fullmatch(raw, one.end, other.start):
            found[index], found[index + 1] = replace(one, vague=True), replace(other, vague=True)
    return tuple(found)


def _found(text: Text) -> Iterator[Quantity]:
    index = 0
    while index < len(text.tokens):
        read_number = _number(text.tokens, index)
        if read_number is None:
            index += 1
            continue
        value, after = read_number
        yield _described(text, value, index, after)
        index = after


def _number(tokens: tuple[Token, ...], index: int) -> tuple[Decimal, int] | None:
    """The number that begins with a token, and the token after it."""
    token = tokens[index]
    following = [each.lower for each in tokens[index + 1 : index + 4]]
    if token.number:
        return (number_of(token.text), index + 1) if len(token.text) <= DIGITS_MAX else None
    if token.lower in _TIMES:
        return Decimal(_TIMES[token.lower]), index + 1
    if token.lower in NUMBERS:
        return _spelled(token.lower, following, index)
    before = tokens[index - 1].lower if index else ""
    return _phrased(token.lower, following, before, index)


def _phrased(word: str, following: list[str], before: str, index: int) -> tuple[Decimal, int] | None:
    """Numbers that are said with other words than their own."""
    if word == "half" and following[:2] == ["an", "hour"]:
        return Decimal("0.5"), index + 2
    if word in {"a", "an"} and following[:2] == ["couple", "of"]:
        return Decimal(2), index + 3
    # An hour is a number of hours, and a week in `three days a week` is none.
    if word in {"a", "an"} and following[:1] == ["hour"] and before in {"", "for", "is", "me", "of", "have"}:
        return Decimal(1), index + 1
    return (Decimal(7), index + 2) if word == "every" and following[:1] == ["day"] else None


def _spelled(word: str, following: list[str], index: int) -> tuple[Decimal, int]:
    rest = [each for each in following if each != "-"]
    if word in TENS and rest and NUMBERS.get(rest[0], 0) in range(1, 10):
        return Decimal(TENS[word] + NUMBERS[rest[0]]), index + 1 + following.index(rest[0]) + 1
    if rest[:1] in (["hundred"], ["thousand"]):
        return Decimal(NUMBERS[word] * (100 if rest[0] == "hundred" else 1000)), index + 2
    return Decimal(NUMBERS[word]), index + 1


def _described(text: Text, value: Decimal, first: int, after: int) -> Quantity:
    """The number with the words around it."""
    tokens = text.tokens
    start, end = tokens[first].start, tokens[after - 1].end
    if tokens[first].lower == "every":
        return Quantity(value, first, start, end, units=("day",), per="week")
    units, per = _counted(tokens, after)
    return Quantity(
        value,
        first,
        start,
        end,
        units=(stem("times"), *units) if tokens[first].lower in _TIMES else units,
        per=per,
        before=tuple(token.stem for token in reversed(tokens[max(first - _AROUND, 0) : first])),
        currency=_currency(tokens, first, after),
    )


def _counted(tokens: tuple[Token, ...], after: int) -> tuple[tuple[str, ...], str]:
    """What is counted, and per what, in the words after a number."""
    units: list[str] = []
    for place in range(after, min(after + _AFTER, len(tokens))):
        token = tokens[place]
        if token.lower in _OVER and (units or place == after):
            return tuple(units), _per(tokens, place)
        if token.lower in _PER:
            return tuple(units), _PER[token.lower]
        if not token.word or len(units) > 1 or token.lower in _ENDS or token.lower in NUMBERS:
            break
        if token.lower not in _BESIDES:
            units.append(token.stem)
    return tuple(units), ""


def _per(tokens: tuple[Token, ...], place: int) -> str:
    """What a quantity is per, from the word on that says so."""
    following = tokens[place + 1] if place + 1 < len(tokens) else None
    if following and following.word and (following.content or following.stem in UNITS):
        return following.stem
    return EACH if tokens[place].lower in {"each", "every"} else ""


def _currency(tokens: tuple[Token, ...], first: int, after: int) -> str:
    before = tokens[first - 1].text if first else ""
    following = tokens[after] if after < len(tokens) else None
    if before in CURRENCIES or before.upper() in CODES:
        return CURRENCIES.get(before) or before.upper()
    if following is None:
        return ""
    if following.text.upper() in CODES:
        return following.text.upper()
    return CURRENCIES.get(following.text) or CURRENCY_WORDS.get(following.stem, "")
