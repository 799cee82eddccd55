from dataclasses import replace

import pytest

from stretto.orchestrator.brief import KnownType
from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding.offline import Offline
from tests.unit.orchestrator.offline_world import EXERCISE, FINANCE, asked_back, brief, replied, user

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
        "Prepare the onboarding of Maria da Silva, product manager, from Dec 7, not remote, her manager is John Smith",
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


async def test_two_domains_in_one_message_are_both_launched() -> None:
    message = "I want to lose weight training 3 days a week, and onboard Tom Berg as a data analyst from 2026-12-01"
    assert launched(await plan(message)) == [
        (EX, {"goal": "GOAL_WEIGHT_LOSS", "days_per_week": 3}),
        (HR, {"name": "Tom Berg", "role": "data analyst", "start_date": "2026-12-01T00:00:00Z"}),
    ]


async def test_of_two_domains_what_lacks_something_is_asked_for_first() -> None:
    found = await plan("Plan a workout for strength 3 days a week and onboard Tom Berg")
    assert (found.kind, found.asks_about) == ("ask_back", HR)
    assert found.text.endswith("I will start exercise planning along with it.")
    history = (user("Plan a workout for strength 3 days a week and onboard Tom Berg"), asked_back(found.text, HR))
    completed = launched(await plan("data analyst, next Monday", history=history))
    assert [name for name, _ in completed] == [EX, HR]


ASKED = [
    (
        "plan my workouts",
        EX,
        "Which goal: strength, endurance, weight loss, mobility or muscle gain? And how many days",
    ),
    ("a strength workout plan", EX, "How many days per week (between 1 and 7)?"),
    ("help me get stronger", EX, "How many days per week"),
    ("Train me nine days a week for strength", EX, "Days per week must be between 1 and 7, and you said 9."),
    ("strength workouts, 3-4 days a week", EX, "How many days per week"),
    (
        "Review my spending in October:",
        FIN,
        "Which transactions, with date, description and amount of each, a line for",
    ),
    ("We need to onboard someone", HR, "What is the name? And what is the role? And what is the start date, such as"),
    ("Onboard Ana Lopez from tomorrow", HR, "What is the role?"),
    ("Water the roses with 80 litres", GREEN, "Litres must be more than 0 and at most 50, and you said 80."),
    ("Translate this text", WORDS, "Which language: french, german or spanish?"),
    ("make a workout plan for my mother", EX, "Which goal"),
]


@pytest.mark.parametrize(("message", "workflow_type", "told"), ASKED)
async def test_what_is_missing_or_out_of_bounds_is_asked_for(message: str, workflow_type: str, told: str) -> None:
    found = await plan(message)
    assert (found.kind, found.asks_about) == ("ask_back", workflow_type)
    assert told in found.text


@pytest.mark.parametrize(
    "message", ["plan my holiday", "book a flight to Berlin next week", "that's a bad idea", "asdf qwer", "?!"]
)
async def test_what_means_no_type_is_asked_back_with_what_there_is(message: str) -> None:
    found = await plan(message)
    assert (found.kind, found.asks_about) == ("ask_back", "")
    assert "exercise planning, finance review, HR onboarding" in found.text


async def test_two_types_that_are_close_are_both_named() -> None:
    twin = KnownType(name="training_diary", description="Keeps a diary of training.", input_schema={})
    found = await plan("some training please", types=(EXERCISE, twin))
    assert (found.kind, found.text) == ("ask_back", "Do you mean training diary or exercise planning?")
    history = (user("some training please"), asked_back(found.text))
    assert launched(await plan("the diary", types=(EXERCISE, twin), history=history)) == [("training_diary", {})]


REMEMBERED = [
    (
        [user("I have a bad knee"), replied("Noted."), user("I train three days a week"), replied("Noted.")],
        "make me a strength plan",
        {"goal": "GOAL_STRENGTH", "days_per_week": 3, "injuries": ["knee"]},
    ),
    (
        [user("make me a strength plan for 4 days a week"), replied("Started.", "launch")],
        "I'd like another workout plan, for endurance",
        {"goal": "GOAL_ENDURANCE", "days_per_week": 4},
    ),
    (
        [user("I train five days a week"), replied("Noted."), user("I train only two days a week"), replied("Noted.")],
        "a workout plan for mobility",
        {"goal": "GOAL_MOBILITY", "days_per_week": 2},
    ),
    (
        [user("how many days a week is good for strength, 6?"), replied("I do not know."), user("I am advanced")],
        "a workout plan for mobility on 3 days a week",
        {"goal": "GOAL_MOBILITY", "days_per_week": 3, "level": "LEVEL_ADVANCED"},
    ),
]


@pytest.mark.parametrize(("history", "message", "wanted"), REMEMBERED)
async def test_what_was_said_before_need_not_be_said_again(history: list, message: str, wanted: dict) -> None:
    assert launched(await plan(message, history=tuple(history))) == [(EX, wanted)]


