"""The page for Prometheus: what is counted, under which labels, and how it comes and goes."""

import asyncio
import socket
import threading
import urllib.request
from dataclasses import replace

import pytest
from langgraph.types import RetryPolicy, interrupt
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from stretto.server import App
from stretto.server.app import prometheus
from stretto.server.app.prometheus import MetricsPage, Readings
from stretto.server.domain.change import Publication
from stretto.server.domain.errors import CannotListen
from stretto.server.domain.event import Event, StepCompleted, StoredEvent
from stretto.server.domain.payload import STRUCT, Payload
from stretto.server.domain.session import (
    TURN,
    EntryKind,
    Session,
    SessionPublication,
    StoredSessionEvent,
)
from stretto.server.domain.workflow import Status, Workflow
from stretto.server.rpc.events import encode_event
from tests.harness import app_of, engine_of
from tests.unit.engine.making import chain

NOW = Readings(workflows_running=3, workflows_queued=2, executors_alive=1, watchers=4, store_healthy=True)


class Tells:
    """Stands for a store: takes listeners, and tells them what a test wants them to hear."""

    def __init__(self):
        self.workflows, self.sessions = [], []

    def on_publication(self, listener):
        self.workflows.append(listener)

    def on_session_publication(self, listener):
        self.sessions.append(listener)

    def publish(self, *publications):
        for listener in self.workflows:
            listener(publications)

    def publish_session(self, *kinds):
        entries = tuple(StoredSessionEvent(n, kind, b"") for n, kind in enumerate(kinds, start=1))
        for listener in self.sessions:
            listener([SessionPublication(Session(project="p", session_id="s", created_at=1, updated_at=1), entries)])


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Pages:
    """Opens pages on free ports and closes them again."""

    def __init__(self):
        self.made = []

    def __call__(self, store, types=(), read=lambda: NOW):
        self.port = free_port()
        self.made.append(MetricsPage("127.0.0.1", self.port, store=store, types=types, read=read))
        return self.made[-1]

    async def read(self):
        """All samples by name and labels."""
        text = await asyncio.to_thread(fetch, self.port)
        return {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


def fetch(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


def servers_running():
    """How many threads wait for readers."""
    return sum("serve_forever" in thread.name for thread in threading.enumerate())


@pytest.fixture
async def pages():
    made = Pages()
    yield made
    for page in made.made:
        await page.close()


def a_workflow(name="pays", **fields):
    return Workflow(
        **{
            "project": "p",
            "workflow_id": "wf_1",
            "workflow_type": name,
            "type_version": "1",
            "status": Status.RUNNING,
            "request_id": "r",
            "input": Payload(STRUCT, b""),
            "created_at": 1_000_000,
            "updated_at": 1_000_000,
            **fields,
        }
    )


def completed(workflow, step, sequence=2):
    body = encode_event(workflow.workflow_id, Event(1, StepCompleted(20_000, None), step, "s1", 1))
    return Publication(workflow, (StoredEvent(sequence, body),))


async def test_what_workflows_do_is_counted_by_type_and_step(pages):
    tries = []

    def stumbles(state):
        tries.append("try")
        if len(tries) == 1:
            raise ValueError("once")
        return {}

    def breaks(state):
        raise ValueError("for good")

    app = App()
    policy = RetryPolicy(max_attempts=2, initial_interval=0.001, jitter=False, retry_on=ValueError)
    app.workflow("pays", chain(stumbles=stumbles, fine=lambda state: {}), retry=policy)
    app.workflow("breaks", chain(breaks=breaks))
    app.workflow("asks", chain(asks=lambda state: {"text": interrupt("?")}))
    async with engine_of(app) as engine:
        pages(engine.store, list(engine.catalog))
        paid, events = await engine.run("pays")
        broken, more = await engine.run("breaks")
        asks = await engine.start("asks")
        await engine.until_status(asks.workflow_id, Status.WAITING)
        samples = await pages.read()
        journal = await engine.store.events("default", asks.workflow_id, 0, 100)
    assert samples["stretto_workflows_started_total", "pays"] == 1
    assert samples["stretto_workflows_ended_total", "SUCCEEDED", "pays"] == 1
    assert samples["stretto_workflows_ended_total", "FAILED", "breaks"] == 1
    assert samples["stretto_workflows_ended_total", "TIMED_OUT", "asks"] == 0
    assert samples["stretto_workflow_run_seconds_sum", "pays"] == paid.ran_for / 1e6
    assert samples["stretto_workflow_queue_seconds_sum", "breaks"] == broken.queued_for / 1e6
    assert samples["stretto_workflow_wait_seconds_count", "pays"] == 1
    assert ("stretto_workflow_run_seconds_count", "asks") not in samples
    assert samples["stretto_step_seconds_count", "pays", "stumbles"] == 1
    assert samples["stretto_step_seconds_count", "breaks", "breaks"] == 1
    assert samples["stretto_step_retries_total", "pays", "stumbles"] == 1
    assert samples["stretto_step_failures_total", "breaks", "breaks"] == 1
    assert samples["stretto_events_total",] == len(events) + len(more) + len(journal)


async def test_labels_are_those_that_the_server_knows_and_nothing_that_somebody_may_make_up(pages):
    store = Tells()
    async with engine_of(app_of(pays=chain(pay=lambda state: {}))) as engine:
        pages(store, list(engine.catalog))
    for name in range(50):
        store.publish(
            completed(a_workflow(f"made up {name}"), "pay"), completed(a_workflow(), f"made up {name}", sequence=9)
        )
    store.publish(completed(a_workflow(), "pay"))
    samples = await pages.read()
    assert samples["stretto_step_seconds_count", "other", "other"] == 50
    assert samples["stretto_step_seconds_count", "other", "pays"] == 50
    assert samples["stretto_step_seconds_count", "pay", "pays"] == 1
    assert not [sample for sample in samples if "made up" in str(sample)]


async def test_turns_are_messages_and_replies_and_no_workflows(pages):
    store = Tells()
    pages(store)
    turn = a_workflow(TURN)
    before = await pages.read()
    store.publish(completed(turn, "understand", sequence=1))
    store.publish(completed(replace(turn, status=Status.SUCCEEDED, ended_at=1_300_000), "understand"))
    store.publish_session(EntryKind.MESSAGE, EntryKind.NOTICE, EntryKind.PROGRESS, EntryKind.NOTICE)
    samples = await pages.read()
    assert samples["stretto_messages_total", "user"] == 1
    assert samples["stretto_messages_total", "assistant"] == 1
    assert samples["stretto_messages_total", "notice"] == 2
    assert samples["stretto_reply_seconds_sum",] == 0.3
    ours = {name for name in samples if name[0].startswith(("stretto_workflow", "stretto_step", "stretto_events"))}
    assert {name: samples[name] for name in ours} == {name: before[name] for name in ours}


async def test_a_change_that_tells_of_nothing_counts_as_nothing(pages):
    store = Tells()
    pages(store)
    store.publish(Publication(a_workflow("pays", status=Status.FAILED, retried_as="wf_2"), ()))
    samples = await pages.read()
    assert ("stretto_workflows_ended_total", "FAILED", "other") not in samples


async def test_gauges_are_read_on_the_loop_when_somebody_looks(pages):
    threads = []

    def read():
        threads.append(threading.current_thread())
        return NOW

    pages(Tells(), read=read)
    samples = await pages.read()
    assert samples["stretto_workflows_running",] == 3
    assert samples["stretto_workflows_queued",] == 2
    assert samples["stretto_executors_alive",] == 1
    assert samples["stretto_watchers",] == 4
    assert samples["stretto_store_healthy",] == 1
    assert threads == [threading.current_thread()]


async def test_a_silent_loop_costs_the_gauges_only(pages, monkeypatch):
    monkeypatch.setattr(prometheus, "READ_SECONDS_MAX", 0.05)
    pages(Tells())
    with capture_logs() as logs:
        read = threading.Thread(target=lambda: texts.append(fetch(pages.port)))
        texts = []
        read.start()
        read.join()  # The loop stands still meanwhile.
    assert "stretto_events_total" in texts[0]
    assert "stretto_store_healthy" not in texts[0]
    assert [line["event"] for line in logs] == ["metrics_not_read"]


async def test_a_port_in_use_is_told_in_a_line(pages):
    pages(Tells())
    with pytest.raises(CannotListen, match=rf"127\.0\.0\.1:{pages.port}: Address already in use; .* --metrics-port"):
        MetricsPage("127.0.0.1", pages.port, store=Tells(), types=(), read=lambda: NOW)
    with pytest.raises(CannotListen, match=r"Cannot serve metrics on no\.such\.host\.invalid:1"):
        MetricsPage("no.such.host.invalid", 1, store=Tells(), types=(), read=lambda: NOW)


async def test_a_closed_page_leaves_no_thread_and_no_port(pages):
    page = pages(Tells())
    await pages.read()
    assert servers_running() == 1
    await page.close()
    pages.made.clear()
    with pytest.raises(OSError, match="refused"):
        fetch(pages.port)
    assert servers_running() == 0
