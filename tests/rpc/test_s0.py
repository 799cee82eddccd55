"""A conversation with the shipped workflows: its timeline, and six scenarios of it, over a real channel."""

import asyncio
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypedDict

import pytest
from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from stretto.orchestrator.plan import Decision, Plan
from stretto.server import App
from stretto.session.v1 import session_pb2 as protos
from stretto.workflow.v1 import workflow_service_pb2 as workflow_api
from stretto.workflows import _pace, app, exercise_planning, finance_review, hr_onboarding, troubleshooting
from stretto.workflows.troubleshooting import Sources, troubleshooting_graph
from stretto.workflows.troubleshooting.logs import LogFinding
from tests.rpc.journals import after_each, differences, told_in
from tests.rpc.talking import ByRule, launch, launched, talking

STRENGTH = exercise_planning.EXAMPLES[0][0]
SPENDING = finance_review.EXAMPLES[0][0]
HIRE = hr_onboarding.EXAMPLES[0][0]
MESSAGES = {"exercise_planning": STRENGTH, "finance_review": SPENDING, "hr_onboarding": HIRE}
PACE = "0.25"
"""A workout plan takes a second, without the time that it waits for its approval."""

READINGS = 300
WAITING = protos.NOTICE_KIND_WAITING


@pytest.fixture
def paced(monkeypatch):
    """The shipped workflows take their time."""
    monkeypatch.setenv(_pace.VARIABLE, PACE)
    _pace.pace.cache_clear()
    yield
    _pace.pace.cache_clear()


class Survey(TypedDict, total=False):
    field: str


def survey_app(*nodes: Callable[[Survey], Any], side_by_side: tuple[Callable[[Survey], Any], ...] = ()) -> App:
    """One type that nobody has heard of before: some nodes side by side, then others one after the other."""
    graph = StateGraph(Survey)
    for node in (*side_by_side, *nodes):
        graph.add_node(node)
    for node in side_by_side:
        graph.add_edge(START, node.__name__)
        graph.add_edge(node.__name__, nodes[0].__name__)
    if not side_by_side:
        graph.add_edge(START, nodes[0].__name__)
    for before, node in pairwise(nodes):
        graph.add_edge(before.__name__, node.__name__)
    app = App()
    app.workflow(
        "field_survey",
        graph,
        description="Surveys a field: walks it, counts plants and draws a map.",
        examples=[("Survey the south field", {"field": "south"}), ("Make a survey of the hill", {"field": "hill"})],
    )
    return app


def gated(gate: asyncio.Event) -> App:
    """A survey each phase of which waits at a gate."""

    async def walking_the_field(_: Survey) -> None:
        get_stream_writer()({"fraction": 0.1, "message": "Boots on"})
        await gate.wait()

    async def counting_plants(_: Survey) -> None:
        get_stream_writer()({"fraction": 0.5, "message": "One, two, three"})
        await gate.wait()

    async def drawing_the_map(_: Survey) -> None:
        get_stream_writer()({"fraction": 0.8, "message": "Pens out"})
        await gate.wait()

    return survey_app(walking_the_field, counting_plants, drawing_the_map)


def busy(stop: asyncio.Event) -> App:
    """A survey that tells of its progress without a pause, in two steps at once, until it is stopped; then it asks."""

    async def walk(part: int) -> None:
        write = get_stream_writer()
        number = 0
        while not stop.is_set():
            number += 1
            write({"fraction": 1 - 1 / (number + part), "message": f"{part}: step {number}"})
            await asyncio.sleep(0.001)

    async def walking_north(_: Survey) -> None:
        await walk(1)

    async def walking_south(_: Survey) -> None:
        await walk(2)

    async def asking(_: Survey) -> None:
        interrupt({"question": "Shall I draw the map?"})

    async def drawing_the_map(_: Survey) -> None:
        get_stream_writer()({"fraction": 0.8, "message": "Pens out"})

    return survey_app(asking, drawing_the_map, side_by_side=(walking_north, walking_south))


