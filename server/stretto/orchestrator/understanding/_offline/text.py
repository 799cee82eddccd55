"""Texts as tokens: words with their stems, numbers and signs, each with its place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stretto.orchestrator.understanding._offline.lexicon import STOP
from stretto.orchestrator.understanding._offline.stems import stem

__all__ = ["TEXT_MAX", "Text", "Token", "parts_of", "plain", "read"]

TEXT_MAX: Final = 8_000
"""Characters read of one message; a statement of a year's transactions fits, a novel need not."""

_READ_MAX: Final = 512
"""Texts kept as tokens: the messages of the sessions that talk right now."""

_TOKEN: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\d+(?:[.,]\d+)*|[^\w\s]|\n")
_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number or a sign, and where it stands in its text."""

    text: str
    lower: str
    stem: str
    start: int
    end: int
    opens: bool
    """Whether a sentence or a line begins with it."""

    @property
    def word(self) -> bool:
        """Whether it is made of letters."""
        return self.text[0].isalpha()

    @property
    def number(self) -> bool:
        """Whether it is made of digits."""
        return self.text[0].isdecimal()

    @property
    def capital(self) -> bool:
        """Whether it looks like a name or a part of one."""
        return self.text[0].isupper()

    @property
    def content(self) -> bool:
        """Whether it is a word that says what a text is about."""
        return self.word and self.lower not in STOP


@dataclass(frozen=True, slots=True)
class Text:
    """A text and its tokens."""

    raw: str
    tokens: tuple[Token, ...]
    stems: frozenset[str]
    """The stems of all its words and numbers."""

    @property
    def words(self) -> tuple[str, ...]:
        """Its words and numbers in lower case, without signs."""
        return tuple(token.lower for token in self.tokens if token.word or token.number)

    def between(self, first: int, after: int) -> str:
        """The text from one token up to, and without, another."""
        if first >= after:
            return ""
        return self.raw[self.tokens[first].start : self.tokens[after - 1].end]

    def find(self, stems: Sequence[str], start: int = 0) -> int:
        """Where these stems follow each other, or -1."""
        found = [token.stem for token in self.tokens]
        for index in range(start, len(found) - len(stems) + 1):
            if found[index : index + len(stems)] == list(stems):
                return index
        return -1


@lru_cache(maxsize=_READ_MAX)
def read(raw: str) -> Text:
    """The tokens of a text, of which the beginning is read."""
    tokens: list[Token] = []
    opens = True
    for found in _TOKEN.finditer(raw[:TEXT_MAX]):
        word = found[0]
        tokens.append(Token(word, word.lower().replace("\u2019", "'"), stem(word), found.start(), found.end(), opens))
        opens = word in ".!?\n" or (opens and not word[0].isalnum())
    stems = frozenset(token.stem for token in tokens if token.word or token.number)
    return Text(raw[:TEXT_MAX], tuple(tokens), stems)


def parts_of(name: str) -> tuple[str, ...]:
    """The words of a name as code has it: `days_per_week`, `WEIGHT_LOSS` or `startDate`, in lower case."""
    return tuple(part.lower() for part in _PARTS.findall(name))


def plain(name: str) -> str:
    """A name of code as a person would say it."""
    return " ".join(parts_of(name)) or name
