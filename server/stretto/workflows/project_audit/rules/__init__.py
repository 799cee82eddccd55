"""The rules that answer a project audit without a model. Pure functions: the same request has the same answer."""

from collections.abc import Callable, Mapping
from typing import Any

from stretto.workflows.project_audit.answers import GAPS_MAX, ComplianceAnswer, ComplianceFinding, ComprehensiveAnswer
from stretto.workflows.project_audit.rules._facts import facts_in
from stretto.workflows.project_audit.rules._findings import (
    bounded,
    contradictions,
    finding_of,
    nothing,
    undecided,
    unexposed,
)
from stretto.workflows.project_audit.rules._gaps import gaps_of
from stretto.workflows.project_audit.rules._known import Known, to_check
from stretto.workflows.project_audit.rules._project import Project, project_of
from stretto.workflows.project_audit.rules._quantities import quantities_of
from stretto.workflows.project_audit.rules._reading import unread
from stretto.workflows.project_audit.rules._risks import ordered, risks_of_findings, risks_of_gaps
from stretto.workflows.project_audit.rules._statements import Statement, statements_of
from stretto.workflows.project_audit.rules._summary import summary_of

__all__ = ["Told", "compliance", "comprehensive", "unread"]

Told = Callable[[float], None]
"""Is told which share of an answer's parts is done, after each of them."""


def _nobody(fraction: float) -> None:
    """Nobody wants to know."""


def comprehensive(request: Mapping[str, Any], told: Told = _nobody) -> ComprehensiveAnswer:
    """What a project is, its quantities, and what its documents leave open."""
    project = project_of(request)
    told(1 / 4)
    statements = statements_of(project)
    told(2 / 4)
    gaps = gaps_of(project, statements, Known(statements))
    told(3 / 4)
    quantities = quantities_of(project.positions)
    text = summary_of(project, quantities, len(gaps))
    told(1.0)
    return ComprehensiveAnswer(text=text, quantities=quantities, gaps=tuple(gap.text for gap in gaps[:GAPS_MAX]))


def compliance(request: Mapping[str, Any], told: Told = _nobody) -> ComplianceAnswer:
    """Whether a project complies with the standards, and its risks."""
    project = project_of(request)
    told(1 / 4)
    statements = statements_of(project)
    known = Known(statements)
    told(2 / 4)
    findings = _findings(project, statements, known)
    told(3 / 4)
    exposures = frozenset(name for each in statements for name in each.concrete.exposures)
    risks = [
        *risks_of_findings(findings),
        *facts_in(project, exposures),
        *risks_of_gaps(gaps_of(project, statements, known)),
    ]
    answer = ComplianceAnswer(findings=bounded(findings), risks=ordered(risks))
    told(1.0)
    return answer


def _findings(project: Project, statements: tuple[Statement, ...], known: Known) -> list[ComplianceFinding]:
    found = [
        *(finding_of(each) for each in to_check(statements, known)),
        *contradictions(statements),
        *undecided(statements, known),
        *unexposed(project, statements, known),
    ]
    return found or [nothing()]
