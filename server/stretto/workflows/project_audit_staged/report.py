"""The shape that the last role of a staged audit fills in."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from stretto.workflows.project_audit import rules
from stretto.workflows.project_audit.answers import Checked, ComplianceAnswer, ComprehensiveAnswer, Risks
from stretto.workflows.project_audit.merging import Findings, merged
from stretto.workflows.project_audit.queries import contract_of


class Report(BaseModel):
    """What an audit found."""

    model_config = ConfigDict(frozen=True)

    summary: ComprehensiveAnswer
    findings: Checked = ()
    risks: Risks = ()

    @property
    def checked(self) -> ComplianceAnswer:
        """The part of it that is about the standards, and the risks."""
        return ComplianceAnswer(findings=self.findings, risks=self.risks)


def report_by_rules(request: Mapping[str, Any]) -> Report:
    """The report without a model."""
    checked = rules.compliance(request)
    return Report(summary=rules.comprehensive(request), findings=checked.findings, risks=checked.risks)


def told_of(report: Report) -> dict[str, Any]:
    """What watchers are told of it at once."""
    return {**contract_of(report.summary), **contract_of(report.checked)}


def findings_of(report: Report, warnings: tuple[str, ...]) -> Findings:
    """What a report says, in the form of every audit."""
    return merged(report.summary, report.checked, {}).model_copy(update={"warnings": warnings})
