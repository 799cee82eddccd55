"""`serving_sync`, as somebody uses it who tests workflows without an event loop."""

import gc
import threading
import time
from datetime import timedelta

import pytest
import structlog

from stretto.client.errors import WorkflowFailed
from stretto.server import App
from stretto.server.domain.errors import RegistrationError
from stretto.testing import ManualClock, serving_sync
from tests.protos.generated.orders_pb2 import Report, ReviewDecision
from tests.rpc.small_apps import (
    PATIENT,
    State,
    add_up,
    app_of,
    ask,
    failing,
    hang,
    order,
    order_app,
    price,
    threads_of_ours,
)


@pytest.fixture(autouse=True)
def _nobody_has_set_up_logs():
    """As in a test run of a user's: other tests of ours set structlog up, and leave it so."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def test_a_server_in_a_thread_does_all_that_one_on_a_loop_does(tmp_path):
    app = order_app(ask, price)
    with serving_sync(
        app, app_of(failing(2), retry_policy=PATIENT), clock=ManualClock(), store=f"sqlite:{tmp_path}/x.db"
    ) as server:
        assert server.client.start("line", {}).result()["total"] == 1
        handle = server.client.start("order", order())
        assert server.next_interrupt(handle).step == "ask"
        server.restart()
        handle.decide(ReviewDecision(verdict=ReviewDecision.VERDICT_APPROVE))
        assert handle.result() == Report(summary="paid", total_cents=300)
        late = server.client.start("order", order(), deadline=timedelta(hours=1))
        server.next_interrupt(late)
        server.clock.advance(timedelta(hours=2))  # The deadline counts from the caller's time, which goes on.
        with pytest.raises(WorkflowFailed) as caught:
            late.result(timeout=15)
        assert caught.value.reason == "DEADLINE_EXCEEDED"
        assert server.apps[0] is app
        assert server.address.startswith("127.0.0.1:")
    assert not threads_of_ours()


def test_a_server_in_a_thread_refuses_a_graph_that_cannot_be_built_and_leaves_nothing():
    app = App()
    app.workflow("odd", object())  # type: ignore[arg-type]
    with pytest.raises(RegistrationError, match="object is no LangGraph graph"), serving_sync(app):
        raise AssertionError("it is served")
    assert not threads_of_ours()


def test_a_server_in_a_thread_leaves_at_once_when_a_test_fails_though_workflows_run(monkeypatch):
    monkeypatch.setattr("stretto.server.app.server.STREAMS_SECONDS_MAX", 60.0)

    def fails():
        with serving_sync(app_of(hang), app_of(ask, name="asks")) as server:
            server.client.start("line")
            server.next_interrupt(server.client.start("asks"))
            raise LookupError("the test's own")

    started = time.monotonic()
    with pytest.raises(LookupError, match="the test's own"):
        fails()
    assert time.monotonic() - started < 15  # The workflow would go on for ever.
    assert not threads_of_ours()


def test_a_server_in_a_thread_does_not_wait_for_ever_for_a_node_that_blocks_a_thread(caplog, monkeypatch):
    monkeypatch.setattr("stretto.testing._serving_sync.NODES_SECONDS_MAX", 0.05)
    begun, let_go = threading.Event(), threading.Event()

    def blocks(_: State) -> State:
        begun.set()
        let_go.wait(10)
        return {}

    try:
        with serving_sync(app_of(blocks)) as server:
            server.client.start("line")
            begun.wait(10)
        assert "nodes_go_on" in caplog.text
    finally:
        let_go.set()


def test_many_servers_one_after_the_other_leave_no_thread_behind():
    before = threading.active_count()
    for _ in range(10):
        with serving_sync(app_of(add_up)) as server:
            server.client.start("line").result()
    gc.collect()
    assert not threads_of_ours()
    assert threading.active_count() <= before + 2  # gRPC ends its own a moment later.
