"""Stems: what a word has in common with its relatives."""

import re
from functools import lru_cache
from typing import Final

__all__ = ["kin", "stem", "stems", "words"]

_VOWELS: Final = re.compile(r"[aeiouy]")
_PREFIX_MIN, _SKELETON_MIN, _STEM_MIN = 5, 4, 3

_SUFFIXES: Final = (
    ("ilities", "il"),
    ("ility", "il"),
    ("ation", ""),
    ("ition", ""),
    ("ment", ""),
    ("ness", ""),
    ("ance", ""),
    ("ence", ""),
    ("ing", ""),
    ("ial", ""),
    ("ity", ""),
    ("est", ""),
    ("er", ""),
    ("or", ""),
    ("ed", ""),
    ("en", ""),
    ("ly", ""),
    ("al", ""),
)


def words(text: str) -> tuple[str, ...]:
    """A list of words, written as a text."""
    return tuple(text.split())


def stems(text: str) -> frozenset[str]:
    """The stems of a list of words, written as a text."""
    return frozenset(map(stem, text.split()))


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """What a word has in common with its relatives: plural and singular, verb and noun."""
    word = word.lower().replace("\u2019", "'").removesuffix("'s")
    if len(word) <= _STEM_MIN or not word.isalpha():
        return word
    word = _singular(word)
    for suffix, rest in _SUFFIXES:
        least = _STEM_MIN + (suffix in {"ance", "ence"})  # Finance is no end of a fin.
        if word.endswith(suffix) and len(word) - len(suffix) >= least:
            word = word.removesuffix(suffix) + rest
            break
    if word.endswith("th") and len(word) > _PREFIX_MIN + 1:
        word = word.removesuffix("th")
    return _bare(word)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > _SKELETON_MIN:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _bare(word: str) -> str:
    """A word without a silent end or a doubled last letter."""
    if word.endswith("e") and len(word) > _STEM_MIN:
        word = word[:-1]
    if len(word) > _STEM_MIN and word[-1] == word[-2]:
        word = word[:-1]
    return f"{word[:-1]}i" if word.endswith("y") and len(word) > _STEM_MIN else word


@lru_cache(maxsize=32_768)
def kin(one: str, other: str) -> bool:
    """Whether two stems are of one family, as `strong` and `strength` are."""
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) >= _PREFIX_MIN and longer.startswith(shorter):
        return True
    bones = _VOWELS.sub("", one)
    return len(bones) >= _SKELETON_MIN and one[0] == other[0] and bones == _VOWELS.sub("", other)
