"""The shape that the last role of a staged audit fills in."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from stretto.workflows.project_audit import rules
from stretto.workflows.project_audit.answers import Compliance, ProjectSummary, Risks
from stretto.workflows.project_audit.merging import Findings, worst_first


class Report(BaseModel):
    """What an audit found."""

    model_config = ConfigDict(frozen=True)

    summary: ProjectSummary = Field(description="What the project is.")
    compliance: Compliance = Field(description="Whether it complies with the standards.")
    risks: Risks = ()


def report_by_rules(request: Mapping[str, Any]) -> Report:
    """The report without a model."""
    checked = rules.compliance(request)
    return Report(summary=rules.comprehensive(request), compliance=checked.compliance, risks=checked.risks)


def findings_of(report: Report, warnings: tuple[str, ...]) -> Findings:
    """What a report says, in the form of every audit. Nothing in it stands in for what is missing."""
    return Findings(
        summary=report.summary.model_copy(update={"missing": False}),
        compliance=report.compliance.model_copy(update={"missing": False}),
        risks=worst_first(report.risks),
        warnings=warnings,
    )
