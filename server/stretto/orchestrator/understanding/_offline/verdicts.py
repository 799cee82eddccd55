"""Yes, no and something else: what a message says to a proposal."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from stretto.orchestrator.understanding._offline.stems import stems
from stretto.orchestrator.understanding._offline.text import read

__all__ = ["MEANINGS", "Kind", "Verdict", "verdict_of"]

Kind = Literal["approve", "reject", "edit"]

MEANINGS: Final[Mapping[Kind, frozenset[str]]] = {
    "approve": stems("approve approval accept yes ok okay go confirm agree allow proceed sign"),
    "reject": stems("reject rejection no deny decline refuse disapprove stop cancel block"),
    "edit": stems("edit change modify adjust revise amend update rework"),
}
"""The stems by which a verdict is told, in the values of an enum as in a message."""

_NOT: Final = r"(?:do not|don't|not|never|can't|cannot|won't|wouldn't|didn't)"
_GOOD: Final = r"(?:very |really |quite |all )?(?:good|great|fine|right|perfect|ok|okay|correct)"
_IT: Final = r"(?:it|this|that)"

_PHRASES: Final[tuple[tuple[Kind, tuple[str, ...]], ...]] = (
    ("approve", (r"no (?:problem|objections?|worries|complaints|concerns)", rf"{_NOT} (?:reject|decline|refuse)")),
    (
        "reject",
        (
            rf"(?:i )?{_NOT}(?: \w+)? (?:approved?|accept(?:ed)?|agreed?|like|go ahead|do {_IT}|proceed)",
            r"(?:i )?(?:reject|declin|den[iy]|refus|disapprov|disagree|veto)(?:e|es|ed|d|ing|s)?",
            rf"turn {_IT} down|i {_NOT} want {_IT}",
            r"not (?:good|ok|okay|right|acceptable|what i)",
            r"(?:doesn't|does not|won't) work",
            r"absolutely not",
        ),
    ),
    (
        "approve",
        (
            r"(?:i )?(?:approve|accept|confirm|agree|lgtm)(?:d|ed|s)?",
            r"approval granted|go (?:ahead|for it)|ship it|proceed|works for me",
            rf"(?:looks?|sounds|seems|that's|it's|all) {_GOOD}",
            rf"(?:{_IT}|everything|plan|proposal) is {_GOOD}",
            rf"{_IT} works|let's do {_IT}|i like {_IT}|happy with {_IT}|do it",
        ),
    ),
)  # fmt: skip
_YES: Final = (
    r"yes|yep|yeah|yup|sure|ok|okay|fine|perfect|great|good|absolutely|definitely|of course|certainly|excellent"
)
_AFTER_NO: Final = (
    r"(?:thanks?|thank|way|please|i|i'm|it|it's|its|that|that's|this|not|do|don't|you|we|sorry|never|no|because|since|as|"
    r"too|the|they|there|but|and|reject|decline|cancel|stop)"
)
_OPENERS: Final[tuple[tuple[Kind, str], ...]] = (
    # `No pushups` is about something; it says nothing to the proposal as a whole.
    ("reject", rf"(?:no|nope|nah|never)\b(?! (?!{_AFTER_NO}\b)[a-z])|n[.!]?$|\U0001f44e"),
    ("approve", rf"(?:{_YES})\b|y[.!]?$|\U0001f44d|\U0001f44c|\u2705"),
)
_VERDICTS: Final = tuple(
    (kind, strong, re.compile(pattern, re.IGNORECASE))
    for strong, rows in (
        (True, [(kind, rf"\b(?:{'|'.join(phrases)})\b") for kind, phrases in _PHRASES]),
        (False, [(kind, rf"^(?:{phrases})") for kind, phrases in _OPENERS]),
    )
    for kind, pattern in rows
)
_LEAD: Final = (
    r"(?:please |but |ok,? |okay,? |no,? |yes,? |well,? |can you |could you |i(?:'d| would) (?:rather|prefer|like) |"
    r"i want |let's )*"
)
_EDIT: Final = re.compile(
    # To make somebody something is to ask for another one, not to change this one.
    rf"^{_LEAD}(?:make(?! (?:me|us|a|an|another)\b)|change|set|modify|adjust|edit|update|revise|increase|raise|reduce|"
    r"lower|decrease|shorten|extend|move|switch|swap|replace|shift|postpone|use|add|only|rather|more|fewer|less)\b|"
    r"\binstead\b|\brather\b|\bmake (?:it|that|them)\b|\bchange (?:it|that|the|my)\b",
    re.IGNORECASE,
)
_HEDGE: Final = re.compile(
    rf"\b(?:but|except|however|although|only|if|unless|{_NOT} (?:reject|decline|refuse))\b", re.IGNORECASE
)
_EDGE: Final = re.compile(
    r"^[\s,.;:!\u2013\u2014-]*(?:(?:it|this|that|them|both|all|to all|the (?:plan|proposal|first|second|third|last)"
    r"(?: one)?)\b[\s,.;:!\u2013\u2014-]*)?(?:(?:please|because|since|as|but|and|then)\b\s*)*",
    re.IGNORECASE,
)
_SIGNS: Final = " ,.;:!\u2013\u2014-"
_EMPTY: Final = re.compile(rf"(?:no|i|please|well|it|one|that|thanks|and start it|{_YES})*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message says to a proposal, and the words that say why."""

    kind: Kind
    rest: str
    changes: bool = False
    """Whether it asks for something else, or sets a condition: a yes with a `but` is no yes."""
    strong: bool = True
    """Whether it can hardly mean anything but a verdict; `ok, plan my week` merely begins like one."""


@lru_cache(maxsize=256)
def verdict_of(raw: str) -> Verdict | None:
    """What a message says to a proposal, when it says something."""
    said = raw.strip().replace("\u2019", "'")
    edits = bool(_EDIT.search(said))
    changes = edits or bool(_HEDGE.search(said))
    for kind, strong, pattern in _VERDICTS:
        if match := pattern.search(said):
            return Verdict(kind, _rest(said, *match.span()), changes, strong)
    return Verdict("edit", said, changes=True) if edits and read(raw).words else None


def _rest(said: str, start: int, end: int) -> str:
    """The words besides the verdict itself."""
    parts = (said[:start].rstrip(_SIGNS), _EDGE.sub("", said[end:]))
    return ", ".join(part for part in parts if not _EMPTY.fullmatch(part)).strip(_SIGNS)