def tells(reply, told):
    """Whether an answer names the phases and the per cent of a state."""
    text = reply.text.replace("_", " ")
    percent = told.fraction * 100
    shares = {f"{math.floor(percent)} %", f"{round(percent)} %"}
    return all(phase.replace("_", " ") in text for phase in told.phases) and any(share in text for share in shares)


async def test_the_timeline(paced):
    async with talking(app) as talk:
        plan = await talk.say(STRENGTH)
        workflow_id = launched(plan)
        state = await talk.workflows.GetState(workflow_api.GetStateRequest(workflow_id=workflow_id))
        assert not state.workflow.HasField("ended_at")
        await talk.reached(workflow_id, "designing_plan")
        answer = await talk.say("How far is my workout plan?")
        question = await talk.noticed(workflow_id, WAITING)
        approval = await talk.say("Looks good, approve it")
        notice = await talk.done(workflow_id)
        journal = await talk.journal(workflow_id)
        events = await talk.events()

    assert answer.reply.kind == protos.TURN_KIND_ANSWER
    [reading] = answer.reply.context
    told = after_each(journal)[reading.as_of_sequence]
    assert told.phases == {"designing_plan"}
    assert 0.2 < told.fraction < 0.6
    assert tells(answer, told), answer.text
    assert approval.reply.kind == protos.TURN_KIND_DECIDE
    assert approval.reply.workflows[0].interrupt_id == question.notice.interrupt.interrupt_id
    assert notice.text.startswith("Exercise planning is done: Your strength plan is ready: 12 sessions")
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    decided, completed = (
        next(event.sequence for event in events if event.progress.WhichOneof("kind") == kind)
        for kind in ("interrupt_decided", "completed")
    )
    moments = [plan, answer, question, decided, completed, notice]
    order = [moment if isinstance(moment, int) else moment.sequence for moment in moments]
    assert order == sorted(order)
    roles = [event.message.role for event in events if event.HasField("message")]
    user, reply, notice = protos.MESSAGE_ROLE_USER, protos.MESSAGE_ROLE_ASSISTANT, protos.MESSAGE_ROLE_NOTICE
    assert roles == [user, reply, user, reply, notice, user, reply, notice]


async def test_a_launch_is_answered_while_its_workflow_has_all_its_work_before_it():
    """Asynchronous dispatch: not one of ten workflows has ended, or can, when their replies are there."""
    gate = asyncio.Event()
    async with talking(gated(gate)) as talk:
        replies = [await talk.say("Survey the north field") for _ in range(10)]
        ids = [launched(reply) for reply in replies]
        assert len(set(ids)) == 10
        session = (await talk.context(ended_max=50)).session
        assert (session.workflow_count, session.active_workflow_count) == (10, 10)
        gate.set()
        for workflow_id in ids:
            await talk.done(workflow_id)


async def test_each_reading_is_what_the_journals_say_at_its_sequence():
    """Atomic reading: of all workflows of a session at one moment, while they change as fast as they can."""
    stop, readings, answers = asyncio.Event(), [], []
    async with talking(busy(stop)) as talk:
        ids = [await talk.start("field_survey", {}) for _ in range(3)]
        while len(readings) < READINGS:
            readings.append(await talk.context())
            if not len(readings) % 50:
                answers.append(await talk.say("How are the surveys going?"))
        stop.set()
        while readings[-1].session.pending_interrupt_count < len(ids):
            readings.append(await talk.context())
        for context in readings[-1].workflows:
            await talk.decide(context.workflow_id, context.open_interrupts[0].interrupt_id, {"approved": True})
        while readings[-1].session.active_workflow_count:
            readings.append(await talk.context())
        told = {workflow_id: after_each(await talk.journal(workflow_id)) for workflow_id in ids}
        newest = newest_after_each(await talk.events())

    moving = [context for reading in readings for context in reading.workflows if 0 < context.fraction < 1]
    assert len({(context.workflow_id, context.as_of_sequence) for context in moving}) > READINGS / 4
    for reading in readings:
        assert reading.session.last_sequence == reading.as_of_sequence
        for context in reading.workflows:
            assert not differences(told_in(context), told[context.workflow_id][context.as_of_sequence])
        seen = {context.workflow_id: context.as_of_sequence for context in reading.workflows}
        assert seen == newest[reading.as_of_sequence]
    for answer in answers:
        assert answer.reply.kind == protos.TURN_KIND_ANSWER
        for reading in answer.reply.context:
            assert tells(answer, told[reading.workflow_id][reading.as_of_sequence]), answer.text


