"""What the two queries of a project audit answer, by a chat model or by the rules, and what a report makes of it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field

TEXT_CHARACTERS_MAX: Final = 4000
"""The contract's bound of a summary."""
QUANTITIES_MAX: Final = 50
GAPS_MAX: Final = 50
FINDINGS_MAX: Final = 200
RISKS_MAX: Final = 50
"""More than that nobody reads; it bounds what an answer can grow to."""


class _Named(StrEnum):
    """A value that the contract has, and whose short name a model may write: `VIOLATED`."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return next((each for each in cls if each.name == str(value).upper()), None)


class ComplianceStatus(_Named):
    """Whether something complies, as the contract names it."""

    COMPLIANT = "COMPLIANCE_STATUS_COMPLIANT"
    VIOLATED = "COMPLIANCE_STATUS_VIOLATED"
    INCOMPLETE = "COMPLIANCE_STATUS_INCOMPLETE"
    UNKNOWN = "COMPLIANCE_STATUS_UNKNOWN"


class RiskSeverity(_Named):
    """How bad a risk is, as the contract names it."""

    LOW = "RISK_SEVERITY_LOW"
    MEDIUM = "RISK_SEVERITY_MEDIUM"
    HIGH = "RISK_SEVERITY_HIGH"


WORST_FIRST: Final = (
    ComplianceStatus.VIOLATED,
    ComplianceStatus.INCOMPLETE,
    ComplianceStatus.UNKNOWN,
    ComplianceStatus.COMPLIANT,
)


class _Part(BaseModel):
    # Models write amounts as numbers every other time, and mean the same.
    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)


class Quantity(_Part):
    """How much of a material the positions need together."""

    material: str = Field(description="such as concrete", min_length=1)
    amount: str = Field(description="decimal", pattern=r"^[0-9]+([.][0-9]+)?$")
    unit: str = Field(description="such as m3")
    positions: int = Field(description="how many", ge=0, lt=2**32)


class ComprehensiveAnswer(_Part):
    """What a project is, how much of what it needs, and what its documents leave open."""

    text: str = Field(description="what the project is, in a few sentences", max_length=TEXT_CHARACTERS_MAX)
    quantities: tuple[Quantity, ...] = Field(
        default=(), description="the positions added up by material and unit", max_length=QUANTITIES_MAX
    )
    gaps: tuple[str, ...] = Field(
        default=(), description="what the documents leave open, a sentence", max_length=GAPS_MAX
    )


class ProjectSummary(ComprehensiveAnswer):
    """That answer in a report, or what stands in for it."""

    missing: bool = False


class ComplianceFinding(_Part):
    """One thing that was checked against the standards."""

    subject: str = Field(description="such as Slab: C25/30, XC4", min_length=1)
    requirement: str = Field(description="such as EN 206, XC4: at least C30/37")
    status: ComplianceStatus = Field(
        description="COMPLIANT, VIOLATED, INCOMPLETE (too little is said) or UNKNOWN (cannot be checked)"
    )
    explanation: str = Field(description="why, in a sentence")


class Risk(_Part):
    """Something that may go wrong."""

    severity: RiskSeverity = Field(description="LOW, MEDIUM (settle before work begins) or HIGH (settle now)")
    title: str = Field(description="a few words", min_length=1)
    explanation: str = Field(description="why, in a sentence")
    measure: str = Field(default="", description="what to do, in a sentence")


Checked = Annotated[tuple[ComplianceFinding, ...], Field(max_length=FINDINGS_MAX)]
Risks = Annotated[tuple[Risk, ...], Field(max_length=RISKS_MAX)]


class ComplianceAnswer(_Part):
    """What was checked, and what may go wrong. What the checks mean together, nobody who answers is asked."""

    findings: Checked = ()
    risks: Risks = ()


class Compliance(_Part):
    """Whether a project complies with the standards, in a report."""

    status: ComplianceStatus
    findings: tuple[ComplianceFinding, ...] = ()
    missing: bool = False


def compliance_of(findings: Sequence[ComplianceFinding]) -> Compliance:
    """The findings, the worst first, which decides. Where nothing was checked, nobody knows."""
    ordered = tuple(sorted(findings, key=lambda finding: WORST_FIRST.index(finding.status)))
    return Compliance(status=ordered[0].status if ordered else ComplianceStatus.UNKNOWN, findings=ordered)
