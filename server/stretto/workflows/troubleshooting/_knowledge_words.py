"""What somebody writes, as a query of the full-text index."""

import re
from typing import Final

TERMS_MAX: Final = 64
TERM_CHARACTERS_MAX: Final = 100
TEXT_CHARACTERS_MAX: Final = 20_000

_STOP_WORDS: Final = """
a about after all also am an and any are as at be because been before being but by can cannot could did do does
doing done down for from get gets getting give given go goes got had has have having he help her here him his how
i if in into is it its just keep keeps let like may me might more most must my need needs no not now of off on once
one only or our out over please s shall she should show since so some such t tell than that the their them then
there these they this those through to today too under until up us use very want was we were what when where which
while who why will with would yesterday you your
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())
"""Words that say nothing of what is looked for; what is left weighs by how rare it is."""

_WORD: Final = re.compile(r"[^\W_]+")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def terms_of(text: str) -> tuple[str, ...]:
    """The words that are looked for, each once; `OutOfMemory` stands for its parts as well."""
    found: dict[str, None] = {}
    for word in _WORD.findall(text[:TEXT_CHARACTERS_MAX]):
        parts = _HUMP.split(word)
        for term in (word, *(parts if len(parts) > 1 else ())):
            found[term.lower()[:TERM_CHARACTERS_MAX]] = None
    return tuple(term for term in found if term not in STOP_WORDS)[:TERMS_MAX]


def query_of(terms: tuple[str, ...]) -> str:
    """Any of these terms. Each is quoted and has no quote in it, so none can be an operator."""
    return " OR ".join(f'"{term}"' for term in terms)