def newest_after_each(events):
    """The newest event of each workflow that a session's journal has, before its first event and after each."""
    newest = [{}]
    for event in events:
        told = event.progress
        newest.append(newest[-1] | ({told.workflow_id: told.sequence} if told.WhichOneof("kind") else {}))
    return newest


async def test_an_answer_tells_the_present_phase_and_share_without_disturbing_the_workflow():
    """Real-time context: the same question, a different answer in each phase."""
    gate = asyncio.Event()
    async with talking(gated(gate)) as talk:
        workflow_id = launched(await talk.say("Survey the north field"))
        for phase, percent in (("walking_the_field", 10), ("counting_plants", 50), ("drawing_the_map", 80)):
            await talk.reached(workflow_id, phase, "step_progress")
            before = len(await talk.journal(workflow_id))
            answer = await talk.say("How is the survey going?")
            assert answer.reply.kind == protos.TURN_KIND_ANSWER
            assert phase.replace("_", " ") in answer.text
            assert f"{percent} %" in answer.text
            [reading] = answer.reply.context
            assert reading.as_of_sequence == before == len(await talk.journal(workflow_id))
            gate.set()
            gate.clear()
        await talk.done(workflow_id)
        answer = await talk.say("How is the survey going?")
        assert "done" in answer.text


async def test_workflows_of_one_session_run_side_by_side_without_touching_each_other(paced):
    async with talking(app) as talk:
        ids = {name: launched(await talk.say(text)) for name, text in MESSAGES.items()}
        answer = await talk.say("How is everything going?")
        running = {reading.workflow_id for reading in answer.reply.context}
        for name in MESSAGES:
            assert name in answer.text
        for workflow_id in ids.values():
            await talk.asked(workflow_id)
        for name, words in (("finance_review", "finance review"), ("exercise_planning", "exercise plan")):
            reply = await talk.say(f"Approve the {words}")
            assert [touched.workflow_id for touched in reply.reply.workflows] == [ids[name]], reply.text
            assert (await talk.done(ids[name])).notice.workflow_type == name
        [left] = (await talk.context(ended_max=0)).workflows
        journals = {name: await talk.journal(workflow_id) for name, workflow_id in ids.items()}

    assert running == set(ids.values())
    assert left.workflow_id == ids["hr_onboarding"]
    assert len(left.open_interrupts) == 1
    for name, journal in journals.items():
        assert {event.workflow_id for event in journal} == {ids[name]}
        fractions = [told.fraction for told in after_each(journal)]
        assert fractions == sorted(fractions)
    starts = [journal[0].occurred_at.ToNanoseconds() for journal in journals.values()]
    waits = [
        next(event for event in journal if event.HasField("interrupt_raised")).occurred_at.ToNanoseconds()
        for journal in journals.values()
    ]
    assert max(starts) < min(waits)


def searched(gate: asyncio.Event) -> App:
    """Troubleshooting that has nothing but logs, which wait at a gate, and workout plans beside it."""

    async def logs(_query, job: str) -> list[LogFinding]:
        await gate.wait()
        line = "java.lang.OutOfMemoryError: Java heap space"
        return [LogFinding(job_name=job, file="etl.log", line=line, level="ERROR", count=1)]

    made = App()
    exercise_planning.register(made)
    troubleshooting.register(made, troubleshooting_graph(Sources(logs=logs), source_seconds_max=60, seconds_max=60))
    return made


