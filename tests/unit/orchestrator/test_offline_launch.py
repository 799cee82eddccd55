import pytest

from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding.offline import Offline
from tests.unit.orchestrator.offline_world import brief

EX, FIN, HR, GREEN, WORDS = (
    "exercise_planning",
    "finance_review",
    "hr_onboarding",
    "greenhouse-watering",
    "translate_text",
)


async def plan(message: str, **given) -> Plan:
    insight = await Offline().triage(brief(message, **given))
    assert insight.source == "offline"
    return insight.value


def launched(found: Plan) -> list[tuple[str, dict]]:
    assert found.kind == "launch", found
    return [(each.workflow_type, each.input) for each in found.launches]


EXERCISE_REQUESTS = [
    ("I want to get stronger and can train three days a week", {"goal": "STRENGTH", "days_per_week": 3}),
    (
        "Make me a workout plan to lose weight, 4 days a week, 45 minutes each, for 8 weeks",
        {"goal": "WEIGHT_LOSS", "days_per_week": 4, "minutes_per_session": 45, "weeks": 8},
    ),
    ("lose a little weight, twice a week", {"goal": "WEIGHT_LOSS", "days_per_week": 2}),
    (
        "Can you plan my training? I'd like to build muscle with dumbbells and bands, five times a week",
        {"goal": "MUSCLE_GAIN", "days_per_week": 5, "equipment": ["DUMBBELLS", "BANDS"]},
    ),
    (
        "Please create a workout plan for endurance, 3x/week, I am a beginner and I have a bad wrist",
        {"goal": "ENDURANCE", "days_per_week": 3, "level": "BEGINNER", "injuries": ["wrist"]},
    ),
    (
        "mobility training, 2 days per week, knee and shoulder injuries",
        {"goal": "MOBILITY", "days_per_week": 2, "injuries": ["knee", "shoulder"]},
    ),
    (
        "A workout plan for strength: 4 days a week, one hour per session, with a pull-up bar.",
        {"goal": "STRENGTH", "days_per_week": 4, "minutes_per_session": 60, "equipment": ["PULL_UP_BAR"]},
    ),
    ("Train me for endurance every day", {"goal": "ENDURANCE", "days_per_week": 7}),
    ("workouts for mobility instead of strength, 3 workouts weekly", {"goal": "MOBILITY", "days_per_week": 3}),
    ("Get me back in shape: strength, four days a week", {"goal": "STRENGTH", "days_per_week": 4}),
    (
        "I want to be more mobile, training 2 days/week for six weeks",
        {"goal": "MOBILITY", "days_per_week": 2, "weeks": 6},
    ),
    ("strength workouts 3 days a week for 14 days", {"goal": "STRENGTH", "days_per_week": 3, "weeks": 2}),
]


@pytest.mark.parametrize(("message", "wanted"), EXERCISE_REQUESTS)
async def test_a_request_launches_with_what_its_words_say(message: str, wanted: dict) -> None:
    prefixes = {"goal": "GOAL_", "level": "LEVEL_"}
    full = {name: f"{prefixes[name]}{value}" if name in prefixes else value for name, value in wanted.items()}
    if "equipment" in full:
        full["equipment"] = [f"EQUIPMENT_{each}" for each in full["equipment"]]
    assert launched(await plan(message)) == [(EX, full)]


OTHER_REQUESTS = [
    (
        "Onboard Zoltan Kovacs as a welder starting next Monday",
        HR,
        {"name": "Zoltan Kovacs", "role": "welder", "start_date": "2026-11-23T00:00:00Z"},
    ),
    (
        "onboard ana lopez as data analyst from tomorrow, remote",
        HR,
        {"name": "Ana Lopez", "role": "data analyst", "start_date": "2026-11-22T00:00:00Z", "remote": True},
    ),
    (
        "Prepare the onboarding of Maria da Silva, product manager, from December 7, not remote, her manager is John Smith",
        HR,
        {
            "name": "Maria da Silva",
            "role": "product manager",
            "start_date": "2026-12-07T00:00:00Z",
            "manager": "John Smith",
            "remote": False,
        },
    ),
    (
        "New employee called Kim starting 2026-12-07 as an accountant in Finance",
        HR,
        {"name": "Kim", "role": "accountant", "department": "Finance", "start_date": "2026-12-07T00:00:00Z"},
    ),
    (
        "Onboard a data analyst called Ben Okafor in two weeks",
        HR,
        {"name": "Ben Okafor", "role": "data analyst", "start_date": "2026-12-05T00:00:00Z"},
    ),
    (
        "Prepare the onboarding for Li Wei as head of design on January 4 at 9:30",
        HR,
        {"name": "Li Wei", "role": "head of design", "start_date": "2027-01-04T09:30:00Z"},
    ),
    (
        "Review my October spending:\n2026-10-03 Groceries 54.20\n2026-10-05 Rent 900\n2026-10-07, Coffee bar, 4.5",
        FIN,
        {
            "month": "2026-10",
            "transactions": [
                {"date": "2026-10-03", "description": "Groceries", "amount": 54.2},
                {"date": "2026-10-05", "description": "Rent", "amount": 900},
                {"date": "2026-10-07", "description": "Coffee bar", "amount": 4.5},
            ],
        },
    ),
    (
        "Check my expenses of last month: Oct 3 Cinema $12; October 5 Salary -1,200.50 EUR",
        FIN,
        {
            "month": "2026-10",
            "transactions": [
                {"date": "2026-10-03", "description": "Cinema", "amount": 12},
                {"date": "2026-10-05", "description": "Salary", "amount": -1200.5},
            ],
        },
    ),
    ("Water the basil and mint with 5 litres", GREEN, {"plants": ["basil", "mint"], "litres": 5}),
    ("Water the tomatoes by spray", GREEN, {"plants": ["tomatoes"], "mode": "spray"}),
    ('Translate "good morning" into French', WORDS, {"text": "good morning", "language": "LANGUAGE_FRENCH"}),
    (
        "Translate this text into German: I am late",
        WORDS,
        {"text": "Translate this text into German: I am late", "language": "LANGUAGE_GERMAN"},
    ),
]


@pytest.mark.parametrize(("message", "workflow_type", "wanted"), OTHER_REQUESTS)
async def test_inputs_are_filled_whatever_their_schema_is_about(message: str, workflow_type: str, wanted: dict) -> None:
    assert launched(await plan(message)) == [(workflow_type, wanted)]
