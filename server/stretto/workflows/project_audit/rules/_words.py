"""Texts made ready for rules that look for words and figures in them.

Words are lower-case, umlauts spelled out, with one space before and after each. So `beton` is found in every compound,
` pile` where a word begins with it, and ` ls ` as a whole word only.
"""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

_SPELLED: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_PLAIN: Final = str.maketrans(
    {
        "\N{SUPERSCRIPT TWO}": "2",
        "\N{SUPERSCRIPT THREE}": "3",
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{EN DASH}": "-",
        "\N{MINUS SIGN}": "-",
    }
)
_WORD: Final = re.compile(r"\w+")
_SENTENCE_END: Final = re.compile(r"[;\n]|(?<=[.!?])\s+(?=[^\W\d_])")
_DENIALS: Final = frozenset({"no", "not", "without", "kein", "keine", "keinen", "keinem", "ohne", "never"})
_WORDS_DENIED: Final = 2
"""How far a denial reaches: `no known groundwater`, but not `no delay, though groundwater`."""
_CHARACTERS_DENIED: Final = 80
"""More than two words have, unless somebody wants to keep the search busy."""


def plain(text: str) -> str:
    """A text with one way to write what has several, on one line."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_PLAIN).split())


def words_of(text: str) -> str:
    """The words of a text, as rules look for them."""
    return f" {' '.join(_WORD.findall(plain(text).casefold().translate(_SPELLED)))} "


def mentions(words: str, stems: Iterable[str]) -> bool:
    """Whether any of the stems is there."""
    return any(stem in words for stem in stems)


def says(words: str, stems: Iterable[str]) -> bool:
    """Whether any of the stems is there and not denied, as in `no groundwater`."""
    return any(not _denied(words, at) for stem in stems for at in _places(words, stem))


def sentences_of(text: str) -> list[str]:
    """The sentences of a text; a decimal point, and one before a figure, ends none."""
    return [found.strip() for found in _SENTENCE_END.split(text) if found.strip()]


def shortened(text: str, characters_max: int) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= characters_max else f"{line[: characters_max - 1].rstrip()}…"


def number(text: str) -> Decimal:
    """A figure with a decimal point or comma."""
    return Decimal(text.replace(",", "."))


def shown(amount: Decimal) -> str:
    """A figure for people and for the contract: at most three places, no zeros behind, no exponent."""
    rounded = format(amount.quantize(Decimal("0.001")), "f")
    return rounded.rstrip("0").rstrip(".")


def _places(words: str, stem: str) -> Iterable[int]:
    at = words.find(stem)
    while at >= 0:
        yield at
        at = words.find(stem, at + 1)


def _denied(words: str, at: int) -> bool:
    # A stem inside of a compound belongs to the word that began before it.
    end = words.rfind(" ", 0, at + 1) + 1
    before = words[max(0, end - _CHARACTERS_DENIED) : end].split()[-_WORDS_DENIED:]
    return not _DENIALS.isdisjoint(before)
