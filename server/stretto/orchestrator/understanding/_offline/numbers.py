"""Numbers that a text gives for fields: by unit, by what they are per, by the name of the field next to them."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from stretto.orchestrator.understanding._offline.fields import Field
from stretto.orchestrator.understanding._offline.lessons import Lesson
from stretto.orchestrator.understanding._offline.lexicon import UNITS
from stretto.orchestrator.understanding._offline.quantities import EACH, Quantity, quantities_in
from stretto.orchestrator.understanding._offline.scene import Scene
from stretto.orchestrator.understanding._offline.stems import kin, stems

__all__ = ["amount", "count"]

_ENOUGH: Final = 2.0
_MINOR: Final = stems("cents minor pennies pence")
_MONEY: Final = stems("amount price cost budget limit salary total fee sum spend")
_COUNTS: Final = stems("times x")


def count(fields: Iterable[Field], lessons: Mapping[str, Lesson], scene: Scene) -> dict[str, Any]:
    """The values of number and duration fields."""
    numeric = [field for field in fields if field.kind in {"number", "duration"}]
    if not numeric:
        return {}
    told = [each for each in quantities_in(scene.text.raw, scene.today) if not each.vague]
    scored = [
        (score, -each.first, field, each)
        for field in numeric
        for each in told
        if (score := _score(field, each, lessons.get(field.name, Lesson()))) >= _ENOUGH
    ]
    scored.sort(key=lambda one: one[:2], reverse=True)
    found: dict[str, Any] = {}
    for _, _, field, each in scored:
        if field.name in found or not scene.free(each.start, each.end):
            continue
        value = _valued(field, each)
        if value is not None:
            found[field.name] = value
            scene.take(each.start, each.end)
    return found


def amount(field: Field, value: Decimal) -> Any:
    """A number in the form that a field takes, or None."""
    kind = field.schema.get("type")
    if kind == "string":
        return f"{value:f}"
    if kind == "integer":
        if _MINOR & set(field.words):
            value *= 100
        return int(value) if value == value.to_integral_value() else None
    return int(value) if value == value.to_integral_value() else float(value)


def _score(field: Field, each: Quantity, lesson: Lesson) -> float:
    """How surely a quantity is meant for a field; from 2 on it is taken."""
    of_time = field.unit or field.kind == "duration"
    score = _score_of_time(field, each) if of_time else _score_of_name(field, each)
    taught = {unit for unit, per in lesson.units if not field.per or per == each.per}
    return score + 2.5 if taught & set(each.units[:1]) - set(UNITS) else score


def _score_of_time(field: Field, each: Quantity) -> float:
    unit = next((unit for unit in each.units[:1] if unit in UNITS), "")
    if unit:
        score = 3.0 if unit == field.unit else 2.5 if _converted(field, unit, each.value) is not None else 0.0
        return score + _score_of_per(field, each) if score else 0.0
    # `Three times a week` counts days where a day is all that there is to count.
    counted = not each.units or each.units[0] in _COUNTS
    return 3.0 if field.per and each.per == field.per and counted else 0.0


def _score_of_per(field: Field, each: Quantity) -> float:
    if field.per and each.per:
        same = kin(field.per, each.per) or each.per == EACH
        # `45 minutes a day` is a session's length; `3 days a week` is none.
        return 2.0 if same or (field.per not in UNITS and each.units[0] == field.unit) else -9.0
    if each.per:
        return 0.0 if each.per not in UNITS else -9.0
    # `For three days` is a length, and no number of days per week.
    return -9.0 if field.per in UNITS and each.before[:1] == ("for",) else -0.5 if field.per else 0.0


def _score_of_name(field: Field, each: Quantity) -> float:
    names = set(field.words)
    unit = next((3.0 - place for place, unit in enumerate(each.units) if any(kin(unit, name) for name in names)), 0.0)
    before = next(
        (3.0 - place / 2 for place, word in enumerate(each.before) if any(kin(word, name) for name in names)), 0.0
    )
    money = 2.0 if each.currency and names & _MONEY else 0.0
    return max(unit, before) + money


def _converted(field: Field, unit: str, value: Decimal) -> Decimal | None:
    """A number of units as one of the field's: hours as minutes, weeks as days, anything as a duration."""
    if field.kind == "duration":
        return value * UNITS[unit] or None
    mine, theirs = UNITS.get(field.unit, 0), UNITS[unit]
    alike = mine and theirs and (mine < UNITS["day"]) == (theirs < UNITS["day"])
    return value * theirs / mine if alike else None


def _valued(field: Field, each: Quantity) -> Any:
    unit = next((unit for unit in each.units[:1] if unit in UNITS), "")
    value = each.value
    if unit and unit != field.unit:
        value = _converted(field, unit, value) or value
    if field.kind == "duration":
        return f"PT{value.normalize():f}S"
    return amount(field, value)
