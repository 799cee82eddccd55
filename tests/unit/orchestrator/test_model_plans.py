from dataclasses import replace

import pytest

from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding._plans import faults_of, only_its_kind
from tests.unit.orchestrator.model_world import brief

BRIEF = brief("Hello")


def launch(input_, workflow_type="trip_planning"):
    return Plan.model_validate({"kind": "launch", "launches": [{"workflow_type": workflow_type, "input": input_}]})


def decide(decision, interrupt_id="int-1"):
    return Plan.model_validate({"kind": "decide", "decisions": [{"interrupt_id": interrupt_id, "decision": decision}]})


@pytest.mark.parametrize(
    "plan",
    [
        launch({"city": "Rome", "days": 3}),
        launch(
            {"city": "Rome", "days": 3, "style": "STYLE_GRAND", "stops": [{"city": "Pisa"}], "budget": {"food": 9.5}}
        ),
        launch({}, "garden_care"),
        decide({"verdict": "VERDICT_APPROVE"}),
        Plan(kind="cancel", cancels=("wf-1",)),
        Plan(kind="ask_back", text="Where to?", asks_about="trip_planning"),
        Plan(kind="ask_back", text="Which?", asks_about="int-1"),
        Plan(kind="answer"),
    ],
)
def test_a_plan_that_keeps_to_the_brief_is_right(plan):
    assert faults_of(plan, BRIEF) == []


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        (
            launch({"city": "Rome"}),
            "launches.0.input: days is needed; where the user has not said it, ask back instead",
        ),
        (launch({"city": "", "days": 3}), "launches.0.input: city is needed; where the user has not said it"),
        (launch({"city": "Rome", "days": "three"}), "launches.0.input.days: it must be of type integer"),
        (launch({"city": "Rome", "days": True}), "launches.0.input.days: it must be of type integer"),
        (launch({"city": "Rome", "days": 0}), "launches.0.input.days: it must be at least 1"),
        (launch({"city": "Rome", "days": 31}), "launches.0.input.days: it must be at most 30"),
        (
            launch({"city": "Rome", "days": 3, "style": "GRAND"}),
            "launches.0.input.style: it must be one of STYLE_CHEAP, STYLE_GRAND",
        ),
        (launch({"city": "Rome", "days": 3, "hotel": "x"}), "launches.0.input: there is no 'hotel', only city, days"),
        (launch({"city": "Rome", "days": 3, "stops": [{"town": "x"}]}), "launches.0.input.stops.0: there is no 'town'"),
        (
            launch({"city": "Rome", "days": 3, "budget": {"food": -1}}),
            "launches.0.input.budget.food: it must be at least 0",
        ),
        (launch({}, "cooking"), "launches.0.workflow_type: 'cooking' is none of the workflow types"),
        (decide({}), "decisions.0.decision: verdict is needed"),
        (decide({"verdict": "YES"}), "decisions.0.decision.verdict: it must be one of VERDICT_APPROVE, VERDICT_REJECT"),
        (decide({}, "int-2"), "decisions.0.interrupt_id: 'int-2' is none of the open questions (int-1)"),
        (
            Plan(kind="cancel", cancels=("wf-7",)),
            "cancels.0: 'wf-7' is none of the workflows that can be cancelled (wf-1)",
        ),
        (
            Plan(kind="cancel", cancels=("wf-0",)),
            "cancels.0: 'wf-0' is none of the workflows that can be cancelled (wf-1)",
        ),
        (Plan(kind="ask_back", text=" "), "text: it must ask the user something"),
        (Plan(kind="ask_back", text="?", asks_about="cooking"), "asks_about: 'cooking' is neither"),
        (Plan(kind="cancel", cancels=("wf-1",) * 11), "there are 11 orders, and 10 are the most"),
    ],
)
def test_a_plan_that_leaves_the_brief_is_told_how(plan, fault):
    (found,) = faults_of(plan, BRIEF)
    assert found.startswith(fault)


def test_a_question_without_a_schema_takes_any_object():
    free = replace(BRIEF.questions[0], decision_schema={})
    assert faults_of(decide({"whatever": [1, {"a": None}]}), brief("Yes", questions=(free,))) == []


def test_of_a_plan_only_what_its_kind_needs_is_left():
    full = {
        "launches": [{"workflow_type": "trip_planning", "input": {}}],
        "decisions": [{"interrupt_id": "int-1", "decision": {}}],
        "cancels": ["wf-1"],
        "text": "Fine.",
        "asks_about": "int-1",
    }
    left = {
        kind: set(only_its_kind(Plan.model_validate({"kind": kind, **full})).model_dump(exclude_defaults=True))
        - {"kind"}
        for kind in ("launch", "decide", "cancel", "answer", "ask_back")
    }
    assert left == {
        "launch": {"launches"},
        "decide": {"decisions"},
        "cancel": {"cancels"},
        "answer": set(),
        "ask_back": {"text", "asks_about"},
    }
