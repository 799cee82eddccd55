"""What calls of a chat model cost: tokens as the provider counted them, else estimated from the same texts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CHARACTERS_A_TOKEN = 4
"""What is usual for English; of other languages a token holds less."""

TOKENS_MAX = 10_000_000
"""More than any model reads or writes at once. Who counts more, or less than nothing, has not counted."""


def tokens_in(characters: int) -> int:
    """An estimate of the tokens of a text of that length."""
    return math.ceil(characters / CHARACTERS_A_TOKEN)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of prompts and of answers, over so many attempts. An attempt that failed had a prompt, too."""

    prompt: int = 0
    answer: int = 0
    attempts: int = 0
    attempts_counted: int = 0
    """Those of them whose tokens the provider counted; the others' are estimated."""

    @property
    def counted(self) -> bool:
        """Whether the provider counted all of them."""
        return 0 < self.attempts == self.attempts_counted

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            self.prompt + other.prompt,
            self.answer + other.answer,
            self.attempts + other.attempts,
            self.attempts_counted + other.attempts_counted,
        )


class Meter:
    """Adds up what the calls cost that it is handed to: all attempts at them, and the repairs of wrong answers."""

    def __init__(self) -> None:
        self._tokens = Tokens()

    @property
    def tokens(self) -> Tokens:
        """What was spent so far."""
        return self._tokens

    def add(self, tokens: Tokens) -> None:
        """Add what one attempt cost, or several."""
        self._tokens += tokens


class Attempt:
    """What is heard in one attempt at an answer."""

    def __init__(self, messages: Sequence[tuple[str, str]]) -> None:
        self._prompt_chars = sum(len(text) for _, text in messages)
        self._counts: list[tuple[int, int]] = []
        self.text = ""

    def hear(self, text: str, usage: Mapping[str, Any] | None) -> None:
        """Take what one chunk of a stream says. LangChain's convention is that counts of chunks add up."""
        self.text += text
        if usage:
            self._counts.append((usage["input_tokens"], usage["output_tokens"]))

    @property
    def tokens(self) -> Tokens:
        """What it cost, as far as is known."""
        prompt, answer = (sum(counts) for counts in zip((0, 0), *self._counts, strict=True))
        if 0 < prompt <= TOKENS_MAX and 0 <= answer <= TOKENS_MAX:
            return Tokens(prompt, answer, attempts=1, attempts_counted=1)
        return Tokens(tokens_in(self._prompt_chars), tokens_in(len(self.text)), attempts=1)
