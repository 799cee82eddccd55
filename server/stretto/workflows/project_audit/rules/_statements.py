"""Statements: each specification, position or sentence of the description that says something of concrete."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from stretto.workflows.project_audit.rules._concrete import Concrete, concrete_in
from stretto.workflows.project_audit.rules._elements import elements_in
from stretto.workflows.project_audit.rules._materials import CONCRETE, PLAIN_CONCRETE
from stretto.workflows.project_audit.rules._project import Position, Project
from stretto.workflows.project_audit.rules._words import mentions, plain, sentences_of, shortened, words_of

SUBJECT_CHARACTERS_MAX: Final = 160
_PRESTRESSED: Final = (" prestress", " pre stress", " post tension", " posttension", "spannbeton")
_LABEL: Final = re.compile(r"\s*([^:;]{2,40}):(?![0-9])")
_AT_LARGE: Final = (
    *(
        "concrete",
        "beton",
        " exposure",
        "exposition",
        " strength",
        "festigkeit",
        " cover",
        "deckung",
        " class",
        "klasse",
    ),
    *(" all ", " alle ", " general", "allgemein", " structur", "tragwerk", " building", "gebaeude", " note", "hinweis"),
    *(
        " cement",
        "zement",
        " material",
        "baustoff",
        " quality",
        "guete",
        " spec",
        " durab",
        "dauerhaft",
        " w c ",
        " w z ",
    ),
)
"""Words of a label that names no element, but all concrete or something that is said of it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of the concrete of some elements, or of all concrete where it names no element."""

    subject: str
    elements: frozenset[str]
    concrete: Concrete
    reinforced: bool
    position: Position | None
    about_concrete: bool
    prestressed: bool
    label: str = ""
    """What it is about in its own words, where it is a specification that says so before a colon."""
    taken: tuple[str, ...] = ()
    """What it does not say itself and takes from other statements."""
    disputed: tuple[str, ...] = ()
    """What it does not say itself, and other statements say in more than one way."""

    @property
    def names_exposure(self) -> bool:
        """Whether it says what the concrete is exposed to."""
        return bool(self.concrete.exposures or self.concrete.exposures_unknown)


def statements_of(project: Project) -> tuple[Statement, ...]:
    """All statements: specifications, then positions of concrete, then what the description says."""
    specified = [_specified(clause) for text in project.specifications for clause in _clauses(text)]
    labels = frozenset(element for each in specified for element in each.elements if element == each.label)
    billed = [_billed(position, labels) for position in project.positions]
    described = [_statement(clause) for clause in _clauses(project.description)]
    return (
        *(each for each in specified if each.about_concrete),
        *(each for each in billed if each is not None),
        *(each for each in described if each.names_exposure),
    )


def _clauses(text: str) -> Iterator[str]:
    """The parts of a text that are each about something else; what only adds to a part goes with it."""
    if concrete_in(plain(text)) == Concrete():
        # It says nothing that its parts could say apart, and it may have thousands.
        yield text
        return
    parts: list[str] = []
    last = _NOTHING
    for sentence in sentences_of(text):
        said = _said(sentence)
        if parts and _begins(said, last):
            yield " ".join(parts)
            parts, last = [], _NOTHING
        parts.append(sentence)
        last = _Said(last.elements | said.elements, last.exposed or said.exposed, last.strong or said.strong)
    yield " ".join(parts)


@dataclass(frozen=True, slots=True)
class _Said:
    """What a part of a text names."""

    elements: frozenset[str]
    exposed: bool
    strong: bool


_NOTHING: Final = _Said(frozenset(), exposed=False, strong=False)


def _said(sentence: str) -> _Said:
    found = concrete_in(plain(sentence))
    exposed = bool(found.exposures or found.exposures_unknown)
    return _Said(elements_in(words_of(sentence)), exposed, strong=bool(found.strength))


def _begins(said: _Said, last: _Said) -> bool:
    """Whether a sentence is about something else than what stands before it."""
    if said.elements and last.elements and said.elements != last.elements:
        return True
    return said.exposed and last.exposed and (bool(said.elements) or said.strong)


def _specified(text: str) -> Statement:
    """A specification. What its label names is an element, too, also one that these rules do not know."""
    made, found = _statement(text), _LABEL.match(text)
    label = words_of(found[1]).strip() if found else ""
    if not label or mentions(f" {label} ", _AT_LARGE) or concrete_in(plain(label)) != Concrete():
        return made
    return replace(made, label=label, elements=made.elements or frozenset([label]))


def _billed(position: Position, labels: frozenset[str]) -> Statement | None:
    made = _statement(position.text, position.words)
    if position.material != CONCRETE and not made.names_exposure:
        return None
    subject = f"{position.number}: {made.subject}" if position.number else made.subject
    named = {label for label in labels if f" {label.removesuffix('s')}" in position.words}
    return replace(made, subject=subject, position=position, elements=made.elements | named)


def _statement(text: str, words: str | None = None) -> Statement:
    words = words or words_of(text)
    found = concrete_in(plain(text))
    return Statement(
        subject=shortened(text, SUBJECT_CHARACTERS_MAX),
        elements=elements_in(words),
        concrete=found,
        reinforced=not mentions(words, PLAIN_CONCRETE),
        position=None,
        about_concrete=found != Concrete() or mentions(words, ("concrete", "beton")),
        prestressed=mentions(words, _PRESTRESSED),
    )
