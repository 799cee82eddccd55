import pytest

from stretto.workflows.project_audit.answers import RISKS_MAX, Risk, RiskSeverity
from stretto.workflows.project_audit.rules import compliance
from stretto.workflows.project_audit.rules._risks import VIOLATIONS_MAX, ordered

LOW, MEDIUM, HIGH = RiskSeverity.LOW, RiskSeverity.MEDIUM, RiskSeverity.HIGH
DOORS = {"number": "1", "text": "Doors", "quantity": "3", "unit": "pcs"}


def risks(description="A building", specifications=("Slab: C30/37, XC4, cover 40 mm",), positions=(DOORS,)):
    request = {"description": description, "specifications": list(specifications), "positions": list(positions)}
    return {risk.title: risk for risk in compliance(request).risks}


def test_a_project_without_a_fault_has_no_risks():
    assert risks() == {}


@pytest.mark.parametrize(
    ("description", "title", "severity"),
    [
        ("Groundwater at 2 m", "Groundwater", MEDIUM),
        ("Hoher Grundwasserstand", "Groundwater", MEDIUM),
        ("Beside an existing building", "Existing structure", MEDIUM),
        ("Underpinning of the gable", "Underpinning", HIGH),
        ("Die Giebelwand wird unterfangen, Unterfangung in Abschnitten", "Underpinning", HIGH),
        ("On contaminated land", "Contaminated soil", HIGH),
        ("Asbestos in the roof", "Asbestos", HIGH),
        ("A deep excavation", "Deep excavation", HIGH),
        ("The pit is 4 m deep", "Deep excavation", HIGH),
        ("Die Baugrube ist 5,5 m tief", "Deep excavation", HIGH),
        ("Built in winter", "Winter", MEDIUM),
        ("A tight schedule", "Tight schedule", MEDIUM),
        ("A listed building", "Heritage", MEDIUM),
        ("Unter Denkmalschutz", "Heritage", MEDIUM),
        ("The neighbouring house", "Neighbouring building", MEDIUM),
        ("On the coast", "Coast without an XS class", HIGH),
        ("De-icing salt is used", "De-icing salt without an XD class", HIGH),
    ],
)
def test_a_fact_in_the_description_is_a_risk(description, title, severity):
    found = risks(description)
    assert found[title].severity is severity
    assert found[title].explanation
    assert found[title].measure


@pytest.mark.parametrize("description", ["No groundwater", "Without asbestos", "Kein Grundwasser", "A pit 3.9 m deep"])
def test_what_is_denied_or_small_is_none(description):
    assert risks(description) == {}


def test_an_exposure_class_deals_with_salt():
    at_sea = "Quay: C35/45, XC4, XS3, cover 55 mm"
    on_roads = "Deck: C35/45, XC4, XD3, cover 55 mm"
    assert "Coast without an XS class" not in risks("On the coast", (at_sea,))
    assert "Coast without an XS class" in risks("On the coast", (on_roads,))
    assert "De-icing salt without an XD class" not in risks("De-icing salt", (on_roads,))
    assert "De-icing salt without an XD class" in risks("De-icing salt", (at_sea,))


def test_a_violation_is_a_high_risk_that_says_why():
    found = risks(specifications=("Slab: C25/30, XC4, cover 40 mm",))
    risk = found["Against the standards: Slab: C25/30, XC4, cover 40 mm"]
    assert (risk.severity, risk.explanation) == (HIGH, "C25/30 is below C30/37, which XC4 needs.")


def test_many_violations_leave_room_for_other_risks():
    found = risks("Asbestos", [f"Slab {n}: C25/30, XC4, cover 40 mm" for n in range(60)])
    against = [title for title in found if title.startswith("Against the standards")]
    assert len(against) == VIOLATIONS_MAX + 1
    assert found[against[-1]].explanation == "40 more violations were found; the findings name them."
    assert "Asbestos" in found


def test_what_cannot_be_told_is_a_risk():
    assert risks(specifications=("Slab: C30/37, XC4",))["Compliance cannot be told everywhere"].severity is MEDIUM


@pytest.mark.parametrize(("number", "severity"), [(4, LOW), (5, MEDIUM)])
def test_many_harmless_gaps_weigh_more(number, severity):
    positions = [{**DOORS, "number": str(n), "unit": ""} for n in range(number)]
    assert risks(positions=positions)["Units missing"].severity is severity


def test_each_risk_is_there_once_as_bad_as_it_was_found_and_the_worst_come_first():
    def risk(severity, title):
        return Risk(severity=severity, title=title, explanation="Because.")

    found = ordered([risk(LOW, "a"), risk(MEDIUM, "b"), risk(HIGH, "a"), risk(HIGH, "c"), risk(MEDIUM, "b")])
    assert [(each.severity, each.title) for each in found] == [(HIGH, "a"), (HIGH, "c"), (MEDIUM, "b")]
    assert len(ordered([risk(LOW, str(n)) for n in range(RISKS_MAX + 9)])) == RISKS_MAX
