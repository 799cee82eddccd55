"""The summary of a project in a few sentences."""

from collections.abc import Sequence
from typing import Final

from stretto.workflows._words import count
from stretto.workflows.project_audit.answers import Quantity
from stretto.workflows.project_audit.rules._materials import OTHER
from stretto.workflows.project_audit.rules._project import Project
from stretto.workflows.project_audit.rules._words import shortened

DESCRIPTION_CHARACTERS_MAX: Final = 600
_QUANTITIES_MAX: Final = 5


def summary_of(project: Project, quantities: Sequence[Quantity], gaps: int) -> str:
    """What the project is, what it comes with, and how much of what it needs."""
    description = shortened(project.description, DESCRIPTION_CHARACTERS_MAX).rstrip(".")
    name = f"{project.name.strip()}: " if project.name.strip() else ""
    documents = f"{count(len(project.positions), 'position')} and {count(len(project.specifications), 'specification')}"
    return " ".join(filter(None, [f"{name}{description}.", f"It has {documents}.", _needed(quantities), _open(gaps)]))


def _needed(quantities: Sequence[Quantity]) -> str:
    if not quantities:
        return ""
    more = len(quantities) - _QUANTITIES_MAX
    listed = [f"{each.amount} {each.unit} of {_named(each.material)}" for each in quantities[:_QUANTITIES_MAX]]
    return f"It needs {', '.join(listed)}{f', and {more} more' if more > 0 else ''}."


def _named(material: str) -> str:
    return "other work" if material == OTHER else material


def _open(gaps: int) -> str:
    return (
        f"{count(gaps, 'gap')} in its documents should be closed." if gaps else "No gaps were found in its documents."
    )
