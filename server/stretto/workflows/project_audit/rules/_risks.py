"""Risks: what violations, gaps and facts of a project mean for it, the worst first."""

from collections.abc import Iterator, Sequence
from typing import Final

from stretto.workflows._words import count
from stretto.workflows.project_audit.answers import RISKS_MAX, ComplianceFinding, ComplianceStatus, Risk, RiskSeverity
from stretto.workflows.project_audit.rules._gaps import Gap
from stretto.workflows.project_audit.rules._words import shortened

WORST_FIRST: Final = (RiskSeverity.HIGH, RiskSeverity.MEDIUM, RiskSeverity.LOW)
VIOLATIONS_MAX: Final = 20
"""Violations that are a risk each; all others are one together, so that they leave room for other risks."""
MANY: Final = 5
"""As many gaps of a kind that is harmless alone make it a matter to be settled before work begins."""
_TITLE_CHARACTERS_MAX: Final = 100


def ordered(risks: Sequence[Risk]) -> tuple[Risk, ...]:
    """Each risk once, as bad as it was found, the worst first."""
    by_severity = sorted(risks, key=lambda risk: WORST_FIRST.index(risk.severity))
    unique: dict[tuple[str, str], Risk] = {}
    for risk in by_severity:
        unique.setdefault((risk.title, risk.explanation), risk)
    return tuple(unique.values())[:RISKS_MAX]


def risks_of_findings(findings: Sequence[ComplianceFinding]) -> Iterator[Risk]:
    """What breaks a standard, and that something could not be told."""
    violated = [finding for finding in findings if finding.status is ComplianceStatus.VIOLATED]
    for finding in violated[:VIOLATIONS_MAX]:
        yield Risk(
            severity=RiskSeverity.HIGH,
            title=f"Against the standards: {shortened(finding.subject, _TITLE_CHARACTERS_MAX)}",
            explanation=finding.explanation,
            measure="Change the specification before anything of it is built.",
        )
    if more := len(violated) - VIOLATIONS_MAX:
        yield from _more(more)
    yield from _open([finding for finding in findings if finding.status is ComplianceStatus.INCOMPLETE])


def _open(findings: Sequence[ComplianceFinding]) -> Iterator[Risk]:
    if findings:
        subject = shortened(findings[0].subject, _TITLE_CHARACTERS_MAX)
        others = f" and {count(len(findings) - 1, 'other')}" if len(findings) > 1 else ""
        yield Risk(
            severity=RiskSeverity.MEDIUM,
            title="Compliance cannot be told everywhere",
            explanation=f"Too little is said to check `{subject}`{others}.",
            measure="Have exposure classes, strength classes and cover specified, once for each element.",
        )


def risks_of_gaps(gaps: Sequence[Gap]) -> Iterator[Risk]:
    """What the documents leave open; many gaps of one kind weigh more."""
    for gap in gaps:
        if gap.severity is not None:
            severity = RiskSeverity.MEDIUM if gap.number >= MANY else gap.severity
            yield Risk(severity=severity, title=gap.title, explanation=gap.text, measure=gap.measure)


def _more(number: int) -> Iterator[Risk]:
    if number > 0:
        yield Risk(
            severity=RiskSeverity.HIGH,
            title="Against the standards: more of it",
            explanation=f"{number} more violations were found; the findings name them.",
            measure="Have the specification revised as a whole.",
        )
