from decimal import Decimal

import pytest

from stretto.workflows.project_audit.answers import FINDINGS_MAX, ComplianceStatus, compliance_of
from stretto.workflows.project_audit.rules import compliance
from stretto.workflows.project_audit.rules._concrete import concrete_in
from stretto.workflows.project_audit.rules._standards import EXPOSURES, STRENGTHS, rank
from stretto.workflows.project_audit.rules._words import plain

COMPLIANT, VIOLATED, INCOMPLETE = ComplianceStatus.COMPLIANT, ComplianceStatus.VIOLATED, ComplianceStatus.INCOMPLETE
TABLE = {
    "X0": ("C12/15", None, None, 10),
    "XC1": ("C20/25", "0.65", 260, 15),
    "XC2": ("C25/30", "0.60", 280, 25),
    "XC3": ("C30/37", "0.55", 280, 25),
    "XC4": ("C30/37", "0.50", 300, 30),
    "XS1": ("C30/37", "0.50", 300, 35),
    "XS2": ("C35/45", "0.45", 320, 40),
    "XS3": ("C35/45", "0.45", 340, 45),
    "XD1": ("C30/37", "0.55", 300, 35),
    "XD2": ("C30/37", "0.55", 300, 40),
    "XD3": ("C35/45", "0.45", 320, 45),
    "XF1": ("C30/37", "0.55", 300, None),
    "XF2": ("C25/30", "0.55", 300, None),
    "XF3": ("C30/37", "0.50", 320, None),
    "XF4": ("C30/37", "0.45", 340, None),
    "XA1": ("C30/37", "0.55", 300, None),
    "XA2": ("C30/37", "0.50", 320, None),
    "XA3": ("C35/45", "0.45", 360, None),
}
WITH_COVER = [name for name, row in TABLE.items() if row[3]]
WITH_RATIO = [name for name, row in TABLE.items() if row[1]]


def checked(*specifications, description="A building", positions=()):
    request = {"description": description, "specifications": list(specifications), "positions": list(positions)}
    return compliance_of(compliance(request).findings)


def beside(exposure):
    """Frost and chemicals come with a class that has a cover; XC1 asks for less than any of them."""
    return exposure if EXPOSURES[exposure].cover_min else f"{exposure}, XC1"


def test_the_table_is_that_of_the_standards():
    rows = {name: (row.strength, row.ratio_max, row.cement_min, row.cover_min) for name, row in EXPOSURES.items()}
    assert rows == {
        name: (strength, None if ratio is None else Decimal(ratio), cement, cover)
        for name, (strength, ratio, cement, cover) in TABLE.items()
    }


@pytest.mark.parametrize("exposure", TABLE)
def test_one_step_of_strength_decides(exposure):
    least = TABLE[exposure][0]
    below = STRENGTHS[rank(least) - 1]
    assert checked(f"Slab: {least}, {beside(exposure)}, cover 60 mm").status is COMPLIANT
    violated = checked(f"Slab: {below}, {beside(exposure)}, cover 60 mm")
    assert violated.status is VIOLATED
    assert f"{below} is below {least}, which {exposure} needs" in violated.findings[0].explanation


@pytest.mark.parametrize("exposure", WITH_COVER)
def test_one_millimetre_of_cover_decides(exposure):
    nominal = TABLE[exposure][3] + 10
    assert checked(f"Slab: C50/60, {exposure}, cover {nominal} mm").status is COMPLIANT
    violated = checked(f"Slab: C50/60, {exposure}, cover {nominal - 1} mm")
    assert violated.status is VIOLATED
    assert (
        f"the cover of {nominal - 1} mm is below {nominal} mm".casefold() in violated.findings[0].explanation.casefold()
    )
    assert checked(f"Slab: C50/60, {exposure}, c_min = {nominal - 10} mm").status is COMPLIANT
    assert checked(f"Slab: C50/60, {exposure}, c_min = {nominal - 11} mm").status is VIOLATED


@pytest.mark.parametrize("exposure", WITH_RATIO)
def test_one_hundredth_of_ratio_and_one_kilogram_of_cement_decide(exposure):
    _, ratio, cement, _ = TABLE[exposure]
    concrete = f"Slab: C50/60, {beside(exposure)}, cover 60 mm"
    assert checked(f"{concrete}, w/c {ratio}, cement content {cement} kg/m3").status is COMPLIANT
    assert checked(f"{concrete}, w/c {Decimal(ratio) + Decimal('0.01')}").status is VIOLATED
    assert checked(f"{concrete}, cement content {cement - 1} kg/m3").status is VIOLATED


def test_the_strictest_of_several_classes_counts():
    finding = checked("Deck: C30/37, XC4, XD3, XF2, cover 55 mm").findings[0]
    assert finding.requirement == (
        "EN 206 Table F.1, EN 1992-1-1 Table 4.4N (recommended values for 50 years), XC4, XD3, XF2: at least C35/45, "
        "nominal cover 55 mm, water-cement ratio at most 0.45, at least 320 kg/m3 of cement, at least 4 percent of air "
        "for XF2"
    )
    assert finding.explanation == "C30/37 is below C35/45, which XD3 needs."


