from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.workflows.project_audit.rules._materials import MATERIALS, material_of
from stretto.workflows.project_audit.rules._project import position_of
from stretto.workflows.project_audit.rules._quantities import quantities_of, unlikely_ratios
from stretto.workflows.project_audit.rules._units import Unit, unit_of
from stretto.workflows.project_audit.rules._words import words_of


def position(text, quantity="", unit="", number=""):
    return position_of({"number": number, "text": text, "quantity": quantity, "unit": unit})


def added_up(*positions):
    return [(each.material, each.amount, each.unit, each.positions) for each in quantities_of(positions)]


@pytest.mark.parametrize(
    ("text", "unit", "factor"),
    [
        ("m3", Unit.M3, "1"),
        ("m\N{SUPERSCRIPT THREE}", Unit.M3, "1"),
        ("cbm", Unit.M3, "1"),
        ("l", Unit.M3, "0.001"),
        ("m\N{SUPERSCRIPT TWO}", Unit.M2, "1"),
        ("qm", Unit.M2, "1"),
        ("m", Unit.M, "1"),
        ("lfm", Unit.M, "1"),
        ("lfd. m", Unit.M, "1"),
        ("kg", Unit.KG, "1"),
        ("t", Unit.KG, "1000"),
        ("Stk.", Unit.PIECES, "1"),
        ("St\N{LATIN SMALL LETTER U WITH DIAERESIS}ck", Unit.PIECES, "1"),
        ("psch", Unit.LUMP_SUM, "1"),
        ("LS", Unit.LUMP_SUM, "1"),
    ],
)
def test_units_have_many_names(text, unit, factor):
    assert unit_of(text) == (unit, Decimal(factor))


@pytest.mark.parametrize("text", ["", "furlong", "m4", "?"])
def test_other_units_are_not_known(text):
    assert unit_of(text) is None


@pytest.mark.parametrize(
    ("text", "unit", "material"),
    [
        ("Concrete slab", Unit.M3, "concrete"),
        ("Stahlbetonwand C25/30 inkl. Schalung", Unit.M3, "concrete"),
        ("Reinforced concrete wall", Unit.M3, "concrete"),
        ("Reinforcement to concrete slabs", Unit.KG, "reinforcement"),
        ("Betonstahl B500B", Unit.KG, "reinforcement"),
        ("Bewehrung", None, "reinforcement"),
        ("Formwork to concrete walls", Unit.M2, "formwork"),
        ("Concrete formwork", Unit.M2, "formwork"),
        ("Schalung der Betonw\N{LATIN SMALL LETTER A WITH DIAERESIS}nde", Unit.M2, "formwork"),
        ("Concrete block wall", Unit.M2, "masonry"),
        ("Mauerwerk aus Kalksandstein", Unit.M2, "masonry"),
        ("Porenbeton, 24 cm", Unit.M3, "masonry"),
        ("Excavation for concrete footings, incl. backfill", Unit.M3, "excavation"),
        ("Aushub der Baugrube", Unit.M3, "excavation"),
        ("Backfill with excavated soil", Unit.M3, "backfill"),
        ("Hinterf\N{LATIN SMALL LETTER U WITH DIAERESIS}llung", Unit.M3, "backfill"),
        ("D\N{LATIN SMALL LETTER A WITH DIAERESIS}mmung aus XPS", Unit.M2, "insulation"),
        ("Waterproofing of walls", Unit.M2, "waterproofing"),
        ("Abdichtung", Unit.M2, "waterproofing"),
        ("Structural steel S355", Unit.KG, "structural steel"),
        ("Stahltr\N{LATIN SMALL LETTER A WITH DIAERESIS}ger HEB 200", Unit.KG, "structural steel"),
        ("Glulam beams", Unit.M3, "timber"),
        ("Innenputz", Unit.M2, "plaster"),
        ("Estrich auf D\N{LATIN SMALL LETTER A WITH DIAERESIS}mmung", Unit.M2, "screed"),
        ("Asphaltbeton", Unit.KG, "asphalt"),
        ("Concrete pipe DN 300", Unit.M, "piping"),
        ("Plasterboard ceiling", Unit.M2, "other"),
        ("Doors", Unit.PIECES, "other"),
    ],
)
def test_a_position_is_sorted_by_its_words_and_its_unit(text, unit, material):
    assert material_of(words_of(text), unit) == material


def test_amounts_are_converted_and_added_up_exactly():
    assert added_up(
        position("Rebar", "1.5", "t"),
        position("Rebar", "0.001", "kg"),
        position("Concrete", "500", "l"),
        position("Concrete", "2.5", "cbm"),
        position("Concrete kerb", "12", "lfm"),
    ) == [
        ("concrete", "3", "m3", 2),
        ("concrete", "12", "m", 1),
        ("reinforcement", "1500.001", "kg", 2),
    ]


def test_dimensions_stand_in_for_a_quantity_that_is_not_said():
    assert added_up(position("Concrete slab 4.00 x 2.50 x 0.20 m")) == [("concrete", "2", "m3", 1)]
    assert added_up(position("Concrete slab 4.00 x 2.50 x 0.20 m", unit="m3")) == [("concrete", "2", "m3", 1)]
    assert added_up(position("Concrete slab 4.00 x 2.50 x 0.20 m", "7", "m3")) == [("concrete", "7", "m3", 1)]


def test_dimensions_that_are_of_a_brick_or_another_unit_do_not():
    assert added_up(position("Brick wall 0.24 x 0.115 x 0.07 m", unit="m3")) == []
    assert added_up(position("Concrete slab 4.00 x 2.50 x 0.20 m", unit="m2")) == []
    assert added_up(position("Concrete slab 4.00 x 2.50 x 0.20 m", unit="furlong")) == []


def test_lump_sums_and_unknown_units_are_in_no_sum():
    assert added_up(position("Concrete repair", "1", "psch"), position("Concrete", "3", "furlong")) == []


@pytest.mark.parametrize(("kg", "usual"), [("5999", False), ("6000", True), ("20000", True), ("20001", False)])
def test_reinforcement_goes_with_concrete(kg, usual):
    positions = [position("Concrete", "100", "m3"), position("Rebar", kg, "kg"), position("Formwork", "500", "m2")]
    assert (unlikely_ratios(positions) == []) is usual


@pytest.mark.parametrize(("square", "usual"), [("199", False), ("200", True), ("1200", True), ("1201", False)])
def test_formwork_goes_with_concrete(square, usual):
    positions = [position("Concrete", "100", "m3"), position("Rebar", "9", "t"), position("Formwork", square, "m2")]
    assert (unlikely_ratios(positions) == []) is usual


def test_concrete_alone_is_told_unless_it_is_plain():
    assert len(unlikely_ratios([position("Concrete", "100", "m3")])) == 2
    assert unlikely_ratios([position("Blinding concrete", "100", "m3")]) == []


POSITION = st.builds(
    position,
    st.sampled_from([*(stem.strip() for each in MATERIALS for stem in each.stems), "slab 1.234 x 9.87 x 3.21 m", "?"]),
    st.one_of(st.just(""), st.decimals(0, 999_999_999, places=3, allow_nan=False).map(lambda value: f"{value:f}")),
    st.sampled_from(["m3", "l", "m2", "m", "mm", "kg", "t", "g", "Stk", "psch", "", "furlong"]),
)


@given(st.lists(POSITION, max_size=60).flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_sums_do_not_depend_on_the_order_of_positions(both):
    positions, shuffled = both
    assert quantities_of(positions) == quantities_of(shuffled)
    assert sum(each.positions for each in quantities_of(positions)) == sum(
        each.measure is not None for each in positions
    )
