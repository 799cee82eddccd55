"""What the two queries of a project audit answer. A chat model fills these shapes in, and so do the rules."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

TEXT_CHARACTERS_MAX: Final = 4000
"""The contract's bound of a summary."""
QUANTITIES_MAX: Final = 50
GAPS_MAX: Final = 50
FINDINGS_MAX: Final = 200
RISKS_MAX: Final = 50
"""More than that nobody reads; it bounds what an answer can grow to."""


class ComplianceStatus(StrEnum):
    """Whether something complies, as the contract names it."""

    COMPLIANT = "COMPLIANCE_STATUS_COMPLIANT"
    VIOLATED = "COMPLIANCE_STATUS_VIOLATED"
    INCOMPLETE = "COMPLIANCE_STATUS_INCOMPLETE"
    UNKNOWN = "COMPLIANCE_STATUS_UNKNOWN"


class RiskSeverity(StrEnum):
    """How bad a risk is, as the contract names it."""

    LOW = "RISK_SEVERITY_LOW"
    MEDIUM = "RISK_SEVERITY_MEDIUM"
    HIGH = "RISK_SEVERITY_HIGH"


class _Part(BaseModel):
    # Models write amounts as numbers every other time, and mean the same.
    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)


class Quantity(_Part):
    """How much of a material the positions need together."""

    material: str = Field(description="What, such as `concrete`, `reinforcement` or `formwork`.", min_length=1)
    amount: str = Field(description="How much, a decimal such as `12.5`.", pattern=r"^[0-9]+([.][0-9]+)?$")
    unit: str = Field(description="In which unit, such as `m3`, `m2`, `m`, `kg` or `pcs`.")
    positions: int = Field(description="How many positions that is.", ge=0, lt=2**32)


class ProjectSummary(_Part):
    """What a project is, how much of what it needs, and what its documents leave open."""

    text: str = Field(description="What the project is, in a few sentences.", max_length=TEXT_CHARACTERS_MAX)
    quantities: tuple[Quantity, ...] = Field(
        default=(),
        description="The positions added up, one entry for each material and unit.",
        max_length=QUANTITIES_MAX,
    )
    gaps: tuple[str, ...] = Field(
        default=(), description="What the documents leave open, a sentence each.", max_length=GAPS_MAX
    )
    # Set for what stands in for an answer, so nobody who answers is asked about it.
    missing: SkipJsonSchema[bool] = False


class ComplianceFinding(_Part):
    """One thing that was checked against the standards."""

    subject: str = Field(description="What was checked, such as `Slab: C25/30, XC4, cover 30 mm`.", min_length=1)
    requirement: str = Field(description="Against what, such as `EN 206, XC4: at least C30/37`.")
    status: ComplianceStatus = Field(
        description="COMPLIANCE_STATUS_COMPLIANT: it satisfies the requirement. COMPLIANCE_STATUS_VIOLATED: it does "
        "not. COMPLIANCE_STATUS_INCOMPLETE: something that is needed to tell was not given. "
        "COMPLIANCE_STATUS_UNKNOWN: it could not be checked."
    )
    explanation: str = Field(description="Why, in one sentence.")


class Compliance(_Part):
    """Whether a project complies with the standards."""

    status: ComplianceStatus = Field(
        description="Over all: VIOLATED if any finding is, else INCOMPLETE if something that is needed was not given."
    )
    findings: tuple[ComplianceFinding, ...] = Field(
        default=(), description="What was checked, what breaks a rule first.", max_length=FINDINGS_MAX
    )
    missing: SkipJsonSchema[bool] = False


class Risk(_Part):
    """Something that may go wrong."""

    severity: RiskSeverity = Field(
        description="RISK_SEVERITY_LOW: to be kept in mind. RISK_SEVERITY_MEDIUM: to be settled before work begins. "
        "RISK_SEVERITY_HIGH: to be settled now."
    )
    title: str = Field(description="What it is, in a few words.", min_length=1)
    explanation: str = Field(description="Why, in one sentence.")
    measure: str = Field(default="", description="What to do about it, in one sentence; may be empty.")


Risks = Annotated[tuple[Risk, ...], Field(description="What may go wrong, the worst first.", max_length=RISKS_MAX)]


class ComprehensiveAnswer(_Part):
    """What the query `comprehensive` answers."""

    summary: ProjectSummary = Field(description="What the project is.")


class ComplianceAnswer(_Part):
    """What the query `compliance` answers."""

    compliance: Compliance = Field(description="Whether it complies with the standards.")
    risks: Risks = ()
