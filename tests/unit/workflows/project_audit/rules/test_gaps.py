import pytest

from stretto.workflows.project_audit.rules import comprehensive

SPECIFIED = ("Slab: C30/37, XC4, cover 40 mm", "Reinforcement B500B")


def gaps(*positions, description="A building", specifications=SPECIFIED):
    """The gaps of positions given as (text, quantity, unit)."""
    made = [
        {"number": f"01.{n:02}", "text": text, "quantity": quantity, "unit": unit}
        for n, (text, quantity, unit) in enumerate(positions, start=1)
    ]
    request = {"description": description, "positions": made, "specifications": list(specifications)}
    return comprehensive(request).gaps


def test_complete_documents_have_no_gaps():
    assert gaps(("Doors", "3", "pcs")) == ()


def test_nothing_given_is_told():
    assert gaps(specifications=()) == (
        "There are no positions, so there are no quantities.",
        "Nothing is specified: no strength classes, no exposure classes, no cover.",
    )


@pytest.mark.parametrize(
    ("position", "told"),
    [
        (("Doors", "", "pcs"), "1 position without a quantity: 01.01."),
        (("Doors", "0", "pcs"), "1 position without a quantity: 01.01."),
        (("Doors", "3", ""), "1 position without a unit: 01.01."),
        (("Doors", "3", "furlong"), "1 position with a unit that is not known, so they are in no sum: 01.01."),
        (("Doors, n/a", "3", "pcs"), "1 position leaving open what is to be done: 01.01."),
        (("Doors TBD", "3", "pcs"), "1 position leaving open what is to be done: 01.01."),
        (("Doors by others", "3", "pcs"), "1 position leaving open what is to be done: 01.01."),
        (("Doors as required", "3", "pcs"), "1 position leaving open what is to be done: 01.01."),
        (
            (
                "T\N{LATIN SMALL LETTER U WITH DIAERESIS}ren, zu kl\N{LATIN SMALL LETTER A WITH DIAERESIS}ren",
                "3",
                "Stk",
            ),
            "1 position leaving open what is to be done: 01.01.",
        ),
        (("Doors", "1", "psch"), "1 position with a lump sum: 01.01."),
        (("Doors, lump sum", "1", "pcs"), "1 position with a lump sum: 01.01."),
        (
            ("Excavation 4.00 x 2.50 x 2.00 m", "22", "m3"),
            "1 position with dimensions that differ from the quantity by more than 5 percent: 01.01.",
        ),
        (("Concrete stairs", "3", "pcs"), "1 position of concrete without a strength class: 01.01."),
        (("Concrete stairs", "3", "pcs"), "1 position of concrete without an exposure class: 01.01."),
    ],
)
def test_what_a_position_leaves_open_is_told(position, told):
    assert told in gaps(position)


@pytest.mark.parametrize(
    "position",
    [
        ("Doors without a number of pieces", "3", "pcs"),
        ("Excavation 4.00 x 2.50 x 2.00 m", "21", "m3"),
        ("Excavation 4.00 x 2.50 x 2.00 m", "", ""),
        ("Site set-up", "", "psch"),
        ("Precast concrete slab", "3", "pcs"),
        ("Rebar", "100", "kg"),
    ],
)
def test_what_is_said_here_or_in_a_specification_is_no_gap(position):
    assert [gap for gap in gaps(position) if "lump sum" not in gap] == []


def test_reinforcement_needs_a_grade():
    told = "1 position of reinforcement without a grade of steel: 01.01."
    assert told in gaps(("Rebar", "100", "kg"), specifications=SPECIFIED[:1])
    assert told not in gaps(("Rebar B500B", "100", "kg"), specifications=SPECIFIED[:1])


def test_numbers_that_are_there_twice_are_told_once():
    position = {"number": "01.01", "text": "Doors", "quantity": "1", "unit": "pcs"}
    request = {"description": "A building", "positions": [position] * 3, "specifications": SPECIFIED}
    assert comprehensive(request).gaps == ("1 number used by more than one position: 01.01.",)


def test_many_positions_are_listed_in_part():
    found = gaps(*[("Doors", "", "pcs")] * 7)
    assert found == ("7 positions without a quantity: 01.01, 01.02, 01.03, 01.04, 01.05 and 2 more.",)


@pytest.mark.parametrize(
    ("description", "topic", "position"),
    [
        ("With a basement", "a basement", "Excavation"),
        ("Auf Bohrpf\N{LATIN SMALL LETTER A WITH DIAERESIS}hlen", "piles", "Bohrpfahl"),
        ("Groundwater is high", "groundwater", "Dewatering"),
        ("A glass facade", "a facade", "Curtain wall"),
        ("Mit Aufzug", "a lift", "Aufzug"),
    ],
)
def test_what_is_described_needs_a_position(description, topic, position):
    told = f"The description mentions {topic}, and no position does."
    assert told in gaps(("Doors", "3", "pcs"), description=description)
    assert told not in gaps(("Doors", "3", "pcs"), (position, "3", "pcs"), description=description)


def test_what_is_denied_needs_none():
    assert gaps(("Doors", "3", "pcs"), description="There is no basement and no known groundwater.") == ()
