import pytest

from stretto.orchestrator.brief import Said
from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding.offline import Offline
from tests.unit.orchestrator.offline_world import (
    ONBOARDING_DECISION,
    TEXT,
    asked_back,
    brief,
    enum,
    objects,
    question,
    user,
    workflow,
)

EXERCISE, HR = question(), question("hr_onboarding", ONBOARDING_DECISION)
ONE, TWO = (EXERCISE,), (EXERCISE, HR)
WAITING = (workflow(status="WAITING"), workflow("hr_onboarding", "WAITING"))


async def plan(message: str, questions=ONE, **given) -> Plan:
    return (await Offline().triage(brief(message, questions=questions, workflows=WAITING, **given))).value


def decided(found: Plan) -> list[tuple[str, dict]]:
    assert found.kind == "decide", found
    return [(each.interrupt_id, each.decision) for each in found.decisions]


APPROVE, REJECT, EDIT = ({"verdict": f"VERDICT_{kind}"} for kind in ("APPROVE", "REJECT", "EDIT"))
VERDICTS = [
    ("approve it", APPROVE),
    ("Approved!", APPROVE),
    ("yes", APPROVE),
    ("y", APPROVE),
    ("N", REJECT | {"reason": "N"}),
    ("yes, go ahead", APPROVE),
    ("yes please", APPROVE),
    ("looks good", APPROVE),
    ("looks good, thanks", APPROVE),
    ("that's perfect", APPROVE),
    ("great plan!", APPROVE),
    ("sure, go ahead and start it", APPROVE),
    ("no objections", APPROVE),
    ("\U0001f44d", APPROVE),
    ("can you approve it please", APPROVE),
    ("approve it, the pace suits my knee", APPROVE | {"reason": "the pace suits my knee"}),
    ("no", REJECT | {"reason": "no"}),
    ("reject it, too expensive", REJECT | {"reason": "too expensive"}),
    ("I don't like it because it is too hard", REJECT | {"reason": "it is too hard"}),
    ("please don't approve it", REJECT | {"reason": "please don't approve it"}),
    ("not approved: my doctor is against it", REJECT | {"reason": "my doctor is against it"}),
    ("that does not work for me", REJECT | {"reason": "that does not work for me"}),
    ("I do not want it", REJECT | {"reason": "I do not want it"}),
    ("no thanks, too hard", REJECT | {"reason": "too hard"}),
    ("no, make it three days", EDIT | {"reason": "make it three days", "days_per_week": 3}),
    ("change the goal to endurance", EDIT | {"reason": "change the goal to endurance", "goal": "GOAL_ENDURANCE"}),
    ("looks good but make it 30 minutes", EDIT | {"reason": "make it 30 minutes", "minutes_per_session": 30}),
    ("ok but with 60 minutes each", EDIT | {"reason": "with 60 minutes each", "minutes_per_session": 60}),
    ("three days", EDIT | {"reason": "three days", "days_per_week": 3}),
    ("only two days please", EDIT | {"reason": "only two days please", "days_per_week": 2}),
    ("can you make it 4 days?", EDIT | {"reason": "can you make it 4 days?", "days_per_week": 4}),
    ("I'd rather do mobility", EDIT | {"reason": "I'd rather do mobility", "goal": "GOAL_MOBILITY"}),
    ("make it 4 days instead of 3", EDIT | {"reason": "make it 4 days instead of 3", "days_per_week": 4}),
]


@pytest.mark.parametrize(("message", "decision"), VERDICTS)
async def test_a_verdict_fills_in_the_decision(message: str, decision: dict) -> None:
    assert decided(await plan(message)) == [(EXERCISE.interrupt_id, decision)]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("change it", "What shall I change in exercise planning? You can change goal, days per week or"),
        ("looks good but it is too long", "What shall I change"),
        ("approve it if it is cheap", "What shall I change"),
        ("don't reject it", "What shall I change"),
        ("yes, I am tired", "What shall I change"),
        ("make it 9 days", "must be between 1 and 7, and you said 9"),
    ],
)
async def test_what_is_not_sure_is_asked_and_never_approved(message: str, told: str) -> None:
    found = await plan(message)
    assert (found.kind, found.asks_about) == ("ask_back", EXERCISE.interrupt_id)
    assert told in found.text


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("approve both", [(EXERCISE, APPROVE), (HR, APPROVE)]),
        ("yes to all", [(EXERCISE, APPROVE), (HR, APPROVE)]),
        ("approve the onboarding", [(HR, APPROVE)]),
        ("reject the first one, too hard", [(EXERCISE, REJECT | {"reason": "too hard"})]),
        ("approve the second", [(HR, APPROVE)]),
        (
            "change the start date to Monday 2026-12-07",
            [(HR, EDIT | {"reason": "change the start date to Monday 2026-12-07", "start_date": "2026-12-07"})],
        ),
        (
            "for the onboarding, make the start date 2026-12-14",
            [(HR, EDIT | {"reason": "for the onboarding, make the start date 2026-12-14", "start_date": "2026-12-14"})],
        ),
    ],
)
async def test_of_several_questions_the_message_tells_which(message: str, wanted: list) -> None:
    assert decided(await plan(message, TWO)) == [(each.interrupt_id, decision) for each, decision in wanted]


