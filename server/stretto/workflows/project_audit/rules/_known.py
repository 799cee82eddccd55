"""What all statements together say of each element: what one leaves out, it takes from others that agree."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from stretto.workflows.project_audit.rules._statements import Statement

_SHARED: Final = {"exposures": "exposure", "strength": "strength", "cover": "cover"}
"""What a statement may take from others about the same element, and what each is called."""


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

    def values(self, field: str, elements: Iterable[str]) -> set[Any]:
        """All that is said of the elements, or else of all concrete."""
        own: set[Any] = set().union(*(self._values.get((field, element), ()) for element in elements))
        return own or self._values.get((field, ""), set())

    def completed(self, statement: Statement) -> Statement:
        """A statement with what it does not say itself, where all others about the same say the same."""
        if not statement.reinforced:
            return statement
        missing = [field for field in _SHARED if not getattr(statement.concrete, field)]
        said = {field: self.values(field, statement.elements) for field in missing}
        found = {field: next(iter(values)) for field, values in said.items() if len(values) == 1}
        return replace(
            statement,
            concrete=replace(statement.concrete, **found),
            taken=tuple(_SHARED[field] for field in found),
            disputed=tuple(_SHARED[field] for field, values in said.items() if len(values) > 1),
        )


def to_check(statements: Sequence[Statement], known: Known) -> list[Statement]:
    """The statements that name an exposure class, and those with a strength or cover of their own that inherit one."""
    completed = [(each, known.completed(each)) for each in statements]
    return [
        full
        for own, full in completed
        if own.names_exposure or (full.concrete.exposures and (own.concrete.strength or own.concrete.cover))
    ]
