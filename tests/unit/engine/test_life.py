"""Cancels, deadlines, decisions and results: how a workflow's life can go."""

import asyncio
import time

import pytest
from langgraph.config import get_stream_writer
from langgraph.types import interrupt
from pydantic import BaseModel

from stretto.server import App
from stretto.server.domain.change import Request
from stretto.server.domain.clock import SECOND
from stretto.server.domain.errors import AlreadyDecided, InterruptNotFound, InvalidRequest, Overloaded, WorkflowEnded
from stretto.server.domain.workflow import Failure, Reason, Status
from stretto.workflow.v1.workflow_pb2 import Workflow as ResultOfAnotherShape
from tests.harness import PROJECT, app_of, engine_of, kinds_of
from tests.unit.engine.making import chain, gated, until_step


async def test_p9_a_cancel_stops_running_steps_and_starts_no_more():
    graph, gate, ran = gated()
    async with engine_of(app_of(gated=graph)) as engine:
        started = await engine.start("gated")
        await gate.entered.wait()
        await engine.workflows.cancel(PROJECT, started.workflow_id, "changed my mind")
        events = await engine.events(started.workflow_id)
        workflow = await engine.store.get(PROJECT, started.workflow_id)
    assert workflow.status is Status.CANCELLED
    assert kinds_of(events)[-2:] == ["cancel_requested", "cancelled"]
    assert events[-1].cancelled.cause == "changed my mind"
    assert ran == ["first", "waits"]


async def test_p9_a_step_that_wants_to_start_after_the_cancel_never_does():
    """The cancel lands between two steps: the commit that tells of the next start is refused."""
    ran = []

    async def first(state):
        # Durable before this step ends, and the executor has not heard of it yet.
        engine.executor.cancel = lambda *_: None
        await engine.workflows.cancel(PROJECT, started.workflow_id, "")
        return {"items": ["first"]}

    async def second(state):
        ran.append("second")
        return {}

    async with engine_of(app_of(two=chain(first=first, second=second))) as engine:
        started = await engine.start("two")
        events = await engine.events(started.workflow_id)
    assert kinds_of(events) == [
        "accepted",
        "started",
        "step_started",
        "cancel_requested",
        "step_completed",
        "cancelled",
    ]
    assert ran == []


async def test_p9_a_step_that_does_not_stop_is_abandoned_and_its_late_result_refused():
    gate = asyncio.Event()

    async def stubborn(state):
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue
        return {"items": ["late"]}

    async with engine_of(app_of(stubborn=chain(stubborn=stubborn)), cancel_grace_seconds=0.05) as engine:
        started = await engine.start("stubborn")
        await until_step(engine, started.workflow_id, "stubborn")
        await engine.workflows.cancel(PROJECT, started.workflow_id, "")
        events = await engine.events(started.workflow_id)
        gate.set()
        await engine.executor.drain(5)
        assert await engine.events(started.workflow_id) == events
        state = await engine.store.state(PROJECT, started.workflow_id, with_checkpoint=True)
    assert kinds_of(events)[-1] == "cancelled"
    assert state.workflow.result is None


async def test_a_waiting_or_queued_workflow_is_cancelled_at_once():
    async with engine_of(app_of(asks=chain(asks=lambda state: {"text": interrupt("?")}))) as engine:
        started = await engine.start("asks")
        await engine.until_status(started.workflow_id, Status.WAITING)
        cancelled = await engine.workflows.cancel(PROJECT, started.workflow_id, "")
        assert cancelled.status is Status.CANCELLED
        again = await engine.workflows.cancel(PROJECT, started.workflow_id, "")
        assert again == cancelled
        (question,) = await engine.store.interrupts(PROJECT, started.workflow_id)
        with pytest.raises(WorkflowEnded):
            await engine.decide(started.workflow_id, question.interrupt_id, "yes")


