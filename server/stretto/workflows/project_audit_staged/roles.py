"""The roles of a staged audit: what each is told to be, and what the rules write in its place without a model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stretto.workflows._words import count
from stretto.workflows.project_audit import prompts, rules

SURVEY, CHECKING, REPORT = "survey", "checking", "report"
"""The stages, in their order."""


@dataclass(frozen=True, slots=True)
class Role:
    """One of the crew. It writes a text, but for the last one, which fills in the report."""

    name: str
    stage: str
    task: str
    rules: Callable[[Mapping[str, Any]], str]
    """What the rules write in its place."""

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.name.replace("_", " ")

    @property
    def system(self) -> str:
        """What it is told to be."""
        return f"You are the {self.title} in the audit of a construction project. {self.task} {prompts.DATA}"


def prompt(request: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """What each role is sent: the whole project, and all that was written before it."""
    written = [f"The {name.replace('_', ' ')} wrote:\n{text}" for name, text in texts.items()]
    return "\n\n".join([prompts.context(request), *written])


def _quantities(request: Mapping[str, Any]) -> str:
    found = rules.comprehensive(request).quantities
    return _lines(
        f"{each.material}: {each.amount} {each.unit} in {count(each.positions, 'position')}" for each in found
    )


def _gaps(request: Mapping[str, Any]) -> str:
    return _lines(rules.comprehensive(request).gaps)


def _findings(request: Mapping[str, Any]) -> str:
    found = rules.compliance(request).findings
    return _lines(f"{each.subject}. {each.requirement}. {each.explanation}" for each in found)


def _risks(request: Mapping[str, Any]) -> str:
    return _lines(f"{each.title}. {each.explanation} {each.measure}" for each in rules.compliance(request).risks)


def _summary(request: Mapping[str, Any]) -> str:
    return rules.comprehensive(request).text


def _lines(texts: Any) -> str:
    return "\n".join(f"- {text}" for text in texts) or "- nothing"


CREW: Final = (
    Role(
        "quantity_surveyor",
        SURVEY,
        "Add up the quantities of the positions by material and unit, and say which positions cannot be added up.",
        _quantities,
    ),
    Role(
        "structural_engineer",
        SURVEY,
        "Describe the structure and its elements, and name what the documents leave open about them.",
        _gaps,
    ),
    Role(
        "compliance_officer",
        CHECKING,
        "Check each element with EN 206 and EN 1992-1-1: its exposure classes against strength class, concrete cover "
        "and water-cement ratio.",
        _findings,
    ),
    Role(
        "risk_analyst",
        CHECKING,
        "Name the risks of the project, each with its severity, its reason and a measure.",
        _risks,
    ),
    Role(
        "lead_auditor",
        REPORT,
        "Weigh what the others wrote, settle where they disagree, and write the audit's conclusions.",
        _summary,
    ),
)
EDITOR: Final = Role(
    "editor",
    REPORT,
    "Put what the others wrote into the form of the report: what the project is with its quantities and gaps, whether "
    "it complies with the standards, and its risks.",
    _summary,
)