async def test_a_question_starts_what_finds_the_answer_and_is_answered_about_it_meanwhile():
    gate = asyncio.Event()
    async with talking(searched(gate)) as talk:
        plan = launched(await talk.say(STRENGTH))
        await talk.asked(plan)
        started = await talk.say("Why did nightly-etl fail?")
        search = launched(started)
        await talk.reached(search, "asking/logs")
        how_far = await talk.say("How far is it?")
        again = await talk.say("Why did nightly-etl fail?")
        about_plan = await talk.say("Is my plan ready?")
        other = await talk.say("Which jobs failed last night?")
        gate.set()
        notice = await talk.done(search)
        result = await talk.say("Why did nightly-etl fail?")
        facts = {each.workflow_id: each.facts for each in (await talk.context()).workflows}

    assert [touched.workflow_type for touched in started.reply.workflows] == [troubleshooting.NAME]
    assert facts[search]["message"] == "Why did nightly-etl fail?"
    for answer in (how_far, again):
        assert answer.reply.kind == protos.TURN_KIND_ANSWER
        assert {reading.workflow_id for reading in answer.reply.context} == {plan, search}
        assert "troubleshooting: asking" in answer.text
    assert about_plan.text.startswith("exercise_planning: waiting for you")
    assert other.reply.kind != protos.TURN_KIND_LAUNCH
    assert "nightly-etl" in notice.text
    assert result.reply.kind == protos.TURN_KIND_ANSWER
    assert "memory" in result.text


async def test_a_session_neither_sees_nor_moves_what_is_anothers():
    gate = asyncio.Event()
    async with talking(gated(gate), app) as ann:
        bob = ann.other("bobs")
        survey = launched(await ann.say("Survey the secret field"))
        plan = launched(await ann.say(STRENGTH))
        question = await ann.asked(plan)
        assert (await bob.say("How is the survey going?")).text.startswith("Nothing is running in this session.")
        assert (await bob.say("Approve it")).reply.kind == protos.TURN_KIND_ANSWER
        assert (await bob.say("Cancel everything")).reply.kind != protos.TURN_KIND_CANCEL
        assert not (await bob.context()).workflows
        for reply in await bob.messages():
            assert not reply.reply.context
            assert "secret" not in reply.text
        assert {event.WhichOneof("kind") for event in await bob.events()} == {"message"}
        own = launched(await bob.say("Survey the other field"))
        assert (await bob.say("Cancel everything")).reply.kind == protos.TURN_KIND_CANCEL
        await bob.noticed(own, protos.NOTICE_KIND_CANCELLED)
        kept = {context.workflow_id: context for context in (await ann.context()).workflows}
        assert list(kept[plan].phases) == ["awaiting_approval"]
        assert [asked.interrupt_id for asked in kept[plan].open_interrupts] == [question.interrupt_id]
        assert list(kept[survey].phases) == ["walking_the_field"]
        assert own not in kept


@pytest.mark.parametrize("verb", ["decide", "cancel"])
async def test_even_a_plan_that_names_anothers_workflow_does_nothing_to_it(verb):
    """Whoever writes plans, a model that was led astray included, reaches its own session only."""
    known = {}

    async def astray(brief):
        if brief.message != "now":
            return launch("exercise_planning", goal="GOAL_STRENGTH", days_per_week=3)
        if verb == "cancel":
            return Plan(kind="cancel", cancels=(known["workflow_id"],))
        decision = Decision(interrupt_id=known["interrupt_id"], decision={"verdict": "VERDICT_APPROVE"})
        return Plan(kind="decide", decisions=(decision,))

    async with talking(app, understanding=ByRule(astray)) as ann:
        known["workflow_id"] = launched(await ann.say("a plan"))
        known["interrupt_id"] = (await ann.asked(known["workflow_id"])).interrupt_id
        before = await ann.journal(known["workflow_id"])
        reply = await ann.other("bobs").say("now")
        assert reply.reply.kind == protos.TURN_KIND_ASK_BACK
        assert not reply.reply.workflows
        assert known["workflow_id"] not in reply.text
        assert await ann.journal(known["workflow_id"]) == before
        assert (await ann.say("now")).reply.workflows[0].workflow_id == known["workflow_id"]