async def test_p10_an_ended_workflow_refuses_another_end():
    async with engine_of(app_of(quick=chain(quick=lambda state: {"text": "done"}))) as engine:
        workflow, _ = await engine.run("quick")
        with pytest.raises(WorkflowEnded, match="SUCCEEDED"):
            await engine.workflows.cancel(PROJECT, workflow.workflow_id, "")
        assert await engine.store.get(PROJECT, workflow.workflow_id) == workflow


async def test_p8_of_two_opposite_decisions_sent_together_one_wins():
    asked = []

    def asks(state):
        asked.append(1)
        return {"text": interrupt("?")}

    async with engine_of(app_of(asks=chain(asks=asks))) as engine:
        for _ in range(20):
            started = await engine.start("asks")
            await engine.until_status(started.workflow_id, Status.WAITING)
            (question,) = await engine.store.interrupts(PROJECT, started.workflow_id)
            decisions = [engine.decide(started.workflow_id, question.interrupt_id, word) for word in ("yes", "no")]
            outcomes = await asyncio.gather(*decisions, return_exceptions=True)
            assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyDecided", "NoneType"]
            events = await engine.events(started.workflow_id)
            assert kinds_of(events).count("interrupt_decided") == 1
            workflow = await engine.store.get(PROJECT, started.workflow_id)
            winner = "yes" if outcomes[0] is None else "no"
            assert engine.result(workflow)["text"] == winner
            await engine.decide(started.workflow_id, question.interrupt_id, winner)  # The same again is fine.
    assert len(asked) == 40
    assert AlreadyDecided.__doc__


async def test_an_unknown_interrupt_is_refused():
    async with engine_of(app_of(asks=chain(asks=lambda state: {"text": interrupt("?")}))) as engine:
        started = await engine.start("asks")
        await engine.until_status(started.workflow_id, Status.WAITING)
        with pytest.raises(InterruptNotFound):
            await engine.decide(started.workflow_id, "nonsense", "yes")


