"""Statements: each specification, position or sentence of the description that says something of concrete."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from stretto.workflows.project_audit.rules._concrete import Concrete, concrete_in
from stretto.workflows.project_audit.rules._elements import elements_in
from stretto.workflows.project_audit.rules._materials import CONCRETE, PLAIN_CONCRETE
from stretto.workflows.project_audit.rules._project import Position, Project
from stretto.workflows.project_audit.rules._words import mentions, plain, sentences_of, shortened, words_of

SUBJECT_CHARACTERS_MAX: Final = 160
_SHARED: Final = {"exposures": "exposure", "strength": "strength", "cover": "cover"}
"""What a statement may take from others about the same element, and what each is called."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of the concrete of some elements, or of all concrete where it names no element."""

    subject: str
    elements: frozenset[str]
    concrete: Concrete
    reinforced: bool
    position: Position | None
    about_concrete: bool
    taken: tuple[str, ...] = ()
    """What it does not say itself and takes from other statements."""

    @property
    def names_exposure(self) -> bool:
        """Whether it says what the concrete is exposed to."""
        return bool(self.concrete.exposures or self.concrete.exposures_unknown)


def statements_of(project: Project) -> tuple[Statement, ...]:
    """All statements: specifications, then positions of concrete, then what the description says."""
    specified = [_statement(clause) for text in project.specifications for clause in _clauses(text)]
    billed = [_billed(position) for position in project.positions]
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


def _billed(position: Position) -> Statement | None:
    made = _statement(position.text, position.words)
    if position.material != CONCRETE and not made.names_exposure:
        return None
    subject = f"{position.number}: {made.subject}" if position.number else made.subject
    return replace(made, subject=subject, position=position)


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
    )


class Known:
    """What all statements together say of each element, and of concrete at large."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        self._values: dict[tuple[str, str], set[Any]] = defaultdict(set)
        for statement in statements:
            # A position without an element says nothing of the others, other than a specification without one.
            for element in statement.elements or ([] if statement.position else [""]):
                for field in _SHARED:
                    if value := getattr(statement.concrete, field):
                        self._values[field, element].add(value)

    def says(self, field: str, elements: Iterable[str]) -> bool:
        """Whether anything says that of any of the elements, or of all concrete."""
        return any(self._values.get((field, element)) for element in (*elements, ""))

    def completed(self, statement: Statement) -> Statement:
        """A statement with what it does not say itself, where all others about the same say the same."""
        if not statement.reinforced:
            return statement
        missing = [field for field in _SHARED if not getattr(statement.concrete, field)]
        found = {field: value for field in missing if (value := self._agreed(field, statement.elements))}
        if not found:
            return statement
        return replace(
            statement, concrete=replace(statement.concrete, **found), taken=tuple(_SHARED[field] for field in found)
        )

    def _agreed(self, field: str, elements: frozenset[str]) -> Any:
        own: set[Any] = set().union(*(self._values.get((field, element), ()) for element in elements))
        values = own or self._values.get((field, ""), set())
        return next(iter(values)) if len(values) == 1 else None


def to_check(statements: Sequence[Statement], known: Known) -> list[Statement]:
    """The statements that name an exposure class, and those with a strength or cover of their own that inherit one."""
    completed = [(each, known.completed(each)) for each in statements]
    return [
        full
        for own, full in completed
        if own.names_exposure or (full.concrete.exposures and (own.concrete.strength or own.concrete.cover))
    ]
