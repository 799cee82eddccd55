"""What a failure and a step's progress may say, and how much of it."""

import asyncio
import operator
import socket
from typing import Annotated, Any

import pytest
from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy, interrupt
from typing_extensions import TypedDict

from stretto.server.domain.errors import ContractViolation
from stretto.server.domain.payload import Violation
from stretto.server.domain.workflow import Failure, Reason, Status, Step
from stretto.server.engine import steps
from stretto.server.engine.steps import MESSAGE_CHARACTERS_MAX, failure_of
from tests.harness import PROJECT, app_of, as_dict, engine_of, kinds_of

HALF = "\ud800"
"""Half of a surrogate pair: a str may hold it, UTF-8 may not."""


class State(TypedDict, total=False):
    items: Annotated[list[str], operator.add]


def graph_of(**nodes: Any) -> Any:
    graph = StateGraph(State)
    for name, node in nodes.items():
        graph.add_node(name, node)
        graph.add_edge(START, name)
    return graph


async def test_half_a_surrogate_pair_in_an_error_does_not_hide_the_error(tmp_path):
    def broken(state):
        raise ValueError(f"bad {HALF}")

    async with engine_of(app_of(broken=graph_of(broken=broken)), f"sqlite:{tmp_path}/s.db") as engine:
        workflow, events = await asyncio.wait_for(engine.run("broken"), 10)
    assert (workflow.failure.message, workflow.failure.error_class) == ("bad ?", "ValueError")
    assert kinds_of(events)[-2:] == ["step_failed", "failed"]
    assert events[-2].step_failed.error.message == "bad ?"


async def test_half_a_surrogate_pair_in_a_progress_message_harms_nothing(tmp_path):
    def tells(state):
        get_stream_writer()(f"text {HALF}")
        get_stream_writer()({"message": f"dict {HALF}", HALF: HALF})
        return {}

    async with engine_of(app_of(tells=graph_of(tells=tells)), f"sqlite:{tmp_path}/s.db") as engine:
        workflow, events = await asyncio.wait_for(engine.run("tells"), 10)
    assert (workflow.status, workflow.headline) == (Status.SUCCEEDED, "dict ?")
    assert [e.step_progress.message for e in events if e.WhichOneof("kind") == "step_progress"] == ["text ?", "dict ?"]


async def test_the_newest_failed_attempt_stands_in_the_row_while_the_workflow_has_not_succeeded():
    tries = []

    def stumbles(state):
        tries.append("try")
        if len(tries) <= 2:
            raise ValueError(f"try {len(tries)}")
        return interrupt("go on?") or {}

    patient = RetryPolicy(max_attempts=3, initial_interval=0.001, jitter=False, retry_on=ValueError)
    graph = StateGraph(State)
    graph.add_node("stumbles", stumbles, retry_policy=patient)
    graph.add_edge(START, "stumbles")
    async with engine_of(app_of(stumbles=graph)) as engine:
        started = await engine.start("stumbles")
        waiting = await engine.until_status(started.workflow_id, Status.WAITING)
        assert waiting.trouble == Failure(
            Reason.STEP_FAILED, "try 2", "ValueError", "stumbles", waiting.trouble.step_id, 2
        )
        (asked,) = await engine.store.interrupts(PROJECT, started.workflow_id)
        await engine.decide(started.workflow_id, asked.interrupt_id, {})
        done = await engine.until_status(started.workflow_id, Status.SUCCEEDED)
    assert done.trouble is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no answer from /srv/data/secret.txt", "no answer from …/secret.txt"),
        ("Error:/home/u/x", "Error:…/x"),
        ("'/home/u/projects/x/f.py'", "'…/f.py'"),
        ("no such directory: /home/alice", "no such directory: …"),
        ("cannot list /Users/bob/", "cannot list …/"),
        ("mount host:/mnt/a/b", "mount host:…/b"),
        ("cannot open file:///home/u/x.txt", "cannot open …/x.txt"),
        ("cannot open sqlite:////srv/data/x.db", "cannot open …/x.db"),
        ("404 for https://example.com/a/b", "404 for https://example.com/a/b"),
        ("404 for https://example.com:8080/home/u/x", "404 for https://example.com:8080/home/u/x"),
        ("404 for http://example.com/?file=/srv/a/b", "404 for http://example.com/?file=…/b"),
        ("and/or a ratio of 1/2/3", "and/or a ratio of 1/2/3"),
    ],
)
def test_a_failure_names_no_folders_but_urls_stay_readable(text, told):
    assert failure_of(ValueError(text)).message == told


