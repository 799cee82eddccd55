"""Workflow types, questions and workflows for the tests of the offline understanding."""

import datetime as dt
from typing import Any

from stretto.orchestrator.brief import Brief, Example, KnownType, KnownWorkflow, OpenQuestion, Said

NOW = int(dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC).timestamp() * 1_000_000)  # A Saturday.
SECOND = 1_000_000


def enum(prefix: str, *names: str) -> dict[str, Any]:
    return {"type": "string", "enum": [f"{prefix}{name}" for name in names], "x-prefix": prefix}


def number(low: int, high: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high}


def objects(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


TEXT = {"type": "string"}
GOAL = enum("GOAL_", "STRENGTH", "ENDURANCE", "WEIGHT_LOSS", "MOBILITY", "MUSCLE_GAIN")
LEVEL = enum("LEVEL_", "BEGINNER", "INTERMEDIATE", "ADVANCED")

EXERCISE = KnownType(
    name="exercise_planning",
    description="Plans workouts and training over weeks for a fitness goal, around injuries and with your equipment.",
    input_schema=objects(
        ["goal", "days_per_week"],
        goal=GOAL,
        days_per_week=number(1, 7),
        weeks=number(1, 12),
        minutes_per_session=number(10, 180),
        level=LEVEL,
        injuries={"type": "array", "items": TEXT, "maxItems": 16},
        equipment={"type": "array", "items": enum("EQUIPMENT_", "DUMBBELLS", "BANDS", "PULL_UP_BAR", "BICYCLE")},
    ),
    examples=(
        Example(
            "I want to get stronger and can train three days a week.", {"goal": "GOAL_STRENGTH", "days_per_week": 3}
        ),
        Example(
            "Make me a workout plan to lose weight, 4 workouts a week, 30 minutes each, but I have a bad knee.",
            {"goal": "GOAL_WEIGHT_LOSS", "days_per_week": 4, "minutes_per_session": 30, "injuries": ["knee"]},
        ),
        Example(
            "Help me build muscle with dumbbells, 4 days a week, intermediate level.",
            {"goal": "GOAL_MUSCLE_GAIN", "days_per_week": 4, "equipment": ["EQUIPMENT_DUMBBELLS"]},
        ),
        Example(
            "I need a mobility routine for two days a week, my shoulder hurts.",
            {"goal": "GOAL_MOBILITY", "days_per_week": 2, "injuries": ["shoulder"]},
        ),
    ),
)
FINANCE = KnownType(
    name="finance_review",
    description="Reviews spending of a month: categories, trends, anomalies and where money can be saved.",
    input_schema=objects(
        ["month", "transactions"],
        month={"type": "string", "pattern": r"^\d{4}-\d{2}$"},
        transactions={
            "type": "array",
            "minItems": 1,
            "items": objects(["date", "description", "amount"], date=TEXT, description=TEXT, amount={"type": "number"}),
        },
    ),
    examples=(
        Example(
            "Review my spending in October: 2026-10-03 Groceries 54.20",
            {
                "month": "2026-10",
                "transactions": [{"date": "2026-10-03", "description": "Groceries", "amount": 54.2}],
            },
        ),
        Example("Where does my money go? Check my expenses of last month.", {"month": "2026-10"}),
    ),
)
ONBOARDING = KnownType(
    name="hr_onboarding",
    description="Prepares the first weeks of a new employee: checklist, equipment, accounts and people to meet.",
    input_schema=objects(
        ["name", "role", "start_date"],
        name={"type": "string", "minLength": 1, "maxLength": 80},
        role={"type": "string", "minLength": 1},
        department=TEXT,
        start_date={"type": "string", "format": "date-time"},
        manager=TEXT,
        remote={"type": "boolean"},
    ),
    examples=(
        Example(
            "Onboard Ana Lopez as a backend engineer in Engineering from December 7, reporting to Maria Silva.",
            {
                "name": "Ana Lopez",
                "role": "backend engineer",
                "department": "Engineering",
                "start_date": "2026-12-07T00:00:00Z",
                "manager": "Maria Silva",
            },
        ),
        Example(
            "We hired a new employee: Tom Berg, data analyst, starts next Monday, works remotely.",
            {"name": "Tom Berg", "role": "data analyst", "remote": True},
        ),
    ),
)
GREENHOUSE = KnownType(
    name="greenhouse-watering",
    description="Waters plants in a greenhouse.",
    input_schema=objects(
        ["plants"],
        plants={"type": "array", "items": TEXT, "minItems": 1},
        litres={"type": "number", "exclusiveMinimum": 0, "maximum": 50},
        mode=enum("", "drip", "spray"),
    ),
    examples=(Example("Water the tomatoes and basil with 3 litres.", {"plants": ["tomatoes", "basil"], "litres": 3}),),
)
TRANSLATION = KnownType(
    name="translate_text",
    description="Translates text into another language.",
    input_schema=objects(["text", "language"], text=TEXT, language=enum("LANGUAGE_", "FRENCH", "GERMAN", "SPANISH")),
)
TYPES = (EXERCISE, FINANCE, ONBOARDING, GREENHOUSE, TRANSLATION)

VERDICT = enum("VERDICT_", "APPROVE", "REJECT", "EDIT")
EXERCISE_DECISION = objects(
    ["verdict"],
    verdict=VERDICT,
    reason={"type": "string", "maxLength": 512},
    goal=GOAL,
    days_per_week=number(1, 7),
    minutes_per_session=number(10, 180),
)
ONBOARDING_DECISION = objects(
    ["verdict"],
    verdict=VERDICT,
    reason={"type": "string", "maxLength": 512},
    start_date={"type": "string", "format": "date"},
)


def question(
    kind: str = "exercise_planning", schema: dict[str, Any] | None = None, number: int = 1, **asked: str
) -> OpenQuestion:
    return OpenQuestion(
        workflow_id=f"wf-{kind[:3]}-00000{number}",
        workflow_type=kind,
        interrupt_id=f"int-{kind[:3]}-{number}",
        step="awaiting_approval",
        question=asked or {"question": f"Is the {kind.split('_', maxsplit=1)[0]} plan good?"},
        decision_schema=EXERCISE_DECISION if schema is None else schema,
        raised_at=NOW - 5 * SECOND,
    )


def workflow(
    kind: str = "exercise_planning", status: str = "RUNNING", number: int = 1, **changes: Any
) -> KnownWorkflow:
    given = {
        "phases": ("analyzing_requirements",) if status == "RUNNING" else (),
        "fraction": 0.2,
        "headline": "Looking at your goals",
        "facts": {},
        "last_error": "",
        "as_of_sequence": 4,
        "created_at": NOW - 10 * SECOND,
        "updated_at": NOW - 2 * SECOND,
        "read_at": NOW,
    }
    return KnownWorkflow(
        workflow_id=f"wf-{kind[:3]}-00000{number}", workflow_type=kind, status=status, **(given | changes)
    )


def user(text: str) -> Said:
    return Said(role="user", text=text)


def asked_back(text: str, about: str = "") -> Said:
    return Said(role="assistant", text=text, kind="ask_back", asks_about=about)


def replied(text: str, kind: str = "answer") -> Said:
    return Said(role="assistant", text=text, kind=kind)


def brief(message: str, **given: Any) -> Brief:
    return Brief(message=message, now=NOW, types=given.pop("types", TYPES), **given)
