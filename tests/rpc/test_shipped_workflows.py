"""The workflow types that ship with Stretto, over a real channel."""

from itertools import pairwise

import pytest

from stretto.client import Client, InvalidInput
from stretto.exercise.v1 import exercise_plan_pb2 as exercise
from stretto.finance.v1 import finance_review_pb2 as finance
from stretto.models import ModelUnavailable, Reason
from stretto.onboarding.v1 import onboarding_plan_pb2 as onboarding
from stretto.testing import serving
from stretto.workflows import app

pytestmark = pytest.mark.usefixtures("model")


class Model:
    """Does not answer at first, and then always."""

    def __init__(self, silences):
        self.silences = silences

    async def write(self, system, prompt):
        self.silences -= 1
        if self.silences >= 0:
            raise ModelUnavailable(Reason.SERVER_ERROR, "500")
        return "Well done so far."


def strength(**fields):
    return exercise.ExerciseRequest(**{"goal": exercise.GOAL_STRENGTH, "days_per_week": 3, **fields})


def spending(**fields):
    made = [
        finance.Transaction(date="2026-10-03", description="Groceries", amount="54.20"),
        finance.Transaction(date="2026-10-05", description="Rent", amount="950"),
        finance.Transaction(date="2026-10-09", description="Restaurant", amount="80.50"),
        finance.Transaction(date="2026-10-09", description="Restaurant", amount="80.50"),
        finance.Transaction(date="2026-10-01", description="Salary", amount="-3000"),
        finance.Transaction(date="2026-09-09", description="Restaurant", amount="60"),
    ]
    return finance.FinanceRequest(**{"transactions": made, **fields})


def ana(**fields):
    known = {"name": "Ana Lopez", "role": "backend engineer", "start_date": "2026-12-07", "manager": "Mary Jones"}
    return onboarding.OnboardingRequest(**{**known, **fields})


APPROVE = exercise.ExerciseDecision(verdict=exercise.VERDICT_APPROVE)
AGREE = finance.FinanceDecision(verdict=finance.VERDICT_APPROVE)
WELCOME = onboarding.OnboardingDecision(verdict=onboarding.VERDICT_APPROVE)
STARTS = {
    "exercise_planning": (strength(), exercise.ExercisePlan, APPROVE),
    "finance_review": (spending(), finance.FinanceReview, AGREE),
    "hr_onboarding": (ana(), onboarding.OnboardingPlan, WELCOME),
}
"""For each type an input, its result, and how it is approved."""


async def told(handle):
    """What a workflow that has ended told of its progress."""
    events = [event async for event in handle.watch()]
    assert events[-1].HasField("completed")
    return [event for event in events if event.HasField("step_progress")]


async def approved(server, name):
    """A workflow of the type that was approved at once, and its result."""
    given, result, approve = STARTS[name]
    handle = await server.client.start(name, given, result=result)
    await server.next_interrupt(handle)
    await handle.decide(approve)
    return handle, await handle.result()


@pytest.mark.parametrize("name", STARTS)
async def test_progress_names_phases_never_goes_back_and_ends_with_the_outcome(name):
    async with serving(app) as server:
        handle, result = await approved(server, name)
        progress = await told(handle)
        kind = await server.client.describe(name)
    fractions = [event.step_progress.fraction for event in progress]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert [fraction for fraction in fractions if fraction == 1] == fractions[-1:]
    assert progress[-1].step_progress.message == result.summary
    assert list(dict.fromkeys(event.step for event in progress)) == [step.step for step in kind.steps]
    for event in progress:
        details = type(STARTS[name][0]).DESCRIPTOR.file.pool.FindMessageTypeByName(kind.contract.progress_type)
        assert event.step_progress.message
        assert event.step_progress.detail.Is(details)


@pytest.mark.parametrize("name", STARTS)
async def test_a_type_says_what_it_does_with_examples(name):
    async with serving(app) as server:
        kind = await server.client.describe(name)
    assert kind.description.count(".") in (1, 2)
    assert len(kind.examples) >= 5
    given = type(STARTS[name][0])
    for example in kind.examples:
        assert example.title
        assert example.input.Is(given.DESCRIPTOR)
    assert kind.contract.decision_types.keys() <= {step.step for step in kind.steps}