def test_a_failure_names_no_host():
    assert failure_of(OSError(f"{socket.gethostname()} is gone")).message == "… is gone"


def test_a_failure_has_the_reason_that_is_asked_for_and_the_step_that_is_given():
    assert failure_of(ValueError("x")).reason is Reason.STEP_FAILED
    failure = failure_of(RecursionError("over /a/b/c"), Step("id", "outer/inner", 3, 0), Reason.LIMIT_EXCEEDED)
    assert (failure.reason, failure.message, failure.error_class) == (
        Reason.LIMIT_EXCEEDED,
        "over …/c",
        "RecursionError",
    )
    assert (failure.step, failure.step_id, failure.attempt) == ("outer/inner", "id", 3)


def test_a_failed_contract_brings_its_violations_cleaned():
    error = ContractViolation("broken", (Violation(f"labels[{HALF}]", "not /a/b/c", "rule"),))
    failure = failure_of(error, reason=Reason.RESULT_INVALID)
    assert failure.violations == (Violation("labels[?]", "not …/c", "rule"),)


def test_a_long_message_is_cut_and_one_that_cannot_be_made_is_left_out():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    assert failure_of(ValueError("x" * 10_000_000)).message == "x" * MESSAGE_CHARACTERS_MAX
    assert (failure_of(Mute()).message, failure_of(Mute()).error_class) == ("", "Mute")


@pytest.fixture
def small_buffer(monkeypatch):
    """Floods begin at 64 events here; the test's graphs are small."""
    monkeypatch.setattr(steps, "UNDELIVERED_EVENTS_MAX", 64)


def told_by(events: list[Any], step: str) -> list[Any]:
    """The progress that a step told."""
    return [
        event.step_progress for event in events if event.WhichOneof("kind") == "step_progress" and event.step == step
    ]


async def test_a_flood_of_progress_is_joined_and_its_newest_words_are_kept(small_buffer):
    async def floods(state):
        write = get_stream_writer()
        write({"message": "first", "unit": "page"})
        for number in range(10_000):
            write({"fraction": number / 10_000})
        write("last")
        return {}

    async with engine_of(app_of(floods=graph_of(floods=floods))) as engine:
        workflow, events = await engine.run("floods")
    told = told_by(events, "floods")
    assert len(told) == 65
    assert [progress.fraction for progress in told[1:-1]] == [n / 10_000 for n in range(63)]
    assert (told[0].message, told[-1].fraction, told[-1].message) == ("first", 0.9999, "last")
    assert workflow.headline == "last"


async def test_a_joined_event_keeps_a_detail_until_a_newer_one_comes(small_buffer):
    async def floods(state):
        write = get_stream_writer()
        for number in range(1_000):
            write({"fraction": 0.5, "number": number})
        write("last")
        return {}

    async with engine_of(app_of(floods=graph_of(floods=floods))) as engine:
        _, events = await engine.run("floods")
    last = told_by(events, "floods")[-1]
    assert (as_dict(last)["detail"]["value"], last.message) == ({"number": 999}, "last")


async def test_parallel_floods_are_joined_each_to_its_own(small_buffer):
    def floods(name):
        async def node(state):
            write = get_stream_writer()
            for number in range(2_000):
                write(f"{name} {number}")
                if number % 10 == 0:
                    await asyncio.sleep(0)
            return {}

        return node

    async with engine_of(app_of(both=graph_of(left=floods("left"), right=floods("right")))) as engine:
        engine.store.update = slowed(engine.store.update)
        _, events = await engine.run("both")
    for name in ("left", "right"):
        numbers = [int(progress.message.removeprefix(f"{name} ")) for progress in told_by(events, name)]
        assert numbers == sorted(set(numbers))
        assert numbers[-1] == 1_999
        assert len(numbers) < 500


async def test_progress_that_the_store_can_take_is_never_joined():
    async def tells(state):
        write = get_stream_writer()
        for number in range(1_000):
            write(str(number))
        return {}

    async with engine_of(app_of(tells=graph_of(tells=tells))) as engine:
        _, events = await engine.run("tells")
    assert [progress.message for progress in told_by(events, "tells")] == [str(number) for number in range(1_000)]


def slowed(update: Any) -> Any:
    """The store's update, some turns of the loop later."""

    async def later(*arguments: Any) -> Any:
        for _ in range(100):
            await asyncio.sleep(0)
        return await update(*arguments)

    return later
