"""Approvals in a conversation with the shipped workflows: by chat and by RPC, by one and by several."""

import asyncio

import grpc
import pytest

from stretto.exercise.v1 import exercise_plan_pb2 as exercise
from stretto.orchestrator.plan import Decision, Plan
from stretto.session.v1 import session_pb2 as protos
from stretto.workflows import app, exercise_planning, finance_review
from tests.rpc.conftest import refusal_of
from tests.rpc.talking import ByRule, launch, launched, talking

STRENGTH = exercise_planning.EXAMPLES[0][0]
SPENDING = finance_review.EXAMPLES[0][0]
APPROVE = exercise.ExerciseDecision(verdict=exercise.VERDICT_APPROVE)
REJECT = exercise.ExerciseDecision(verdict=exercise.VERDICT_REJECT, reason="too much work")
FEWER = exercise.ExerciseDecision(verdict=exercise.VERDICT_EDIT, reason="fewer days", days_per_week=2)


def plan_of(journal):
    """The plan that a workflow has ended with."""
    plan = exercise.ExercisePlan()
    assert journal[-1].completed.result.Unpack(plan)
    return plan


def starts_of(journal):
    return [event.step for event in journal if event.HasField("step_started")]


BY_CHAT = {"approve": "Yes, approve it", "reject": "No, reject it, too much work", "edit": "Make it 2 days per week"}
BY_RPC = {"approve": APPROVE, "reject": REJECT, "edit": FEWER}


@pytest.mark.parametrize("way", ["chat", "rpc"])
@pytest.mark.parametrize("verdict", ["approve", "reject", "edit"])
async def test_a_decision_goes_on_at_the_right_place(verdict, way):
    async with talking(app) as talk:
        workflow_id = launched(await talk.say(STRENGTH))
        question = await talk.asked(workflow_id)
        if way == "chat":
            reply = await talk.say(BY_CHAT[verdict])
            assert reply.reply.kind == protos.TURN_KIND_DECIDE, reply.text
            [touched] = reply.reply.workflows
            assert (touched.workflow_id, touched.interrupt_id) == (workflow_id, question.interrupt_id)
            assert touched.kind == protos.TOUCH_KIND_DECIDED
        else:
            await talk.decide(workflow_id, question.interrupt_id, BY_RPC[verdict])
        if verdict == "edit":
            again = await talk.asked(workflow_id, besides=question.interrupt_id)
            assert (await talk.say("Approve it")).reply.workflows[0].interrupt_id == again.interrupt_id
        await talk.done(workflow_id)
        journal = await talk.journal(workflow_id)

    plan, steps = plan_of(journal), starts_of(journal)
    assert steps[:4] == ["analyzing_requirements", "designing_plan", "checking_safety", "awaiting_approval"]
    assert steps.count("analyzing_requirements") == 1
    assert steps[-2:] == ["awaiting_approval", "finishing"]
    assert steps.count("designing_plan") == (2 if verdict == "edit" else 1)
    assert plan.sessions == {"approve": 12, "reject": 0, "edit": 8}[verdict]
    assert plan.outcome == (exercise.OUTCOME_REJECTED if verdict == "reject" else exercise.OUTCOME_APPROVED)
    if verdict == "reject":
        assert "too much work" in plan.reason


async def test_with_several_open_questions_it_asks_which_one_is_meant():
    async with talking(app) as talk:
        plan, review = launched(await talk.say(STRENGTH)), launched(await talk.say(SPENDING))
        await talk.asked(plan)
        question = await talk.asked(review)
        unclear = await talk.say("Yes, approve")
        assert unclear.reply.kind == protos.TURN_KIND_ASK_BACK
        assert not unclear.reply.workflows
        assert "exercise planning" in unclear.text
        assert "finance review" in unclear.text
        clear = await talk.say("The finance review")
        assert clear.reply.kind == protos.TURN_KIND_DECIDE
        assert [touched.interrupt_id for touched in clear.reply.workflows] == [question.interrupt_id]
        await talk.done(review)
        [left] = (await talk.context(ended_max=0)).workflows
        assert left.workflow_id == plan
        assert len(left.open_interrupts) == 1


async def test_all_open_questions_can_be_meant():
    async with talking(app) as talk:
        plan, review = launched(await talk.say(STRENGTH)), launched(await talk.say(SPENDING))
        await talk.asked(plan)
        await talk.asked(review)
        both = await talk.say("Approve both")
        assert {touched.workflow_id for touched in both.reply.workflows} == {plan, review}
        await talk.done(plan)
        await talk.done(review)


async def test_the_same_decision_again_changes_nothing_and_another_one_learns_which_one_won():
    async with talking(app) as talk:
        workflow_id = launched(await talk.say(STRENGTH))
        question = await talk.asked(workflow_id)
        first = await talk.decide(workflow_id, question.interrupt_id, REJECT)
        await talk.done(workflow_id)
        journal = await talk.journal(workflow_id)
        again = await talk.decide(workflow_id, question.interrupt_id, REJECT)
        assert again.interrupt.decision == first.interrupt.decision
        with pytest.raises(grpc.aio.AioRpcError) as lost:
            await talk.decide(workflow_id, question.interrupt_id, APPROVE)
        refusal = refusal_of(lost.value)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ALREADY_DECIDED")
        assert refusal.metadata["interrupt_id"] == question.interrupt_id
        assert refusal.metadata["decided_at"] == str(first.interrupt.decided_at.ToMicroseconds())
        late = await talk.say("Approve it")
        assert late.reply.kind == protos.TURN_KIND_ANSWER
        assert "Nothing waits for a decision" in late.text
        assert await talk.journal(workflow_id) == journal
        assert sum(event.HasField("interrupt_decided") for event in journal) == 1


@pytest.mark.parametrize(
    ("theirs", "kind", "words"),
    [
        (APPROVE, protos.TURN_KIND_DECIDE, "Approved: exercise planning goes on."),
        (REJECT, protos.TURN_KIND_ASK_BACK, "it has been rejected already."),
        (FEWER, protos.TURN_KIND_ASK_BACK, "it has been changed already."),
    ],
    ids=["the same", "a rejection", "an edit"],
)
async def test_who_decides_in_chat_after_somebody_else_is_told_which_decision_won(theirs, kind, words):
    """The other one decides after the message was understood, and before that is acted upon."""
    understood, decided = asyncio.Event(), asyncio.Event()

    async def rule(brief):
        if brief.message != "approve":
            return launch("exercise_planning", goal="GOAL_STRENGTH", days_per_week=3)
        understood.set()
        await decided.wait()
        made = Decision(interrupt_id=brief.questions[0].interrupt_id, decision={"verdict": "VERDICT_APPROVE"})
        return Plan(kind="decide", decisions=(made,))

    async with talking(app, understanding=ByRule(rule)) as talk:
        workflow_id = launched(await talk.say("a plan"))
        question = await talk.asked(workflow_id)
        mine = asyncio.create_task(talk.say("approve"))
        await understood.wait()
        await talk.decide(workflow_id, question.interrupt_id, theirs)
        decided.set()
        reply = await mine
        assert reply.text.endswith(words)
        assert reply.reply.kind == kind
        journal = await talk.journal(workflow_id)
        decisions = [event.interrupt_decided.interrupt for event in journal if event.HasField("interrupt_decided")]
        assert [asked.interrupt_id for asked in decisions] == [question.interrupt_id]
        assert decisions[0].decision.value == theirs.SerializeToString(deterministic=True)
