from decimal import Decimal

import pytest

from stretto.workflows.project_audit.rules._dimensions import dimensions_of
from stretto.workflows.project_audit.rules._units import Unit
from stretto.workflows.project_audit.rules._words import plain


@pytest.mark.parametrize(
    ("text", "total", "unit"),
    [
        ("Slab 4.00 x 2.50 x 0.20 m", "2", Unit.M3),
        ("Footing 12 m x 0.3 m x 0.5 m", "1.8", Unit.M3),
        ("Decke 4,00 x 2,50 x 0,20 m", "2", Unit.M3),
        ("Streifenfundament 12 m x 30 x 50 cm", "1.8", Unit.M3),
        ("Wall 5.00\N{MULTIPLICATION SIGN}2.60 m, shuttered", "13", Unit.M2),
        ("wall 4m*2.5m", "10", Unit.M2),
        ("8 x 0.40 x 0.40 x 3.00 m columns", "3.84", Unit.M3),
        ("Fundamente 6 Stk 2,0 x 1,5 x 0,5 m", "9", Unit.M3),
        ("Panel 1,200 x 600 mm", "0.72", Unit.M2),
        ("Panel 1200 x 600 mm", "0.72", Unit.M2),
        ("Slab C30/37 on 4 m x 2.5 x 0.2", "2", Unit.M3),
    ],
)
def test_dimensions_come_to_an_area_or_a_volume(text, total, unit):
    found = dimensions_of(plain(text))
    assert found is not None
    assert (found.total, found.unit) == (Decimal(total), unit)


@pytest.mark.parametrize(
    "text", ["Slab", "4.00 x 2.50 x 0.20", "12 m", "0 x 2 m", "C25/30", "4 x 5 m2", "1.5 x 2 x 3 x 4 m", "x 3 m"]
)
def test_what_has_no_unit_or_is_no_product_gives_no_dimensions(text):
    assert dimensions_of(plain(text)) is None


def test_a_quantity_is_explained_within_the_margin_and_by_a_number_of_pieces_in_the_text():
    one = dimensions_of("slab 4 x 2.5 x 0.2 m")
    assert one is not None
    assert one.explains(Decimal("2.1"), 5)
    assert not one.explains(Decimal("2.101"), 5)
    assert one.explains(Decimal("1.9"), 5)
    assert not one.explains(Decimal("1.899"), 5)
    assert not one.explains(Decimal(20), 5)  # A decimal point that slipped is no number of pieces.
    eight = dimensions_of("8 columns 0.4 x 0.4 x 3.0 m")
    assert eight is not None
    assert eight.explains(Decimal("3.84"), 5)