@pytest.mark.parametrize(
    ("text", "exposures", "strength", "cover"),
    [
        ("Wall: C 30/37, xc4, XF1, cover 40 mm", ("XC4", "XF1"), "C30/37", "40"),
        ("Wand C30/37 XC 4 Betondeckung 4 cm", ("XC4",), "C30/37", "40"),
        ("c_nom = 40, XC3/4", ("XC3", "XC4"), None, "40"),
        ("cnom 4,5 cm", (), None, "45"),
        ("45 mm nominal cover", (), None, "45"),
        ("Cover: min. 40/30 mm", (), None, "30"),
        ("Beton\N{LATIN SMALL LETTER U WITH DIAERESIS}berdeckung 35 mm", (), None, "35"),
        ("C8/10 blinding below C25/30", (), "C8/10", None),
        ("Manhole cover 600 mm, LC25/28, 4 x0.2 m, abc12/15", (), None, None),
    ],
)
def test_classes_and_cover_are_read_as_people_write_them(text, exposures, strength, cover):
    found = concrete_in(plain(text))
    assert (found.exposures, found.strength) == (exposures, strength)
    assert found.cover is None if cover is None else found.cover.millimetres == Decimal(cover)


@pytest.mark.parametrize("text", ["w/c 0.50", "w/z = 0,50", "water-cement ratio max. 0.5", "Wasserzementwert 0,5"])
def test_the_ratio_is_read_as_people_write_it(text):
    assert concrete_in(plain(text)).ratio == Decimal("0.5")


@pytest.mark.parametrize("text", ["cement content 320 kg/m3", "320 kg/m3 cement", "Zementgehalt mind. 320 kg"])
def test_cement_is_read_as_people_write_it(text):
    assert concrete_in(plain(text)).cement == 320


def test_a_class_that_no_standard_knows_is_told():
    compliance = checked("Slab: C30/37, XC7, cover 40 mm")
    assert compliance.status is INCOMPLETE
    assert compliance.findings[0].explanation == "XC7 is no exposure class of EN 206."
    assert "C30/38 is no strength class" in checked("Slab: C30/38, XC1, cover 40 mm").findings[0].explanation


def test_what_is_not_said_cannot_comply():
    assert checked("Slab: C30/37, XC4").findings[0].explanation == "The cover is not said."
    assert checked("Slab: XC4, cover 40 mm").findings[0].explanation == "The strength class is not said."
    assert "without one of XC, XD or XS" in checked("Slab: C30/37, XF1, cover 40 mm").findings[0].explanation
    assert {checked(text).status for text in ("Slab: C30/37, XC4", "Slab: C30/37, XF1, cover 40 mm")} == {INCOMPLETE}


def test_plain_concrete_needs_no_cover():
    assert checked("Blinding: C12/15, X0").status is COMPLIANT
    assert checked("Sauberkeitsschicht: C8/10, X0").status is VIOLATED


def test_nothing_complies_where_nothing_was_checked():
    compliance = checked()
    assert compliance.status is INCOMPLETE
    assert compliance.findings[0].explanation == "Nothing names an exposure class, so there was nothing to check."


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        ("Retaining wall of concrete C30/37", "XC4 and XF1"),
        ("Fundament aus Beton", "XC2"),
        ("Parking deck, concrete", "XC4 and XD3"),
        ("Quay wall, concrete", "XS1 to XS3"),
        ("Swimming pool of concrete", "XC4 and XD2"),
        ("Bridge deck, concrete", "XC4, XD1 and XF2"),
    ],
)
def test_an_element_without_an_exposure_class_is_told_which_is_usual(text, usual):
    for found in (checked(text), checked(positions=[{"text": text, "quantity": "3", "unit": "m3"}])):
        assert found.status is INCOMPLETE
        assert usual in found.findings[0].explanation


def test_an_element_that_is_only_described_is_told_too():
    specified = "Slab: C30/37, XC4, cover 40 mm"
    described = checked(specified, description="A bridge over a road")
    assert (described.findings[0].status, described.findings[0].subject) == (INCOMPLETE, "Bridge")
    assert checked(specified, description="There is no bridge").status is COMPLIANT
    assert checked("Kerbs: C30/37, XC4, cover 40 mm", description="A bridge over a road").status is COMPLIANT


def test_a_description_is_checked_like_a_specification():
    compliance = checked(description="A garage. The deck is C25/30. Exposure XC4 and XD3. Cover 50 mm.")
    assert compliance.status is VIOLATED
    assert "C25/30 is below C35/45" in compliance.findings[0].explanation


def test_a_position_is_held_against_what_is_specified_for_its_element():
    wall = {"number": "02.01", "text": "Concrete wall C25/30", "quantity": "12", "unit": "m3"}
    compliance = checked("Walls: C30/37, XC4, cover 40 mm", positions=[wall])
    assert [finding.status for finding in compliance.findings] == [VIOLATED, COMPLIANT]
    assert compliance.findings[0].subject == "02.01: Concrete wall C25/30"
    assert "Taken from what else is said of it: exposure, cover." in compliance.findings[0].explanation