@pytest.mark.parametrize("name", STARTS)
async def test_every_example_can_be_started(name):
    async with serving(app) as server:
        kind = await server.client.describe(name)
        for example in kind.examples:
            given = type(STARTS[name][0])()
            example.input.Unpack(given)
            question = await server.next_interrupt(await server.client.start(name, given))
            assert dict(question.question.struct_value)["proposal"]


@pytest.mark.parametrize("name", STARTS)
async def test_a_question_says_what_is_proposed_and_what_can_be_done(name):
    given, _, approve = STARTS[name]
    async with serving(app) as server:
        asked = await server.next_interrupt(await server.client.start(name, given))
    question = dict(asked.question.struct_value)
    assert asked.decision_type == approve.DESCRIPTOR.full_name
    assert question["question"].endswith("?")
    assert question["proposal"]
    assert list(question["options"]) == ["approve", "reject", "edit"]
    assert set(question["editable"]) <= set(approve.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize("name", STARTS)
async def test_a_model_writes_the_note_with_its_second_attempt(name, model):
    model(Model(silences=1))
    async with serving(app) as server:
        handle, result = await approved(server, name)
        events = [event async for event in handle.watch()]
    assert (result.note, result.note_source) == ("Well done so far.", exercise.NOTE_SOURCE_MODEL)
    retried = [event.step_retrying.error for event in events if event.HasField("step_retrying")]
    assert [(failure.error_class, failure.message) for failure in retried] == [
        ("ModelSilent", "The chat model has a fault at the moment.")
    ]
    shares = [event.step_progress.fraction for event in events if event.HasField("step_progress")]
    assert all(before <= after for before, after in pairwise(shares))


@pytest.mark.parametrize("name", STARTS)
async def test_a_model_that_never_answers_fails_no_workflow(name, model):
    model(Model(silences=2))
    async with serving(app) as server:
        _, result = await approved(server, name)
    assert result.note
    assert result.note_source == exercise.NOTE_SOURCE_TEMPLATE
    assert "The chat model has a fault at the moment, so the note is a standard one." in result.warnings


async def violations(client: Client, name, given):
    with pytest.raises(InvalidInput) as refusal:
        await client.start(name, given)
    return {(violation.field, violation.rule_id) for violation in refusal.value.violations}


# exercise_planning


async def test_an_exercise_plan_is_made_approved_and_typed():
    async with serving(app) as server:
        given = strength(injuries=[exercise.BODY_PART_KNEE])
        handle = await server.client.start("exercise_planning", given, result=exercise.ExercisePlan)
        await server.next_interrupt(handle)
        state = await handle.state()
        assert (
            state.workflow.headline
            == "The plan is ready for your approval: 12 sessions over 4 weeks, 40 minutes at most"
        )
        await handle.decide(APPROVE)
        plan = await handle.result()
    assert plan.outcome == exercise.OUTCOME_APPROVED
    assert plan.summary == "Your strength plan is ready: 12 sessions over 4 weeks, 40 minutes at most."
    assert (plan.sessions, plan.weeks, len(plan.schedule)) == (12, 4, 4)
    assert plan.schedule[3].deload
    assert {one.injury for one in plan.substitutions} == {exercise.BODY_PART_KNEE}
    assert plan.note.startswith("Your plan for strength has 3 sessions a week")
    assert plan.note_source == exercise.NOTE_SOURCE_TEMPLATE


async def test_an_exercise_plan_that_is_rejected_ends_with_the_reason():
    async with serving(app) as server:
        handle = await server.client.start("exercise_planning", strength(), result=exercise.ExercisePlan)
        await server.next_interrupt(handle)
        await handle.decide(exercise.ExerciseDecision(verdict=exercise.VERDICT_REJECT, reason="I prefer to swim."))
        plan = await handle.result()
    assert (plan.outcome, plan.reason) == (exercise.OUTCOME_REJECTED, "I prefer to swim.")
    assert plan.summary == "The strength plan was rejected: I prefer to swim."
    assert (plan.sessions, len(plan.schedule), plan.note) == (0, 0, "")


async def test_an_exercise_plan_is_edited_and_asked_about_again():
    edit = exercise.ExerciseDecision(
        verdict=exercise.VERDICT_EDIT, reason="My shoulder hurts too.", days_per_week=2,
        injuries=[exercise.BODY_PART_SHOULDER],
    )  # fmt: skip
    async with serving(app) as server:
        given = strength(injuries=[exercise.BODY_PART_KNEE])
        handle = await server.client.start("exercise_planning", given, result=exercise.ExercisePlan)
        first = await server.next_interrupt(handle)
        await handle.decide(edit)
        second = await server.next_interrupt(handle)
        assert second.interrupt_id != first.interrupt_id
        editable = second.question.struct_value["editable"]
        assert editable["days_per_week"] == 2
        assert list(editable["injuries"]) == ["BODY_PART_KNEE", "BODY_PART_SHOULDER"]
        await handle.decide(APPROVE)
        plan = await handle.result()
        fractions = [event.step_progress.fraction for event in await told(handle)]
    assert plan.sessions == 8
    assert fractions == sorted(fractions)


async def test_edits_come_to_an_end():
    edit = exercise.ExerciseDecision(verdict=exercise.VERDICT_EDIT, reason="Not yet.", days_per_week=4)
    async with serving(app) as server:
        handle = await server.client.start("exercise_planning", strength(), result=exercise.ExercisePlan)
        for _ in range(5):
            asked = await server.next_interrupt(handle)
            assert "edit" in list(asked.question.struct_value["options"])
            await handle.decide(edit)
        asked = await server.next_interrupt(handle)
        assert list(asked.question.struct_value["options"]) == ["approve", "reject"]
        await handle.decide(edit)
        plan = await handle.result()
    assert (plan.outcome, plan.reason) == (exercise.OUTCOME_REJECTED, "No agreement after 5 edits: Not yet.")


async def test_wrong_wishes_are_refused_by_the_names_of_their_fields():
    async with serving(app) as server:
        assert await violations(server.client, "exercise_planning", exercise.ExerciseRequest(weeks=13)) == {
            ("goal", "required"),
            ("days_per_week", "uint32.gte_lte"),
            ("weeks", "uint32.gte_lte"),
        }
        assert await violations(server.client, "exercise_planning", strength(injuries=[0], level=9)) == {
            ("injuries[0]", "enum.not_in"),
            ("level", "enum.defined_only"),
        }


@pytest.mark.parametrize(
    ("decision", "rule"),
    [
        (exercise.ExerciseDecision(), "required"),
        (exercise.ExerciseDecision(verdict=exercise.VERDICT_REJECT), "exercise_decision.reason"),
        (exercise.ExerciseDecision(verdict=exercise.VERDICT_EDIT, reason="Less!"), "exercise_decision.edit"),
        (exercise.ExerciseDecision(verdict=exercise.VERDICT_REJECT, reason="x" * 513), "string.max_len"),
    ],
)
async def test_a_wrong_decision_is_refused_and_the_question_stays_open(decision, rule):
    async with serving(app) as server:
        handle = await server.client.start("exercise_planning", strength())
        await server.next_interrupt(handle)
        with pytest.raises(InvalidInput) as refusal:
            await handle.decide(decision)
        assert rule in {violation.rule_id for violation in refusal.value.violations}
        assert (await handle.state()).pending_interrupts


# finance_review


async def test_a_finance_review_is_exact_approved_and_typed():
    async with serving(app) as server:
        handle = await server.client.start("finance_review", spending(), result=finance.FinanceReview)
        await server.next_interrupt(handle)
        state = await handle.state()
        assert state.workflow.headline == "2 proposals to save 101.00 EUR a month, for you to decide"
        await handle.decide(AGREE)
        review = await handle.result()
    assert review.outcome == finance.OUTCOME_APPROVED
    assert review.summary == "Your review of 2026-10 is ready: 1165.20 EUR spent, 101.00 EUR to save."
    assert (review.spent, review.received, review.balance) == ("1165.20", "3000.00", "1834.80")
    assert [(each.category, each.spent) for each in review.categories] == [
        ("housing", "950.00"), ("dining", "161.00"), ("groceries", "54.20"),
    ]  # fmt: skip
    assert (review.categories[1].change, review.categories[1].trend) == ("101.00", finance.TREND_RISING)
    assert [(each.month, each.spent) for each in review.months] == [("2026-09", "60.00"), ("2026-10", "1165.20")]
    assert [each.kind for each in review.anomalies] == [finance.ANOMALY_KIND_DUPLICATE]
    assert dict(review.limits) == {"dining": "60.00"}
    assert review.note.startswith("In 2026-10 you spent 1165.20 EUR.")


async def test_a_finance_review_that_is_rejected_keeps_what_was_found():
    async with serving(app) as server:
        handle = await server.client.start("finance_review", spending(), result=finance.FinanceReview)
        await server.next_interrupt(handle)
        await handle.decide(finance.FinanceDecision(verdict=finance.VERDICT_REJECT, reason="Not now."))
        review = await handle.result()
    assert (review.outcome, review.reason) == (finance.OUTCOME_REJECTED, "Not now.")
    assert review.summary == "The proposals for 2026-10 were rejected: Not now."
    assert (review.spent, len(review.savings)) == ("1165.20", 2)
    assert (dict(review.limits), review.note) == ({}, "")


async def test_a_finance_review_is_edited_and_asked_about_again():
    edit = finance.FinanceDecision(verdict=finance.VERDICT_EDIT, reason="I eat out.", limits={"dining": "150"})
    async with serving(app) as server:
        handle = await server.client.start("finance_review", spending(), result=finance.FinanceReview)
        await server.next_interrupt(handle)
        await handle.decide(edit)
        asked = await server.next_interrupt(handle)
        assert asked.question.struct_value["editable"]["limits"]["dining"] == "150.00"
        await handle.decide(
            finance.FinanceDecision(verdict=finance.VERDICT_EDIT, reason="And before?", month="2026-09")
        )
        asked = await server.next_interrupt(handle)
        assert asked.question.struct_value["editable"]["month"] == "2026-09"
        await handle.decide(AGREE)
        review = await handle.result()
        fractions = [event.step_progress.fraction for event in await told(handle)]
    assert (review.month, review.spent, dict(review.limits)) == ("2026-09", "60.00", {"dining": "150.00"})
    assert fractions == sorted(fractions)


async def test_wrong_transactions_are_refused_by_the_names_of_their_fields():
    wrong = finance.Transaction(date="2026-02-30", amount="5.555", currency="euro")
    async with serving(app) as server:
        assert await violations(server.client, "finance_review", finance.FinanceRequest()) == {
            ("transactions", "repeated.min_items")
        }
        given = finance.FinanceRequest(transactions=[wrong], month="2026-13", budget={"fun": "1"})
        assert await violations(server.client, "finance_review", given) == {
            ("transactions[0].date", "transaction.date"),
            ("transactions[0].description", "string.min_len"),
            ("transactions[0].amount", "string.pattern"),
            ("transactions[0].currency", "string.pattern"),
            ("month", "string.pattern"),
            ("budget['fun']", "string.in"),
        }


@pytest.mark.parametrize(
    ("decision", "rule"),
    [
        (finance.FinanceDecision(verdict=finance.VERDICT_REJECT), "finance_decision.reason"),
        (finance.FinanceDecision(verdict=finance.VERDICT_EDIT, reason="Less!"), "finance_decision.edit"),
    ],
)
async def test_a_wrong_decision_on_finances_is_refused(decision, rule):
    async with serving(app) as server:
        handle = await server.client.start("finance_review", spending())
        await server.next_interrupt(handle)
        with pytest.raises(InvalidInput) as refusal:
            await handle.decide(decision)
    assert {violation.rule_id for violation in refusal.value.violations} == {rule}


# hr_onboarding


async def test_an_onboarding_is_planned_approved_and_typed():
    async with serving(app) as server:
        handle = await server.client.start("hr_onboarding", ana(), result=onboarding.OnboardingPlan)
        await server.next_interrupt(handle)
        state = await handle.state()
        assert state.workflow.headline == ("The plan for Ana Lopez is ready for your approval: 18 tasks, no conflicts")
        await handle.decide(WELCOME)
        plan = await handle.result()
    assert plan.outcome == onboarding.OUTCOME_APPROVED
    assert plan.summary == "The onboarding plan for Ana Lopez is ready: 18 tasks, 10 of them before 2026-12-07."
    assert (plan.name, plan.department, plan.first_day) == (
        "Ana Lopez",
        onboarding.DEPARTMENT_ENGINEERING,
        "2026-12-07",
    )
    assert plan.task_count == len(plan.tasks) == 18
    first = plan.tasks[0]
    assert (first.key, first.due_date, first.working_days_from_start) == ("sign_contract", "2026-11-16", -15)
    assert [each.day for each in plan.milestones] == [30, 60, 90]
    assert plan.note.startswith("Dear Ana Lopez,")
    assert plan.note_source == onboarding.NOTE_SOURCE_TEMPLATE


async def test_an_onboarding_that_is_rejected_ends_with_the_reason():
    async with serving(app) as server:
        handle = await server.client.start("hr_onboarding", ana(), result=onboarding.OnboardingPlan)
        await server.next_interrupt(handle)
        await handle.decide(onboarding.OnboardingDecision(verdict=onboarding.VERDICT_REJECT, reason="She declined."))
        plan = await handle.result()
    assert (plan.outcome, plan.reason) == (onboarding.OUTCOME_REJECTED, "She declined.")
    assert plan.summary == "The onboarding plan for Ana Lopez was rejected: She declined."
    assert (plan.name, plan.task_count, len(plan.tasks), plan.note) == ("Ana Lopez", 0, 0, "")


async def test_an_onboarding_is_edited_and_asked_about_again():
    edit = onboarding.OnboardingDecision(
        verdict=onboarding.VERDICT_EDIT, reason="Later, and at home.", start_date="2026-12-12", remote=True
    )
    async with serving(app) as server:
        handle = await server.client.start("hr_onboarding", ana(), result=onboarding.OnboardingPlan)
        await server.next_interrupt(handle)
        await handle.decide(edit)
        asked = await server.next_interrupt(handle)
        assert asked.question.struct_value["editable"]["remote"] is True
        await handle.decide(WELCOME)
        plan = await handle.result()
        fractions = [event.step_progress.fraction for event in await told(handle)]
    assert plan.first_day == "2026-12-14"
    assert list(plan.conflicts) == ["The start date 2026-12-12 is a Saturday; work begins on Monday, 2026-12-14."]
    assert "ship_laptop" in {task.key for task in plan.tasks}
    assert fractions == sorted(fractions)


async def test_a_wrong_hire_is_refused_by_the_names_of_its_fields():
    async with serving(app) as server:
        given = onboarding.OnboardingRequest(start_date="2026-02-30", department=42)
        assert await violations(server.client, "hr_onboarding", given) == {
            ("name", "string.min_len"),
            ("role", "string.min_len"),
            ("start_date", "onboarding_request.start_date"),
            ("department", "enum.defined_only"),
        }


@pytest.mark.parametrize(
    ("decision", "rule"),
    [
        (onboarding.OnboardingDecision(verdict=onboarding.VERDICT_REJECT), "onboarding_decision.reason"),
        (onboarding.OnboardingDecision(verdict=onboarding.VERDICT_EDIT, reason="No!"), "onboarding_decision.edit"),
    ],
)
async def test_a_wrong_decision_on_a_hire_is_refused(decision, rule):
    async with serving(app) as server:
        handle = await server.client.start("hr_onboarding", ana())
        await server.next_interrupt(handle)
        with pytest.raises(InvalidInput) as refusal:
            await handle.decide(decision)
    assert {violation.rule_id for violation in refusal.value.violations} == {rule}
