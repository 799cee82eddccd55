"""Statements: each specification, position or sentence of the description that says something of concrete."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from stretto.workflows.project_audit.rules._concrete import Concrete, concrete_in
from stretto.workflows.project_audit.rules._elements import elements_in
from stretto.workflows.project_audit.rules._materials import CONCRETE
from stretto.workflows.project_audit.rules._project import Position, Project
from stretto.workflows.project_audit.rules._words import mentions, plain, sentences_of, shortened, words_of

SUBJECT_CHARACTERS_MAX: Final = 160
_PLAIN: Final = (
    " blinding",
    " lean ",
    " unreinforced",
    " plain concrete",
    "sauberkeitsschicht",
    "unbewehrt",
    "magerbeton",
)
"""Concrete without reinforcement: it needs no cover, and X0 is what it is exposed to."""
_SHARED: Final = ("exposures", "strength", "cover")
"""What a statement may take from others about the same element."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of the concrete of some elements, or of all concrete where it names no element."""

    subject: str
    elements: frozenset[str]
    concrete: Concrete
    reinforced: bool
    position: Position | None
    about_concrete: bool

    @property
    def names_exposure(self) -> bool:
        """Whether it says what the concrete is exposed to."""
        return bool(self.concrete.exposures or self.concrete.exposures_unknown)


def statements_of(project: Project) -> tuple[Statement, ...]:
    """All statements: specifications, then positions of concrete, then what the description says."""
    specified = [_statement(clause) for text in project.specifications for clause in _clauses(text)]
    billed = [_billed(position) for position in project.positions]
    described = [_statement(sentence) for sentence in sentences_of(project.description)]
    return (
        *(each for each in specified if each.about_concrete),
        *(each for each in billed if each is not None),
        *(each for each in described if each.names_exposure),
    )


def _clauses(text: str) -> list[str]:
    """The parts of a specification that each name an exposure class; one that names none goes with the one before."""
    parts: list[str] = []
    for part in text.replace("\n", ";").split(";"):
        if parts and not (_exposed(part) and _exposed(parts[-1])):
            parts[-1] = f"{parts[-1]};{part}"
        else:
            parts.append(part)
    return [part.strip() for part in parts]


def _exposed(text: str) -> bool:
    found = concrete_in(plain(text))
    return bool(found.exposures or found.exposures_unknown)


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
        reinforced=not mentions(words, _PLAIN),
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
        return replace(statement, concrete=replace(statement.concrete, **found)) if found else statement

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
