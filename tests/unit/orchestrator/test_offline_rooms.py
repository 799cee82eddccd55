import datetime as dt
from decimal import Decimal

import pytest

from stretto.orchestrator.brief import Example
from stretto.orchestrator.understanding._offline.check import bounds_of, fault_of
from stretto.orchestrator.understanding._offline.dates import moments_in, months_in
from stretto.orchestrator.understanding._offline.fields import fields_of
from stretto.orchestrator.understanding._offline.filling import Shape, fill
from stretto.orchestrator.understanding._offline.lessons import lessons_of
from stretto.orchestrator.understanding._offline.quantities import quantities_in
from stretto.orchestrator.understanding._offline.stems import kin, stem
from stretto.orchestrator.understanding._offline.text import parts_of
from tests.unit.orchestrator.offline_world import TEXT, enum, number, objects

TODAY = dt.date(2026, 11, 21)  # A Saturday.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("plan", "planning"), ("loss", "lose"), ("exercises", "exercise"), ("injuries", "injury"), ("days", "day"),
        ("strength", "stronger"), ("endurance", "endure"), ("mobility", "mobile"), ("beginner", "beginning"),
        ("finance", "financial"), ("remotely", "remote"), ("boxes", "box"), ("flexible", "flexibility"),
    ],
)  # fmt: skip
def test_words_of_one_family_are_kin(one: str, other: str) -> None:
    assert kin(stem(one), stem(other))


@pytest.mark.parametrize(("one", "other"), [("month", "moon"), ("train", "trail"), ("rest", "rust"), ("sale", "salad")])
def test_words_that_only_look_alike_are_not(one: str, other: str) -> None:
    assert not kin(stem(one), stem(other))


@pytest.mark.parametrize(
    ("name", "parts"),
    [("days_per_week", "days per week"), ("startDate", "start date"), ("HRReview2", "hr review 2"), ("__", "")],
)
def test_names_of_code_are_taken_apart(name: str, parts: str) -> None:
    assert " ".join(parts_of(name)) == parts


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("on 2026-12-07", "2026-12-07"),
        ("on 2026-12-07T09:30:00Z", "2026-12-07 09:30"),
        ("today", "2026-11-21"),
        ("from tomorrow on", "2026-11-22"),
        ("the day after tomorrow", "2026-11-23"),
        ("yesterday", "2026-11-20"),
        ("next Monday", "2026-11-23"),
        ("on Friday", "2026-11-27"),
        ("last Friday", "2026-11-20"),
        ("this Saturday", "2026-11-28"),
        ("December 7", "2026-12-07"),
        ("Dec. 7th, 2027", "2027-12-07"),
        ("7 December", "2026-12-07"),
        ("the 7th of December", "2026-12-07"),
        ("7.12.2026", "2026-12-07"),
        ("March 3", "2027-03-03"),
        ("October 3", "2026-10-03"),
        ("in two weeks", "2026-12-05"),
        ("in 3 days", "2026-11-24"),
        ("in a month", "2026-12-21"),
        ("5 days ago", "2026-11-16"),
        ("Monday 2026-12-07", "2026-12-07"),
        ("Monday, December 7 at 9 am", "2026-12-07 09:00"),
        ("tomorrow at 5:15 pm", "2026-11-22 17:15"),
    ],
)
def test_dates_are_read_against_today(text: str, date: str) -> None:
    (found,) = moments_in(text, TODAY)
    assert f"{found.date}{f' {found.time:%H:%M}' if found.time else ''}" == date


@pytest.mark.parametrize(
    "text", ["2026-13-40", "February 30", "I sat there", "3 days a week", "1.5", "we wed", "march on"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert moments_in(text, TODAY) == ()


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("in October", "2026-10"), ("October 2025", "2025-10"), ("2026-09", "2026-09"), ("last month", "2026-10"),
        ("this month", "2026-11"), ("next month", "2026-12"), ("in January", "2027-01"), ("in May", "2026-05"),
    ],
)  # fmt: skip
def test_months_are_read_against_today(text: str, month: str) -> None:
    assert [f"{each.date:%Y-%m}" for each in months_in(text, TODAY)] == [month]


