"""Metrics of one workflow, out of its row and its journal."""

from google.protobuf.duration_pb2 import Duration

from stretto.server.domain import transitions
from stretto.server.domain.change import Change
from stretto.server.domain.event import (
    Event,
    StepCompleted,
    StepFailed,
    StepProgress,
    StepRetrying,
    StepStarted,
    TokenDelta,
)
from stretto.server.domain.payload import STRUCT, Payload
from stretto.server.domain.workflow import Failure, Reason, Status, Workflow, evolve
from stretto.server.rpc import metrics
from stretto.server.rpc.metrics import metrics_of
from stretto.server.rpc.session_events import ENCODERS
from stretto.server.store.memory import MemoryStore
from stretto.workflow.v1.workflow_pb2 import StepMetrics

CREATED = 1_000_000
BUSY = Failure(Reason.STEP_FAILED, "busy")
NEW = Workflow(
    project="p",
    workflow_id="wf_1",
    workflow_type="pays",
    type_version="1",
    status=Status.QUEUED,
    request_id="r",
    input=Payload(STRUCT, b""),
    created_at=CREATED,
    updated_at=CREATED,
)


def about(what, step, step_id="s", attempt=1):
    return Event(CREATED, what, step, step_id, attempt)


def micros(count):
    return Duration(nanos=count * 1_000)


async def store_with(*events, row=NEW):
    """A store that holds the row, with these events behind the first one."""
    store = MemoryStore(ENCODERS)
    await store.open()
    await store.create(transitions.accept(NEW))
    committed = await store.update("p", "wf_1", lambda workflow, _: (Change(workflow=row, events=events),))
    return store, committed.workflow


async def test_every_step_tells_its_attempts_and_its_time_in_the_order_of_first_starts():
    store, row = await store_with(
        about(StepStarted(), "outer"),
        about(StepStarted(), "outer/pay"),
        about(StepProgress(0.5, "half", None), "outer/pay"),
        about(StepRetrying(BUSY, CREATED), "outer/pay"),
        about(StepStarted(), "outer/pay", attempt=2),
        about(StepCompleted(70, None), "outer/pay", attempt=2),
        about(StepStarted(), "outer/pay", "s2"),
        about(TokenDelta("m", "text"), "outer/pay", "s2"),
        about(StepFailed(BUSY, 100), "outer/pay", "s2"),
        about(StepStarted(), "first by name, last to start"),
        about(StepCompleted(2_500_000, None), "outer"),
    )
    made = await metrics_of(row, store, CREATED)
    pay, outer = made.steps[1], made.steps[0]
    assert [step.step for step in made.steps] == ["outer", "outer/pay", "first by name, last to start"]
    assert pay == StepMetrics(
        step="outer/pay",
        started_count=3,
        completed_count=1,
        retry_count=1,
        failed_count=1,
        total=micros(170),
        longest=micros(100),
    )
    assert (outer.total, outer.longest) == (Duration(seconds=2, nanos=500_000_000),) * 2
    assert (made.retry_count, made.event_count) == (1, 12)


async def test_the_present_status_counts_until_now():
    row = evolve(NEW, status=Status.WAITING, queued_for=5, ran_for=6, waited_for=7, status_since=CREATED + 18)
    store, row = await store_with(row=row)
    made = await metrics_of(row, store, CREATED + 20)
    assert (made.queued_for, made.ran_for, made.waited_for) == (micros(5), micros(6), micros(9))
    ended = evolve(row, status=Status.TIMED_OUT)
    assert (await metrics_of(ended, store, CREATED + 20)).waited_for == micros(7)


async def test_a_long_journal_is_read_in_pages_and_only_as_far_as_the_row_knows(monkeypatch):
    monkeypatch.setattr(metrics, "PAGE", 3)
    store, row = await store_with(*(about(StepStarted(), "pay") for _ in range(10)))
    pages = []
    events = store.events

    async def noted(project, workflow_id, after, limit):
        pages.append((after, limit))
        return await events(project, workflow_id, after, limit)

    store.events = noted
    made = await metrics_of(evolve(row, last_sequence=8), store, CREATED)
    assert (made.steps[0].started_count, made.event_count) == (7, 8)
    assert pages == [(0, 3), (3, 3), (6, 2)]


async def test_a_journal_that_is_gone_ends_the_reading():
    store, row = await store_with()
    made = await metrics_of(evolve(row, workflow_id="wf_gone"), store, CREATED)
    assert (len(made.steps), made.event_count) == (0, 1)