@pytest.mark.parametrize("message", ["approve it", "no", "yes", "looks good"])
async def test_of_several_questions_it_asks_which_when_nothing_tells(message: str) -> None:
    found = await plan(message, TWO)
    assert (found.kind, found.asks_about) == ("ask_back", "")
    assert "1. exercise planning" in found.text
    assert "2. HR onboarding" in found.text


async def test_two_questions_of_one_type_are_told_apart_by_the_ends_of_their_ids() -> None:
    found = await plan("approve it", (question(number=1), question(number=2)))
    assert "exercise planning (…000001)" in found.text
    assert "exercise planning (…000002)" in found.text


async def test_which_one_can_be_said_afterwards() -> None:
    history = (user("approve it"), asked_back("Which one do you mean?"))
    assert decided(await plan("the second", TWO, history=history)) == [(HR.interrupt_id, APPROVE)]
    assert decided(await plan("the exercise one", TWO, history=history)) == [(EXERCISE.interrupt_id, APPROVE)]


async def test_what_to_change_can_be_said_afterwards() -> None:
    history = (user("change it"), asked_back("What shall I change?", EXERCISE.interrupt_id))
    wanted = EDIT | {"reason": "three days", "days_per_week": 3}
    assert decided(await plan("three days", history=history)) == [(EXERCISE.interrupt_id, wanted)]


async def test_a_wish_to_change_what_waits_starts_nothing() -> None:
    found = await plan("change the exercise plan", history=(user("train for strength 3 days a week"),))
    assert (found.kind, found.asks_about) == ("ask_back", EXERCISE.interrupt_id)


TO_CHANGE = (user("change it"), asked_back("What shall I change?", EXERCISE.interrupt_id))


async def test_after_a_question_what_to_change_another_one_can_be_approved() -> None:
    assert decided(await plan("approve the onboarding", TWO, history=TO_CHANGE)) == [(HR.interrupt_id, APPROVE)]
    found = await plan("approve the onboarding", ONE, history=TO_CHANGE)
    assert "Nothing waits for a decision in HR onboarding" in found.text


async def test_after_a_question_what_to_change_something_else_can_be_started() -> None:
    wish = "Please onboard Ana Lopez as backend engineer from 2027-01-11"
    assert [each.workflow_type for each in (await plan(wish, history=TO_CHANGE)).launches] == ["hr_onboarding"]


SHALL_I_STOP = (user("cancel the finance thing"), asked_back("That is not running. Shall I stop exercise planning?"))


async def test_a_word_on_the_proposal_is_no_yes_to_stopping_it() -> None:
    for approval in ("approve the exercise plan", "I accept it"):
        assert decided(await plan(approval, history=SHALL_I_STOP)) == [(EXERCISE.interrupt_id, APPROVE)]


async def test_a_yes_stops_nothing_that_has_asked_something_in_between() -> None:
    asked = (*SHALL_I_STOP, Said(role="notice", text="Exercise planning asks: Is this plan good?"))
    found = await plan("yes", history=asked)
    assert (found.kind, found.text[:15]) == ("ask_back", "Shall I stop it")
    after = (*asked, user("yes"), asked_back(found.text))
    assert (await plan("stop it", history=after)).kind in {"cancel", "ask_back"}
    assert decided(await plan("approve it", history=after)) == [(EXERCISE.interrupt_id, APPROVE)]
    assert (await plan("yes", history=SHALL_I_STOP)).kind != "ask_back"