def test_may_is_a_month_only_with_a_capital() -> None:
    assert months_in("I may come", TODAY) == ()


@pytest.mark.parametrize(
    ("text", "value", "units", "per"),
    [
        ("three days a week", 3, ("day",), "week"),
        ("3x/week", 3, ("x",), "week"),
        ("twice a week", 2, ("tim",), "week"),
        ("45 minutes each", 45, ("minut",), "each"),
        ("twenty-five minutes per session", 25, ("minut",), "session"),
        ("two hundred people", 200, ("peopl",), ""),
        ("half an hour", Decimal("0.5"), ("hour",), ""),
        ("for an hour", 1, ("hour",), ""),
        ("a couple of weeks", 2, ("week",), ""),
        ("every day", 7, ("day",), "week"),
        ("5 times weekly", 5, ("tim",), "week"),
        ("1,200.50 euros", Decimal("1200.50"), ("euro",), ""),
        ("54,20", Decimal("54.20"), (), ""),
    ],
)
def test_quantities_have_units_and_what_they_are_per(text: str, value: Decimal, units: tuple, per: str) -> None:
    (found,) = quantities_in(text, TODAY)
    assert (found.value, found.units, found.per) == (value, units, per)


def test_currencies_are_seen_before_and_after_a_number() -> None:
    found = quantities_in("$5 and 6 EUR and 7 pounds and 8", TODAY)
    assert [each.currency for each in found] == ["USD", "EUR", "GBP", ""]


def test_numbers_of_dates_and_ends_of_ranges_are_no_quantities_to_take() -> None:
    assert quantities_in("on December 7 and 2026-12-09", TODAY) == ()
    assert all(each.vague for each in quantities_in("3 to 4 days, 5-6 weeks", TODAY))


def filled(schema: dict, said: str, *examples: Example) -> dict:
    fields = fields_of(schema)
    return dict(fill(Shape(fields, lessons_of(fields, examples)), [said], (), TODAY).values)


