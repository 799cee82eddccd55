"""A real executor process, seen from the server."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from stretto.server.domain.change import RunCommit
from stretto.server.domain.errors import RegistrationError
from stretto.server.domain.payload import STRUCT, Payload
from stretto.server.domain.workflow import Status, Workflow
from stretto.server.engine import process as process_module
from stretto.server.engine.desk import TurnName
from stretto.server.engine.ledger import Assignment
from stretto.server.engine.process import ExecutorProcess
from stretto.server.engine.wire import HEADER_BYTES, Message, commit_body, pack, unpack

ROOT = Path(__file__).parents[3]
TARGETS = ["tests.e2e.graphs:app"]


class Watched:
    """An executor process and the deaths that it told of."""

    def __init__(self, ledger=None, **more):
        self.deaths = asyncio.Queue()
        self.executor = ExecutorProcess(ledger, lambda *_: None, lambda: self.deaths.put_nowait("died"), **more)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.executor.close()


class Unheard:
    """The link to a process that is not there."""

    def __init__(self):
        self.sent = []

    def send(self, kind, *_):
        self.sent.append(kind)


def an_assignment(workflow_id):
    workflow = Workflow(
        project="p",
        workflow_id=workflow_id,
        workflow_type="gated",
        type_version="1",
        status=Status.RUNNING,
        request_id="r",
        input=Payload(STRUCT, b""),
        created_at=1,
        updated_at=1,
        epoch=7,
    )
    return Assignment(workflow, ())


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


async def test_an_end_while_loading_is_told_by_the_start_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("STRETTO_TEST_BROKEN", str(tmp_path))
    async with Watched() as watched:
        with pytest.raises(RegistrationError, match="ended while it loaded"):
            await watched.executor.start(TARGETS)
        assert watched.deaths.empty()


async def test_work_for_a_dead_executor_tells_of_its_death_again(monkeypatch):
    async with Watched() as watched:
        await watched.executor.start(TARGETS)
        os.kill(watched.executor.pid, signal.SIGKILL)
        assert await watched.deaths.get() == "died"
        watched.executor.assign(None)
        assert watched.deaths.empty()  # The dispatcher is in the midst of giving it work.
        assert await watched.deaths.get() == "died"
        await asyncio.wait_for(watched.executor.drain(60), 1)
    assert watched.deaths.empty()


async def test_an_answer_for_an_executor_that_died_meanwhile_is_dropped():
    class Ledger:
        async def checkpoint(self, *_):
            watched.executor._on_lost()

    watched = Watched(Ledger())
    await watched.executor._answer(Message("checkpoint", 1, ("p", "w", "", "")))


async def test_the_runs_of_an_executor_that_dies_are_over():
    ended = []

    class Ledger:
        def ended(self, *run):
            ended.append(run)

    async with Watched(Ledger()) as watched:
        await watched.executor.start(TARGETS)
        for number in (1, 2):
            watched.executor.assign(an_assignment(f"wf_{number}"))
        watched.executor._on_message(Message("ended", 0, ("p", "wf_1", 7, True)))
        assert ended == [("p", "wf_1", 7)]
        os.kill(watched.executor.pid, signal.SIGKILL)  # Before it has heard of either.
        assert await watched.deaths.get() == "died"
    assert ended == [("p", "wf_1", 7), ("p", "wf_2", 7)]


async def test_a_commit_that_came_before_the_death_of_its_executor_begins_before_the_run_is_over():
    seen = []

    class Ledger:
        async def commit(self, _):
            seen.append("commit")

        def ended(self, *_):
            seen.append("ended")
            over.set()

    over, watched = asyncio.Event(), Watched(Ledger())
    watched.executor._link = Unheard()
    watched.executor.assign(an_assignment("wf_1"))
    commit = RunCommit(project="p", workflow_id="wf_1", epoch=7, at=1)
    watched.executor._on_message(unpack(pack("commit", 1, commit_body(commit))[HEADER_BYTES:]))
    watched.executor._on_lost()
    await over.wait()
    assert seen == ["commit", "ended"]


async def test_what_a_run_orders_that_is_over_reaches_no_desk():
    class Ledger:
        def ended(self, *_):
            pass

    class Desk:
        def __init__(self):
            self.asked = []

        async def ask(self, turn, verb, _):
            self.asked.append((turn, verb))

    desk = Desk()
    watched = Watched(Ledger(), desk=desk)
    watched.executor._link = Unheard()
    watched.executor.assign(an_assignment("wf_turn"))
    asking = Message("desk", 1, ("p", "s", "wf_turn", 7, "launch", {}))
    await watched.executor._answer(asking)
    watched.executor._on_message(Message("ended", 0, ("p", "wf_turn", 7, True)))
    await watched.executor._answer(asking)
    assert desk.asked == [(TurnName("p", "s", "wf_turn", 7), "launch")]
    assert watched.executor._link.sent == ["assign", "answer", "refusal"]


async def test_an_executor_that_does_not_answer_is_stalled_until_it_answers(monkeypatch):
    monkeypatch.setattr(process_module, "PING_SECONDS", 0.02)
    monkeypatch.setattr(process_module, "STALL_SECONDS", 0.1)
    async with Watched() as watched:
        await watched.executor.start(TARGETS)
        with capture_logs() as logs:
            os.kill(watched.executor.pid, signal.SIGSTOP)
            while not watched.executor.stalled:
                await asyncio.sleep(0.01)
            os.kill(watched.executor.pid, signal.SIGCONT)
            while watched.executor.stalled:
                await asyncio.sleep(0.01)
        assert [line["event"] for line in logs[:2]] == ["executor_stalled", "executor_answers_again"]
        assert logs[0]["pid"] == watched.executor.pid


async def test_an_executor_that_stalls_for_too_long_is_killed(monkeypatch):
    monkeypatch.setattr(process_module, "PING_SECONDS", 0.02)
    monkeypatch.setattr(process_module, "STALL_SECONDS", 0.1)
    async with Watched(stall_seconds_max=0.2) as watched:
        await watched.executor.start(TARGETS)
        os.kill(watched.executor.pid, signal.SIGSTOP)
        assert await watched.deaths.get() == "died"
        assert watched.executor.stalled


async def test_a_pause_of_the_server_itself_is_not_held_against_an_executor(monkeypatch):
    monkeypatch.setattr(process_module, "PING_SECONDS", 0.05)
    monkeypatch.setattr(process_module, "STALL_SECONDS", 0.2)
    async with Watched() as watched:
        await watched.executor.start(TARGETS)
        with capture_logs() as logs:
            for _ in range(2):
                time.sleep(0.5)  # noqa: ASYNC251 - the server's own loop is what stands still here.
                await asyncio.sleep(0.06)
        assert not logs


async def test_an_executor_has_the_environment_that_it_is_given():
    async with Watched(environment={"STRETTO_LOG_LEVEL": "error"}) as watched:
        await watched.executor.start(TARGETS)
        environment = Path(f"/proc/{watched.executor.pid}/environ").read_bytes()
    assert b"STRETTO_LOG_LEVEL=error" in environment.split(b"\0")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_to_the_whole_group_leave_the_end_to_the_server(number):
    async with Watched() as watched:
        await watched.executor.start(TARGETS)
        os.kill(watched.executor.pid, number)
        async with asyncio.timeout(10):
            await watched.executor.drain(10)  # It still answers.
        assert watched.deaths.empty()
        # What a step starts must not inherit deaf ears.
        status = Path(f"/proc/{watched.executor.pid}/status").read_text()
        ignored = int(next(line for line in status.splitlines() if line.startswith("SigIgn"))[7:], 16)
        assert not ignored >> (number - 1) & 1
