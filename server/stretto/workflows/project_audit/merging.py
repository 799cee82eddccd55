"""What the queries found becomes one report, the best that the answers allow. What is missing is marked as such."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows._words import count
from stretto.workflows.project_audit import prompts
from stretto.workflows.project_audit.answers import (
    Compliance,
    ComplianceAnswer,
    ComplianceStatus,
    ComprehensiveAnswer,
    ProjectSummary,
    Risk,
    RiskSeverity,
    compliance_of,
)

_WORST_FIRST: Final = (RiskSeverity.HIGH, RiskSeverity.MEDIUM, RiskSeverity.LOW)


class Findings(BaseModel):
    """What an audit found, and what is to be taken with care."""

    model_config = ConfigDict(frozen=True)

    summary: ProjectSummary
    compliance: Compliance
    risks: tuple[Risk, ...]
    warnings: tuple[str, ...] = ()


def merged(
    comprehensive: ComprehensiveAnswer | None, compliance: ComplianceAnswer | None, errors: Mapping[str, str]
) -> Findings:
    """Both answers, with stand-ins for one that is not there.

    Args:
        comprehensive: What the query of that name answered.
        compliance: What the other one did.
        errors: Why there is no answer, by the query's name.
    """
    return Findings(
        summary=ProjectSummary(**dict(comprehensive)) if comprehensive else _no_summary(),
        compliance=compliance_of(compliance.findings) if compliance else _no_compliance(),
        risks=worst_first(compliance.risks if compliance else [_unknown()]),
        warnings=tuple(_warning(query, why) for query, why in errors.items()),
    )


def worst_first(risks: Sequence[Risk]) -> tuple[Risk, ...]:
    """Risks by severity, and else as they came."""
    return tuple(sorted(risks, key=lambda risk: _WORST_FIRST.index(risk.severity)))


def unseen(request: Mapping[str, Any]) -> tuple[str, ...]:
    """Warnings of what was too much to be shown to a model."""
    seen = zip(("positions", "specifications"), prompts.seen_of(request), strict=True)
    lacking = [(name, len(request.get(name, ())), len(shown)) for name, shown in seen]
    return tuple(
        f"The model saw {shown} of {given} {name}; what it says is about these."
        for name, given, shown in lacking
        if shown < given
    )


def headline_of(findings: Findings) -> str:
    """The outcome in one sentence."""
    high = sum(risk.severity is RiskSeverity.HIGH for risk in findings.risks)
    risks = f"{count(len(findings.risks), 'risk')}, {high or 'none'} of them high" if findings.risks else "no risks"
    return f"{_complies(findings.compliance)}; {risks}."


def _complies(compliance: Compliance) -> str:
    violated = sum(finding.status is ComplianceStatus.VIOLATED for finding in compliance.findings)
    match compliance.status:
        case ComplianceStatus.COMPLIANT:
            return "The project complies with the standards in all that was checked"
        case ComplianceStatus.VIOLATED:
            return f"The project violates the standards in {count(violated, 'point')}"
        case ComplianceStatus.INCOMPLETE:
            return "Too little is said to tell whether the project complies with the standards"
        case ComplianceStatus.UNKNOWN:
            return "Whether the project complies with the standards is unknown"


def _no_summary() -> ProjectSummary:
    return ProjectSummary(text="The project could not be analysed.", missing=True)


def _no_compliance() -> Compliance:
    return Compliance(status=ComplianceStatus.UNKNOWN, missing=True)


def _unknown() -> Risk:
    """Nobody must take what was not checked for what is right."""
    return Risk(
        severity=RiskSeverity.HIGH,
        title="Compliance is unknown",
        explanation="The project could not be checked against the standards, so it may violate any of them.",
        measure="Have it checked before work begins.",
    )


def _warning(query: str, why: str) -> str:
    return f"The query {query} has no answer: {why}. What stands in for it is marked as missing."