async def test_what_was_said_of_one_person_does_not_hold_for_another() -> None:
    history = (user("Onboard Tom Berg as a data analyst from December 7, remote"), replied("Started.", "launch"))
    found = await plan("Onboard Ana Lopez", history=history)
    assert (found.kind, found.asks_about) == ("ask_back", HR)
    assert "role" in found.text
    assert "start date" in found.text


async def test_a_name_told_before_is_remembered() -> None:
    history = (user("My name is Ana Lopez"), replied("Noted."))
    ((_, values),) = launched(await plan("Prepare my onboarding as a cook from December 7", history=history))
    assert values["name"] == "Ana Lopez"


def asks(*said: str, about: str = EX) -> tuple:
    return tuple(each for text in said for each in (user(text), asked_back("…", about)))


COMPLETED = [
    (asks("plan my workouts"), "strength, 3 days a week", EX, {"goal": "GOAL_STRENGTH", "days_per_week": 3}),
    (asks("plan my workouts", "endurance"), "3", EX, {"goal": "GOAL_ENDURANCE", "days_per_week": 3}),
    (asks("plan my workouts", "endurance"), "four", EX, {"goal": "GOAL_ENDURANCE", "days_per_week": 4}),
    (asks("a strength workout plan", "9 days a week"), "5", EX, {"goal": "GOAL_STRENGTH", "days_per_week": 5}),
    (asks("a strength workout plan", "9 days a week"), "5 then", EX, {"goal": "GOAL_STRENGTH", "days_per_week": 5}),
    (asks("a strength workout plan"), "on two days please", EX, {"goal": "GOAL_STRENGTH", "days_per_week": 2}),
    (
        asks("Onboard someone", about=HR),
        "Ana Lopez, backend engineer, December 7",
        HR,
        {"name": "Ana Lopez", "role": "backend engineer", "start_date": "2026-12-07T00:00:00Z"},
    ),
    (
        asks("Onboard Ana Lopez from tomorrow", about=HR),
        "she is a welder",
        HR,
        {"name": "Ana Lopez", "role": "welder", "start_date": "2026-11-22T00:00:00Z"},
    ),
    (
        asks("Onboard a welder from tomorrow", "as a welder", about=HR),
        "Kim",
        HR,
        {"name": "Kim", "role": "welder", "start_date": "2026-11-22T00:00:00Z"},
    ),
    (
        asks("Review my spending in October", about=FIN),
        "2026-10-03 Groceries 54.20",
        FIN,
        {"month": "2026-10", "transactions": [{"date": "2026-10-03", "description": "Groceries", "amount": 54.2}]},
    ),
    (asks("Translate “good day”", about=WORDS), "German", WORDS, {"text": "good day", "language": "LANGUAGE_GERMAN"}),
]


@pytest.mark.parametrize(("history", "message", "workflow_type", "wanted"), COMPLETED)
async def test_an_answer_to_a_question_back_completes_the_request(
    history: tuple, message: str, workflow_type: str, wanted: dict
) -> None:
    assert launched(await plan(message, history=history)) == [(workflow_type, wanted)]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("no, forget it", "answer"),
        ("never mind", "answer"),
        ("how is it going?", "answer"),
        ("thanks", "answer"),
        ("9", "ask_back"),
        ("onboard Ana Lopez as a welder from tomorrow", "launch"),
    ],
)
async def test_not_every_message_after_a_question_back_answers_it(message: str, kind: str) -> None:
    found = await plan(message, history=asks("a strength workout plan"))
    assert found.kind == kind
    if kind == "ask_back":
        assert "must be between 1 and 7, and you said 9" in found.text


@pytest.mark.parametrize("message", ["no", "no, leave me alone"])
async def test_a_no_to_what_is_asked_for_ends_the_asking(message: str) -> None:
    asked = await plan("a strength workout plan")
    history = (user("a strength workout plan"), asked_back(asked.text, asked.asks_about))
    assert (await plan(message, history=history)).kind == "answer"


async def test_an_old_list_says_nothing_of_a_new_one() -> None:
    budget = {
        "type": "object",
        "propertyNames": {"enum": ["groceries", "rent"]},
        "additionalProperties": {"type": "number"},
    }
    fields = FINANCE.input_schema["properties"] | {"budget": budget}
    types = (replace(FINANCE, input_schema=FINANCE.input_schema | {"properties": fields}),)
    before = (user("Review my spending: 2026-09-03 Groceries 54.20"), replied("Started.", "launch"))
    said = "Review my spending in October 2026: 2026-10-04 Groceries 61.10"
    ((_, values),) = launched(await plan(said, types=types, history=before))
    assert "budget" not in values


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Where does my money go? 2026-10-03 Groceries 54.20; in October 2026", "launch"),
        ("Show me a strength workout plan for 3 days a week", "launch"),
        ("can I get a strength plan for three days a week?", "launch"),
        ("What workouts do you know?", "answer"),
        ("Show me my workout plan", "answer"),
        ("I have a bad knee", "answer"),
        ("My name is Ana", "answer"),
    ],
)
async def test_a_request_may_have_the_form_of_a_question_and_a_fact_is_none(message: str, kind: str) -> None:
    assert (await plan(message)).kind == kind
