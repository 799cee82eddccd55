import datetime as dt
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stretto.orchestrator.brief import Brief
from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding._offline.answering import answer
from stretto.orchestrator.understanding._offline.fields import fields_of
from stretto.orchestrator.understanding._offline.filling import Shape, fill
from stretto.orchestrator.understanding._offline.ranking import Index
from stretto.orchestrator.understanding._offline.triage import triage
from tests.unit.orchestrator.offline_world import (
    NOW,
    ONBOARDING_DECISION,
    TYPES,
    asked_back,
    question,
    replied,
    user,
    workflow,
)

INDEX = Index(TYPES)
QUESTIONS = (question(), question("hr_onboarding", ONBOARDING_DECISION), question("paint", {}, 3))
WORKFLOWS = (
    workflow(),
    workflow("finance_review", "FAILED", last_error="no"),
    workflow("hr_onboarding", "WAITING", facts={"a": {"b": [1]}, "c": None}),
)
WORDS = (
    "plan my workouts strength endurance lose weight 3 three 9 days a week 45 minutes each for weeks onboard Ana Lopez",
    "as backend engineer from December 7 next Monday tomorrow remote not in Finance review spending October 2026-10-03",
    "Groceries 54.20 -3 ; , . ? ! \n : and both all the first second approve reject no yes but make it change cancel",
    'stop it how many why when status forget never mind translate into French "hi" water basil with litres 80 $ EUR my',
    "name is knee bad thanks help don\u2019t \u00e9 0 1.2.3 99999999999999999999",
)
TALK = st.lists(st.sampled_from(" ".join(WORDS).split(" ")), max_size=18).map(" ".join)
MESSAGES = TALK | st.text(max_size=60)
PHRASES = st.lists(
    st.sampled_from(
        [
            "for 9 weeks",
            "three minutes",
            "goal: strength",
            "name is Ana Lopez",
            "notes: a, b and c",
            "amount 54.20 EUR",
            "as a cook",
            "text: x",
            "on 2026-10-03 Rent 900;",
            "\n",
            "lose weight",
            "three days a week",
            "url: no",
        ]
    ),
    min_size=1,
    max_size=6,
).map(" ".join)
ABOUTS = st.sampled_from(["", *(each.name for each in TYPES), "int-exe-1", "gone"])
SAID = st.one_of(
    MESSAGES.map(user),
    st.builds(asked_back, MESSAGES, ABOUTS),
    MESSAGES.map(replied),
    st.builds(replied, MESSAGES, st.just("launch")),
)
BRIEFS = st.builds(
    Brief,
    message=MESSAGES,
    now=st.just(NOW),
    history=st.lists(SAID, max_size=6).map(tuple),
    types=st.just(TYPES),
    workflows=st.lists(st.sampled_from(WORKFLOWS), max_size=3, unique_by=lambda each: each.workflow_id).map(tuple),
    questions=st.lists(st.sampled_from(QUESTIONS), max_size=3, unique_by=lambda each: each.interrupt_id).map(tuple),
)


def conforms(schema: dict[str, Any], value: Any) -> bool:
    """Whether a value keeps a schema, for the words that these tests' schemas have; written apart from the code."""
    kinds = {"string": str, "integer": int, "number": int | float, "boolean": bool, "array": list, "object": dict}
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return False
    if isinstance(value, bool):
        return schema.get("type", "boolean") == "boolean"
    if isinstance(value, dict):
        known = schema.get("properties", {})
        named = all(name in known or not known for name in value) and set(schema.get("required", ())) <= set(value)
        return named and all(conforms(known.get(name, {}), each) for name, each in value.items())
    if isinstance(value, list):
        sized = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        return sized and all(conforms(schema.get("items", {}), each) for each in value)
    if isinstance(value, str):
        sized = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        return sized and value in schema.get("enum", [value]) and bool(re.search(schema.get("pattern", ""), value))
    above = schema.get("exclusiveMinimum", value - 1) < value
    return above and schema.get("minimum", value) <= value <= schema.get("maximum", value)


@given(BRIEFS)
def test_a_plan_names_only_what_the_brief_has_and_keeps_its_schemas(brief: Brief) -> None:
    plan = triage(brief, INDEX)
    types = {each.name: each.input_schema for each in brief.types}
    asked = {each.interrupt_id: each.decision_schema for each in brief.questions}
    assert {each.workflow_type for each in plan.launches} <= set(types)
    assert {each.interrupt_id for each in plan.decisions} <= set(asked)
    assert set(plan.cancels) <= {each.workflow_id for each in brief.workflows if not each.ended}
    assert plan.asks_about in {"", *types, *asked}
    assert all(conforms(dict(types[each.workflow_type]), each.input) for each in plan.launches), plan
    assert all(conforms(dict(asked[each.interrupt_id]), each.decision) for each in plan.decisions), plan
    assert plan == Plan.model_validate_json(plan.model_dump_json())


@given(BRIEFS)
def test_there_is_always_an_answer_and_it_states_no_other_progress(brief: Brief) -> None:
    said = answer(brief, INDEX)
    assert said.strip()
    told = re.findall(r"(\d+) % complete", said)
    assert set(told) <= {str(int(each.fraction * 100)) for each in brief.workflows if each.status == "RUNNING"}


@given(BRIEFS)
def test_the_same_brief_comes_to_the_same_plan(brief: Brief) -> None:
    assert triage(brief, INDEX) == triage(brief, Index(TYPES))


NAMES = st.sampled_from(
    [
        "goal",
        "days_per_week",
        "weeks",
        "minutes",
        "name",
        "role",
        "start_date",
        "month",
        "text",
        "amount",
        "url",
        "notes",
    ]
)
SIMPLE = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "minLength": 2, "maxLength": 12},
        {"type": "string", "pattern": "^[a-z]+$"},
        {"type": "string", "enum": ["GOAL_STRENGTH", "GOAL_WEIGHT_LOSS"], "x-prefix": "GOAL_"},
        {"type": "integer", "minimum": 4, "maximum": 8},
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "boolean"},
        {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
    ]
)


def objects_of(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    fields = st.dictionaries(NAMES, st.tuples(inner, st.booleans()), min_size=1, max_size=4)
    return fields.map(
        lambda found: {
            "type": "object",
            "properties": {name: schema for name, (schema, _) in found.items()},
            "required": [name for name, (_, required) in found.items() if required],
        }
    )


NESTED = objects_of(SIMPLE)
SCHEMAS = objects_of(SIMPLE | NESTED | NESTED.map(lambda item: {"type": "array", "items": item}))


@given(SCHEMAS, st.lists(PHRASES | MESSAGES, min_size=1, max_size=3), st.booleans())
def test_whatever_the_schema_what_is_filled_in_keeps_it(schema: dict[str, Any], said: list[str], reply: bool) -> None:  # noqa: FBT001
    fields = fields_of(schema)
    found = fill(Shape(fields, {}), said, said, dt.date(2026, 11, 21), reply=reply)
    assert all(conforms(schema["properties"][name], value) for name, value in found.values.items())
    missing, faulty = {each.name for each in found.missing}, {each.field.name for each in found.faults}
    assert set(schema["required"]) <= set(found.values) | missing | faulty
    assert not set(found.values) & (missing | faulty)
