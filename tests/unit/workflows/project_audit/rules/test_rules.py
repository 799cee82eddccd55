import protovalidate
import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st

from stretto.audit.v1.project_audit_pb2 import AuditReport, AuditRequest
from stretto.workflows.project_audit.answers import ComplianceStatus, RiskSeverity, compliance_of
from stretto.workflows.project_audit.queries import contract_of
from stretto.workflows.project_audit.rules import compliance, comprehensive

WORDS = st.sampled_from(
    [
        *("concrete", "C30/37", "C99/1", "XC4", "XC7", "XF1/2", "XD3", "cover", "40 mm", "c_min = 4 cm", "w/c 0.5"),
        *("slab", "wall;", "basement", "no", "groundwater", "4 x 2,5 x 0.2 m", "99999 x 99999 x 99999 m", "x 0 m"),
        *("320 kg cement", "psch", "tbd", ".", "\n", "\N{VULGAR FRACTION ONE HALF} m", "\N{SUPERSCRIPT THREE}", "deep"),
    ]
)
TEXT = st.one_of(st.text(min_size=1, max_size=200), st.lists(WORDS, min_size=1, max_size=12).map(" ".join))
POSITION = st.fixed_dictionaries(
    {
        "text": TEXT,
        "quantity": st.from_regex(r"\A([0-9]{1,9}([.][0-9]{1,3})?)?\Z"),
        "unit": st.one_of(st.text(max_size=20), st.sampled_from(["m3", "t", "psch", ""])),
    },
    optional={"number": st.text(max_size=40)},
)
REQUEST = st.fixed_dictionaries(
    {"description": TEXT},
    optional={
        "project_name": st.text(max_size=200),
        "positions": st.lists(POSITION, max_size=12),
        "specifications": st.lists(TEXT, max_size=8),
    },
)
PROJECT = {
    "project_name": "Harbour office",
    "description": "An office of three storeys with a basement beside an existing building. Groundwater stands 2 m "
    "below ground, and the pit is 5.5 m deep. No asbestos was found. A parking deck closes the yard.",
    "positions": [
        {"number": "01.01", "text": "Excavation of the pit", "quantity": "1250", "unit": "m3"},
        {"number": "01.02", "text": "Backfill with excavated material", "quantity": "310.5", "unit": "cbm"},
        {"number": "01.03", "text": "Dewatering as required", "quantity": "1", "unit": "psch"},
        {"number": "02.01", "text": "Blinding concrete C12/15, X0", "quantity": "12", "unit": "m3"},
        {
            "number": "02.02",
            "text": "Foundation slab of concrete 20.00 x 12.00 x 0.40 m",
            "quantity": "96",
            "unit": "m3",
        },
        {"number": "02.03", "text": "Stahlbetonwand C25/30 inkl. Schalung", "quantity": "42", "unit": "cbm"},
        {"number": "02.04", "text": "Columns, concrete C30/37, 8 x 0.40 x 0.40 x 3.00 m", "quantity": "", "unit": "m3"},
        {"number": "02.05", "text": "Betonstahl B500B", "quantity": "14.25", "unit": "t"},
        {"number": "02.06", "text": "Schalung", "quantity": "340", "unit": "qm"},
        {"number": "02.06", "text": "Waterproofing of walls", "quantity": "", "unit": ""},
    ],
    "specifications": [
        "Foundation: C30/37, XC2, XA1, cover 50 mm, w/c 0.50",
        "Walls: C30/37, XC4, XF1, cover 35 mm",
        "Columns: XC1, c_nom = 25 mm",
    ],
}


def test_a_whole_project_is_summed_up():
    summary = comprehensive(PROJECT)
    assert [(each.material, each.amount, each.unit, each.positions) for each in summary.quantities] == [
        ("concrete", "153.84", "m3", 4),
        ("reinforcement", "14250", "kg", 1),
        ("formwork", "340", "m2", 1),
        ("excavation", "1250", "m3", 1),
        ("backfill", "310.5", "m3", 1),
    ]
    assert summary.gaps == (
        "1 position without a quantity: 02.06.",
        "1 position without a unit: 02.06.",
        "1 position leaving open what is to be done: 01.03.",
        "1 position with a lump sum: 01.03.",
        "1 number used by more than one position: 02.06.",
    )
    assert summary.text.startswith("Harbour office: An office of three storeys")
    assert summary.text.endswith(
        "It has 10 positions and 3 specifications. It needs 153.84 m3 of concrete, 14250 kg of reinforcement, 340 m2 "
        "of formwork, 1250 m3 of excavation, 310.5 m3 of backfill. 5 gaps in its documents should be closed."
    )


def test_a_whole_project_is_checked():
    answer = compliance(PROJECT)
    assert compliance_of(answer.findings).status is ComplianceStatus.VIOLATED
    assert [(f.status.removeprefix("COMPLIANCE_STATUS_"), f.subject[:12]) for f in answer.findings] == [
        ("VIOLATED", "Walls: C30/3"),
        ("VIOLATED", "02.03: Stahl"),
        ("INCOMPLETE", "Parking deck"),
        ("COMPLIANT", "Foundation: "),
        ("COMPLIANT", "Columns: XC1"),
        ("COMPLIANT", "02.01: Blind"),
        ("COMPLIANT", "02.04: Colum"),
    ]
    assert [(risk.severity.removeprefix("RISK_SEVERITY_"), risk.title) for risk in answer.risks] == [
        ("HIGH", "Against the standards: Walls: C30/37, XC4, XF1, cover 35 mm"),
        ("HIGH", "Against the standards: 02.03: Stahlbetonwand C25/30 inkl. Schalung"),
        ("HIGH", "Deep excavation"),
        ("HIGH", "De-icing salt without an XD class"),
        ("MEDIUM", "Compliance cannot be told everywhere"),
        ("MEDIUM", "Groundwater"),
        ("MEDIUM", "Existing structure"),
        ("MEDIUM", "Quantities missing"),
        ("MEDIUM", "Left open"),
        ("LOW", "Units missing"),
        ("LOW", "Lump sums"),
        ("LOW", "Numbers used twice"),
    ]


@pytest.mark.parametrize("query", [comprehensive, compliance])
def test_the_share_of_the_work_grows_until_all_is_done(query):
    told = []
    query(PROJECT, told.append)
    assert told == sorted(set(told))
    assert told[-1] == 1
    assert len(told) > 1


def test_the_project_is_one_that_the_contract_allows():
    protovalidate.validate(ParseDict(PROJECT, AuditRequest()))


@given(REQUEST)
def test_every_request_within_the_contract_is_answered_within_it(request_):
    summary, answer = comprehensive(request_), compliance(request_)
    report = {**contract_of(summary), **contract_of(answer)}
    protovalidate.validate(ParseDict(report, AuditReport()))
    order = [*RiskSeverity][::-1]
    assert [order.index(risk.severity) for risk in answer.risks] == sorted(
        order.index(r.severity) for r in answer.risks
    )
    if compliance_of(answer.findings).status is ComplianceStatus.COMPLIANT:
        assert {finding.status for finding in answer.findings} == {ComplianceStatus.COMPLIANT}


@given(REQUEST)
def test_the_same_request_has_the_same_answer(request_):
    assert (comprehensive(request_), compliance(request_)) == (comprehensive(request_), compliance(request_))