async def test_a_deadline_ends_running_waiting_and_queued_workflows_and_says_what_they_did():
    graph, _, _ = gated()
    app = app_of(gated=graph, asks=chain(asks=lambda state: {"text": interrupt("?")}))
    app.workflow("queued", chain(never=lambda state: {}))
    doing = {
        "gated": "these steps were running: waits.",
        "asks": "the workflow waited for a decision.",
        "queued": "the workflow waited for an executor.",
    }
    async with engine_of(app) as engine:
        for name, what in doing.items():
            if name == "queued":
                engine.dispatcher.executor_died(engine.executor)
            workflow, events = await engine.run(name, deadline=engine.clock.now() + SECOND // 5)
            assert workflow.status is Status.TIMED_OUT
            assert workflow.failure == Failure(Reason.DEADLINE_EXCEEDED, f"The deadline passed while {what}")
            assert kinds_of(events)[-1] == "timed_out"
            assert events[-1].timed_out.error.message == workflow.failure.message
        assert engine.dispatcher.running_count == 0
        assert engine.dispatcher.queued_count == 0


async def test_p3_a_start_is_repeated_safely_after_its_own_deadline():
    async with engine_of(app_of(quick=chain(quick=lambda state: {"text": "done"}))) as engine:
        deadline = engine.clock.now() + SECOND // 10
        request = Request("once", b"digest", engine.clock.now())
        first, _ = await engine.run("quick", deadline=deadline, request=request)
        while engine.clock.now() <= deadline:
            await asyncio.sleep(0.01)
        assert await engine.start("quick", deadline=deadline, request=request) == first
        with pytest.raises(InvalidRequest, match="deadline must lie in the future"):
            await engine.start("quick", deadline=deadline)


async def test_a_total_timeout_is_the_deadline_when_none_is_given():
    graph, _, _ = gated()
    app = App()
    app.workflow("gated", graph, total_timeout=0.1)
    async with engine_of(app) as engine:
        workflow, _ = await engine.run("gated")
    assert workflow.failure.reason is Reason.DEADLINE_EXCEEDED


async def test_a_result_that_breaks_its_contract_fails_and_the_state_stays_readable():
    app = App()
    app.workflow("wrong", chain(one=lambda state: {"text": "x"}), result=ResultOfAnotherShape, to_result=_misfit)
    async with engine_of(app) as engine:
        workflow, _ = await engine.run("wrong")
        assert workflow.failure.reason is Reason.RESULT_INVALID
        assert [violation.field for violation in workflow.failure.violations] == ["crash_count"]
        state = await engine.store.state(PROJECT, workflow.workflow_id, with_checkpoint=True)
        assert state.checkpoint is not None


def _misfit(_):
    return {"crash_count": "many"}


async def test_a_state_that_cannot_be_saved_fails_with_a_clear_reason():
    class Unknown:
        pass

    async with engine_of(app_of(odd=chain(odd=lambda state: {"text": Unknown()}))) as engine:
        workflow, _ = await engine.run("odd")
    assert workflow.status is Status.FAILED
    assert workflow.failure.reason is Reason.STATE_INVALID
    assert "Unknown" in workflow.failure.message


async def test_a_type_that_the_state_does_not_declare_is_refused_when_it_is_loaded():
    class Hidden(BaseModel):
        n: int = 1

    async def hides(state):
        return {"text": Hidden()}

    graph = chain(hides=hides, asks=lambda state: {"text": interrupt("?")})
    async with engine_of(app_of(hidden=graph)) as engine:
        started = await engine.start("hidden")
        await engine.until_status(started.workflow_id, Status.WAITING)
        (question,) = await engine.store.interrupts(PROJECT, started.workflow_id)
        await engine.decide(started.workflow_id, question.interrupt_id, "yes")
        await engine.events(started.workflow_id)
        workflow = await engine.store.get(PROJECT, started.workflow_id)
    assert workflow.failure.reason is Reason.STATE_INVALID
    assert "allowed_types" in workflow.failure.message


async def test_sessions_take_turns_and_types_keep_to_their_limit():
    order, gate, entered = [], asyncio.Event(), asyncio.Event()

    async def work(state):
        order.append(state["text"])
        entered.set()
        await gate.wait()
        return {}

    app = App()
    app.workflow("work", chain(work=work), concurrency_max=1)
    async with engine_of(app) as engine:
        greedy = [await engine.start("work", {"text": f"greedy {n}"}, session_id="greedy") for n in range(3)]
        modest = await engine.start("work", {"text": "modest"}, session_id="modest")
        await entered.wait()
        assert order == ["greedy 0"]
        gate.set()
        for workflow in (*greedy, modest):
            await engine.events(workflow.workflow_id)
    assert order.index("modest") < order.index("greedy 2")


async def test_progress_reaches_a_watcher_while_its_step_runs():
    gate = asyncio.Event()

    async def slow(state):
        get_stream_writer()({"fraction": 0.25, "message": "a quarter"})
        await gate.wait()
        return {}

    async with engine_of(app_of(slow=chain(slow=slow))) as engine:
        started = await engine.start("slow")
        began = time.monotonic()
        await engine.until(started.workflow_id, "step_progress")
        assert time.monotonic() - began < 5
        workflow = await engine.store.get(PROJECT, started.workflow_id)
        assert workflow.steps[0].fraction == 0.25
        assert (workflow.fraction, workflow.headline) == (0.25, "a quarter")
        gate.set()
        await engine.events(started.workflow_id)


async def test_a_queue_full_of_workflows_still_admits_turns():
    async with engine_of(app_of(work=chain(work=lambda _: {})), queue_max=1) as engine:
        engine.executor.stalled = True
        await engine.start("work")
        with pytest.raises(Overloaded, match="1 workflows are waiting"):
            await engine.start("work")
        engine.dispatcher.check_queue(turn=True)