@pytest.mark.parametrize(
    ("message", "no_because"),
    [
        ("approve the exercise plan and reject the onboarding because she quit", {"reason": "because she quit"}),
        ("reject the onboarding, she quit, but approve the exercise", {"reason": "she quit"}),
    ],
)
async def test_a_yes_and_a_no_go_to_the_question_that_each_names(message: str, no_because: dict) -> None:
    wanted = {EXERCISE.interrupt_id: APPROVE, HR.interrupt_id: REJECT | no_because}
    assert dict(decided(await plan(message, TWO))) == wanted


async def test_a_yes_and_a_no_of_which_one_names_nothing_are_asked_about() -> None:
    found = await plan("approve the exercise plan but I don't like it", TWO)
    assert (found.kind, found.text[:14]) == ("ask_back", "One at a time,")
    found = await plan("approve the exercise plan and reject the onboarding", ONE)
    assert (found.kind, found.text[:14]) == ("ask_back", "One at a time,")


BOOL = objects(["approved"], approved={"type": "boolean"}, comment=TEXT)
ANSWER = objects(["amount"], amount={"type": "number", "minimum": 0})
WORDS = objects(["comment"], comment=TEXT)
YES_NO = objects(["answer"], answer=enum("", "ACCEPTED", "DENIED"))


@pytest.mark.parametrize(
    ("schema", "message", "decision"),
    [
        ({}, "yes", {"approved": True, "comment": "yes"}),
        ({}, "no, too late", {"approved": False, "comment": "no, too late"}),
        ({}, "make it blue", {"approved": False, "comment": "make it blue"}),
        (BOOL, "go ahead", {"approved": True}),
        (BOOL, "no, too late", {"approved": False, "comment": "too late"}),
        (YES_NO, "accept it", {"answer": "ACCEPTED"}),
        (YES_NO, "deny", {"answer": "DENIED"}),
        (ANSWER, "an amount of 250 dollars", {"amount": 250}),
        (WORDS, "paint it blue", {"comment": "paint it blue"}),
    ],
)
async def test_decisions_have_the_form_that_the_question_asks_for(schema: dict, message: str, decision: dict) -> None:
    asked = question("paint-shop", schema)
    assert decided(await plan(message, (asked,))) == [(asked.interrupt_id, decision)]


@pytest.mark.parametrize("schema", [BOOL, {}])
@pytest.mark.parametrize("message", ["yes but make it blue", "yes, I am in a hurry", "ok if it is cheap"])
async def test_a_yes_with_a_condition_is_asked_about_where_only_yes_and_no_can_be_said(
    schema: dict, message: str
) -> None:
    found = await plan(message, (question("paint-shop", schema),))
    assert (found.kind, found.text) == (
        "ask_back",
        "Is the paint-shop plan good? Please answer with approve or reject.",
    )


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("is my plan ready?", "answer"),
        ("what happens if I reject it?", "answer"),
        ("should I approve it?", "answer"),
        ("not yet", "answer"),
        ("no idea", "answer"),
        ("never mind", "answer"),
        ("my knee is fine", "answer"),
        ("the weather is good", "ask_back"),
        ("ok thanks", "answer"),
        ("ok, onboard Ana Lopez as a cook from tomorrow", "launch"),
        ("Plan my spending review for October", "ask_back"),
        ("make me a workout plan for strength, three days a week", "launch"),
        ("make an exercise plan for endurance, four days a week", "launch"),
        ("no pushups please", "ask_back"),
    ],
)
async def test_with_a_question_open_not_everything_is_a_decision(message: str, kind: str) -> None:
    assert (await plan(message)).kind == kind


async def test_a_verdict_on_what_asks_for_none_is_not_passed_to_another() -> None:
    found = await plan("approve the onboarding", ONE)
    assert found.kind == "ask_back"
    assert "Nothing waits for a decision in HR onboarding" in found.text


async def test_a_verdict_with_nothing_to_decide_is_answered_so() -> None:
    assert (await plan("yes, go ahead", ())).kind == "answer"
    said = (await Offline().answer(brief("yes, go ahead"))).value
    assert said == "Nothing waits for a decision at the moment."


async def test_reasons_keep_the_length_that_the_question_allows() -> None:
    ((_, decision),) = decided(await plan("reject it, " + "too hard " * 100))
    assert len(decision["reason"]) <= 512
