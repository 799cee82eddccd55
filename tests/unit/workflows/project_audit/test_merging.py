import pytest

from stretto.workflows.project_audit.answers import (
    Compliance,
    ComplianceAnswer,
    ComplianceFinding,
    ComplianceStatus,
    ComprehensiveAnswer,
    ProjectSummary,
    Risk,
    RiskSeverity,
)
from stretto.workflows.project_audit.merging import headline_of, merged, unseen

SUMMARY = ComprehensiveAnswer(text="A shed.", gaps=("No plans.",))


def finding(status):
    return ComplianceFinding(subject="Slab", requirement="EN 206", status=status, explanation="So it is.")


def risk(severity, title="Frost"):
    return Risk(severity=severity, title=title, explanation="It is cold.")


def complying(*statuses, risks=()):
    return ComplianceAnswer(findings=tuple(finding(status) for status in statuses), risks=risks)


GOOD = complying(ComplianceStatus.COMPLIANT)


def test_two_answers_make_one_report_without_warnings():
    found = merged(SUMMARY, GOOD, {})
    assert found.summary == ProjectSummary(text="A shed.", gaps=("No plans.",), missing=False)
    assert found.compliance == Compliance(status=ComplianceStatus.COMPLIANT, findings=GOOD.findings, missing=False)
    assert (found.risks, found.warnings) == ((), ())
    assert headline_of(found) == "The project complies with the standards in all that was checked; no risks."


def test_without_the_comprehensive_answer_its_place_is_marked():
    found = merged(None, GOOD, {"comprehensive": "no answer within 15 s"})
    assert found.summary.missing
    assert found.compliance.findings == GOOD.findings
    [warning] = found.warnings
    assert warning.startswith("The query comprehensive has no answer: no answer within 15 s.")


def test_without_the_compliance_answer_nobody_is_told_that_all_is_well():
    found = merged(SUMMARY, None, {"compliance": "no answer within 15 s"})
    assert (found.compliance.status, found.compliance.missing) == (ComplianceStatus.UNKNOWN, True)
    assert [each.severity for each in found.risks] == [RiskSeverity.HIGH]
    assert headline_of(found) == ("Whether the project complies with the standards is unknown; 1 risk, 1 of them high.")


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ("COMPLIANT INCOMPLETE VIOLATED UNKNOWN", ComplianceStatus.VIOLATED),
        ("COMPLIANT UNKNOWN INCOMPLETE", ComplianceStatus.INCOMPLETE),
        ("COMPLIANT UNKNOWN", ComplianceStatus.UNKNOWN),
        ("COMPLIANT COMPLIANT", ComplianceStatus.COMPLIANT),
        ("", ComplianceStatus.UNKNOWN),
    ],
)
def test_the_worst_finding_decides_and_comes_first(statuses, status):
    found = merged(SUMMARY, complying(*(ComplianceStatus(name) for name in statuses.split())), {}).compliance
    assert found.status is status
    assert [each.status for each in found.findings[:1]] == [status][: len(statuses)]


def test_the_worst_risks_come_first_and_else_the_order_stays():
    low, high, medium = RiskSeverity.LOW, RiskSeverity.HIGH, RiskSeverity.MEDIUM
    risks = (risk(low, "a"), risk(high, "b"), risk(medium, "c"), risk(high, "d"), risk(low, "e"))
    found = merged(SUMMARY, complying(risks=risks), {})
    assert "".join(each.title for each in found.risks) == "bdcae"
    assert headline_of(found).endswith("5 risks, 2 of them high.")


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (ComplianceStatus.VIOLATED, "The project violates the standards in 2 points; no risks."),
        (
            ComplianceStatus.INCOMPLETE,
            "Too little is said to tell whether the project complies with the standards; no risks.",
        ),
    ],
)
def test_the_headline_says_how_it_is(status, says):
    assert headline_of(merged(SUMMARY, complying(status, status), {})) == says


def test_what_a_model_was_not_shown_is_warned_of():
    request = {"description": "A shed.", "positions": [{"text": "Wall"}] * 12, "specifications": ["x" * 15_000] * 2}
    assert unseen(request) == (
        "The model saw 10 of 12 positions; what it says is about these.",
        "The model saw 1 of 2 specifications; what it says is about these.",
    )
    assert unseen({"description": "A shed."}) == ()