STRINGS = {"type": "array", "items": TEXT}
FILLED = [
    ({"team_size": number(1, 99)}, "a team of 5 people", {"team_size": 5}),
    ({"age": number(0, 150)}, "my age is 41", {"age": 41}),
    ({"budget": {"type": "number"}}, "a budget of 1,500.50 EUR", {"budget": 1500.5}),
    ({"price_cents": number(0, 10**6)}, "for a price of $12.50", {"price_cents": 1250}),
    ({"duration": {"type": "string", "format": "duration"}}, "it takes 90 minutes", {"duration": "PT5400S"}),
    ({"hours": number(1, 24)}, "in 180 minutes", {"hours": 3}),
    ({"weekly_hours": number(1, 60)}, "20 hours a week", {"weekly_hours": 20}),
    ({"contact_email": TEXT}, "write to ana@example.org.", {"contact_email": "ana@example.org"}),
    ({"url": TEXT}, "see https://example.org/a?b=1.", {"url": "https://example.org/a?b=1"}),
    ({"include_breakfast": {"type": "boolean"}}, "without breakfast", {"include_breakfast": False}),
    ({"include_breakfast": {"type": "boolean"}}, "with breakfast", {"include_breakfast": True}),
    ({"express": {"type": "boolean"}}, "express: no", {"express": False}),
    (
        {"colours": {"type": "array", "items": enum("C_", "RED", "BLUE")}},
        "blue and red",
        {"colours": ["C_BLUE", "C_RED"]},
    ),
    ({"colour": enum("C_", "RED", "BLUE")}, "not red", {}),
    ({"colour": enum("C_", "RED", "BLUE")}, "blue rather than red", {"colour": "C_BLUE"}),
    ({"part": enum("P_", "BACK", "NECK")}, "get back in shape", {}),
    ({"part": enum("P_", "BACK", "NECK")}, "my lower back hurts", {"part": "P_BACK"}),
    ({"allergies": STRINGS}, "nut and milk allergies", {"allergies": ["nut", "milk"]}),
    (
        {"toppings": STRINGS},
        "toppings: olives, red onions and cheese",
        {"toppings": ["olives", "red onions", "cheese"]},
    ),
    (
        {"city": TEXT, "street": TEXT},
        "city: Berlin, street: Main Street 5",
        {"city": "Berlin", "street": "Main Street"},
    ),
    ({"title": TEXT, "n": TEXT}, "the title is “War and Peace”", {"title": "War and Peace"}),
    ({"shipping": objects(["city"], city=TEXT)}, "the city is Rome", {"shipping": {"city": "Rome"}}),
    (
        {"limits": {"type": "object", "additionalProperties": {"type": "number"}}},
        "limits: food 300, rent 900.5",
        {"limits": {"food": 300, "rent": 900.5}},
    ),
    (
        {"items": {"type": "array", "items": objects(["quantity", "name"], quantity=number(1, 9), name=TEXT)}},
        "2 apples; 3 ripe pears",
        {"items": [{"quantity": 2, "name": "apples"}, {"quantity": 3, "name": "ripe pears"}]},
    ),
    (
        {"start_date": {"type": "string", "format": "date"}, "end_date": {"type": "string", "format": "date"}},
        "from December 7 to December 9",
        {"start_date": "2026-12-07", "end_date": "2026-12-09"},
    ),
    ({"start_date": {"type": "string", "format": "date"}}, "start on October 3", {"start_date": "2027-10-03"}),
    ({"birthday": {"type": "string", "format": "date"}}, "born on October 3", {"birthday": "2026-10-03"}),
]


@pytest.mark.parametrize(("properties", "said", "values"), FILLED)
def test_fields_are_filled_by_their_kinds_and_names(properties: dict, said: str, values: dict) -> None:
    assert filled(objects([], **properties), said) == values


def test_examples_teach_what_stands_around_values() -> None:
    schema = objects([], rides=number(1, 9), extras=STRINGS, place=TEXT)
    example = Example("Four laps in Rome with a sore toe", {"rides": 4, "extras": ["toe"], "place": "Rome"})
    assert filled(schema, "six laps in Oslo, my thumb is a sore thumb") == {}
    taught = filled(schema, "six laps in Oslo with a sore thumb", example)
    assert taught == {"rides": 6, "extras": ["thumb"], "place": "Oslo"}


@pytest.mark.parametrize(
    ("schema", "value", "fault"),
    [
        (number(1, 7), 7, ""),
        (number(1, 7), 8, "between 1 and 7"),
        ({"exclusiveMinimum": 0}, 0, "more than 0"),
        ({"maximum": 2.5}, 3, "at most 2.5"),
        ({"minLength": 2}, "a", "at least 2 characters long"),
        ({"maxLength": 1}, "ab", "at most 1 characters long"),
        ({"pattern": "^a+$"}, "b", "in another form"),
        ({"pattern": "(?P<"}, "b", ""),
        ({"enum": ["a"]}, "b", "one of the given values"),
        ({"minItems": 1}, [], "at least 1"),
        ({"items": number(1, 7)}, [1, 8], "between 1 and 7"),
        (objects(["a"], a=TEXT), {}, "given with a"),
        (objects([], a=number(1, 7)), {"a": 9}, "between 1 and 7"),
        ({"additionalProperties": number(1, 7)}, {"a": 9}, "between 1 and 7"),
    ],
)
def test_faults_are_told_as_bounds(schema: dict, value: object, fault: str) -> None:
    assert fault_of(schema, value) == fault


def test_a_number_without_bounds_has_no_words_for_them() -> None:
    assert bounds_of({"type": "integer"}) == ""