def test_a_specification_of_several_elements_is_several_findings():
    found = checked("Slab: C30/37; XC4; cover 40 mm; wall: C25/30; XC4; cover 40 mm").findings
    assert [(finding.status, finding.subject[:4]) for finding in found] == [(VIOLATED, "wall"), (COMPLIANT, "Slab")]


def test_what_breaks_a_rule_comes_first():
    found = checked("Slab: C30/37, XC4, cover 40 mm", "Wall: C30/37, XC4", "Beam: C25/30, XC4, cover 40 mm").findings
    assert [finding.status for finding in found] == [VIOLATED, INCOMPLETE, COMPLIANT]


def test_findings_are_bounded_and_the_last_one_says_how_many_more():
    text = "Slab: C30/37, XC4, cover 40 mm"
    positions = [{"number": str(n), "text": text, "quantity": "1", "unit": "m3"} for n in range(FINDINGS_MAX + 7)]
    compliance = checked(positions=positions)
    assert len(compliance.findings) == FINDINGS_MAX
    assert compliance.findings[-1].subject == "8 more"
    assert compliance.status is COMPLIANT


WALLS = ("Inner walls: C30/37, XC1, cover 40 mm", "Walls below ground: C25/30, XC2, cover 35 mm")


def test_nothing_is_taken_from_statements_that_disagree():
    found = checked(*WALLS, "Wall of the yard: XC1").findings[0]
    assert found.explanation == (
        "The strength class is not said here, and elsewhere differs; the cover is not said here, and elsewhere differs."
    )


@pytest.mark.parametrize("text", ["Concrete for walls", "Concrete C30/37 for walls, cover 40 mm"])
def test_a_position_is_not_passed_over_where_what_is_specified_for_it_differs(text):
    compliance = checked(*WALLS, positions=[{"number": "01", "text": text, "quantity": "3", "unit": "m3"}])
    assert [each.status for each in compliance.findings] == [INCOMPLETE, COMPLIANT, COMPLIANT]
    assert compliance.findings[0].subject == f"Wall (01: {text})"
    assert compliance.findings[0].explanation == (
        "No exposure class is named for it here, and what else is said of it differs: XC1 or XC2."
    )


def test_what_differs_matters_only_to_what_needs_it():
    plain_one = {"text": "Blinding concrete below walls", "quantity": "3", "unit": "m3"}
    own = {"text": "Concrete C25/30, XC1 for walls, cover 30 mm", "quantity": "3", "unit": "m3"}
    assert checked(*WALLS, "Concrete of walls: smooth", positions=[plain_one, own]).status is COMPLIANT


def test_what_is_specified_twice_by_one_name_and_not_alike_is_told():
    compliance = checked("Slab: C30/37, XC4, cover 40 mm", "Slab: C25/30, XC1, cover 40 mm")
    assert compliance.status is INCOMPLETE
    assert compliance.findings[0].explanation == (
        "The same is specified more than once, and not alike: exposure XC4 or XC1; strength C30/37 or C25/30."
    )
    for other in ("Slab: XC4, C30/37", "Slab of the roof: C25/30, XC1, cover 40 mm", "Note: C25/30, XC1, cover 30 mm"):
        assert checked("Slab: C30/37, XC4, cover 40 mm", other).status is COMPLIANT


def test_what_is_specified_for_something_else_is_not_taken_for_all_concrete():
    """An element that these rules have no word for is one all the same."""
    column = {"number": "01", "text": "Concrete C25/30 for columns", "quantity": "3", "unit": "m3"}
    kerb = {"number": "02", "text": "Concrete C25/30 for kerb, in place", "quantity": "3", "unit": "m3"}
    compliance = checked("Kerbs: C30/37, XC4, XF4, cover 50 mm", positions=[column, kerb])
    assert [(each.status, each.subject[:9]) for each in compliance.findings] == [
        (VIOLATED, "02: Concr"),
        (INCOMPLETE, "Column (0"),
        (COMPLIANT, "Kerbs: C3"),
    ]
    assert checked("All concrete: C30/37, XC4, cover 50 mm", positions=[column]).findings[0].status is VIOLATED


@pytest.mark.parametrize("words", ["cover c_min 25 mm", "minimum cover 25 mm", "Mindestbetondeckung 25 mm", "c,min 25"])
def test_a_least_cover_has_no_deviation_in_it(words):
    assert checked(f"Slab: C30/37, XC2, {words}").status is COMPLIANT
    assert checked(f"Slab: C30/37, XC2, {words.replace('25', '24')}").status is VIOLATED


def test_an_unknown_class_is_told_once():
    found = checked("Quay wall: C35/45, XS4, cover 60 mm", description="A quay wall").findings
    assert [each.explanation for each in found] == ["XS4 is no exposure class of EN 206."]


def test_the_cover_of_prestressing_steel_is_not_called_enough():
    compliance = checked("Prestressed beam: C40/50, XC4, cover 60 mm")
    assert compliance.status is INCOMPLETE
    assert "Table 4.5N" in compliance.findings[0].explanation


def test_plain_concrete_is_asked_for_no_cover():
    assert "cover" not in checked("Blinding: C12/15, X0").findings[0].requirement
