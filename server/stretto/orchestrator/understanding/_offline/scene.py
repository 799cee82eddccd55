"""A text that fields are filled from, and which of its characters have been understood already."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from stretto.orchestrator.understanding._offline.lexicon import NEGATIONS
from stretto.orchestrator.understanding._offline.stems import kin
from stretto.orchestrator.understanding._offline.text import Text

__all__ = ["Scene"]

NEAR: Final = 3
"""Tokens between a value and the name of its field, or a negation, that still belong together."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A text, today's date, and the places that have a meaning already."""

    text: Text
    today: dt.date
    memory: bool = False
    """Whether it was said long ago."""
    reply: bool = False
    """Whether it answers a question for values, so that it may begin with one."""
    avoid: frozenset[str] = frozenset()
    """Stems of words that name no person or thing: those of the workflow type's own name."""
    _taken: list[tuple[int, int]] = field(default_factory=list)

    def take(self, start: int, end: int) -> None:
        """Note that these characters are understood."""
        self._taken.append((start, end))

    def free(self, start: int, end: int) -> bool:
        """Whether nothing of these characters is understood yet."""
        return not any(start < other_end and other < end for other, other_end in self._taken)

    def take_tokens(self, first: int, after: int) -> None:
        """Note that these tokens are understood."""
        self.take(self.text.tokens[first].start, self.text.tokens[after - 1].end)

    def free_tokens(self, first: int, after: int) -> bool:
        """Whether nothing of these tokens is understood yet."""
        return self.free(self.text.tokens[first].start, self.text.tokens[after - 1].end)

    def named_near(self, words: tuple[str, ...], first: int, after: int) -> bool:
        """Whether a word of a field's name stands near these tokens."""
        tokens = self.text.tokens
        around = (*tokens[max(first - NEAR, 0) : first], *tokens[after : after + NEAR])
        return any(kin(token.stem, word) for token in around if token.word for word in words)

    def negated(self, first: int) -> bool:
        """Whether the token is said not to be: `not remote`, `instead of strength`."""
        before = [token.lower for token in self.text.tokens[max(first - NEAR, 0) : first]]
        for sign in (",", ".", ";", "but", "and"):
            if sign in before:
                before = before[len(before) - before[::-1].index(sign) :]
        return bool(NEGATIONS & set(before)) or before[-2:] in (["instead", "of"], ["rather", "than"])
