"""Executors in processes of their own, so that no user code can hold up or take down the API."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from stretto.server.domain.errors import CancelAccepted, RegistrationError, StaleEpoch, StrettoError
from stretto.server.domain.payload import JsonValue
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.engine import wire
from stretto.server.engine.desk import Desk, TurnName
from stretto.server.engine.ledger import Assignment, Ledger
from stretto.server.engine.link import Link

_log = structlog.get_logger(__name__)

Run = tuple[str, str, int]
"""Project, workflow id and epoch."""

CHILD_MODULE = "stretto.server.app.executor"
START_SECONDS_MAX = 60.0
"""Longest time that an executor may take to import its graphs."""

PING_SECONDS = 2.0
"""How often an executor is asked whether its loop turns."""

STALL_SECONDS = 10.0
"""Silence after which an executor counts as stalled: a node blocks its loop, and new work would only wait."""


class ExecutorPort(Protocol):
    """What a dispatcher asks of an executor, wherever it runs."""

    stalled: bool = False
    """Whether it has not answered for so long that others should be given work first."""

    type_names: frozenset[str] = frozenset()
    """Names of the workflow types that it can run."""

    def assign(self, assignment: Assignment) -> None:
        """Begin to run a claimed workflow."""
        ...

    def cancel(self, workflow_id: str, epoch: int) -> None:
        """Stop a workflow whose cancel was accepted."""
        ...

    def disown(self, workflow_id: str, epoch: int) -> None:
        """Stop a workflow that somebody else owns now."""
        ...

    async def drain(self, seconds: float) -> None:
        """Hand all workflows back between two steps; give up after that time."""
        ...

    async def close(self) -> None:
        """End the executor; workflows that it still runs are cut off."""
        ...


class ExecutorProcess:
    """An executor process, seen from the server: answers its calls out of the ledger and tells of its end.

    Its `environment` comes on top of the server's own; `stall_seconds_max` of 0 lets it stall for ever. Only the one
    that runs turns gets a desk.
    """

    def __init__(
        self,
        ledger: Ledger,
        ended: Callable[[str, str, int, bool], None],
        died: Callable[[], None],
        *,
        desk: Desk | None = None,
        environment: Mapping[str, str] | None = None,
        stall_seconds_max: float = 0,
    ) -> None:
        self._ledger = ledger
        self._ended = ended
        self._died = died
        self._desk = desk
        self._environment = environment or {}
        self._stall_seconds_max = stall_seconds_max
        self.stalled = False
        self.type_names: frozenset[str] = frozenset()
        self._asked = False
        self._silent_seconds = 0.0
        self._watch: asyncio.Task[None] | None = None
        self._link: Link | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._hello: asyncio.Future[tuple[WorkflowType, ...]] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._started = False
        self._closing = False
        self._calls: set[asyncio.Task[None]] = set()
        self._runs: set[Run] = set()

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return self._process.pid if self._process else 0

    async def start(self, targets: Sequence[str]) -> tuple[WorkflowType, ...]:
        """Start the process and wait until it has loaded the targets; the workflow types that it can run.

        Its end is told by an exception until then, and by `died` from then on.
        """
        self._hello = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                await self._launch(targets)
                types = await self._hello
        except TimeoutError:
            raise RegistrationError(f"Loading {' '.join(targets)} took over {START_SECONDS_MAX:.0f} seconds.") from None
        finally:
            self._hello.cancel()
        if self._link is None:
            raise RegistrationError("The executor ended as soon as it had loaded its graphs.")
        self._started = True
        self.type_names = frozenset(info.name for info in types)
        self._watch = asyncio.create_task(self._keep_watch())
        return types

    async def _launch(self, targets: Sequence[str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._link = await Link.open(ours, self._on_message, self._on_lost)
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                CHILD_MODULE,
                str(theirs.fileno()),
                str(os.getpid()),
                *targets,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **self._environment, "LANGGRAPH_STRICT_MSGPACK": "true"},
                # Ctrl-C in a terminal reaches the whole group; the server alone decides what it means.
                start_new_session=False,
            )

    def speak(self) -> None:
        """Have its workflow types say in the log what they say when a server starts."""
        self._send("speak", None)

    def assign(self, assignment: Assignment) -> None:
        """Begin to run a claimed workflow, or have it taken back when the process is gone."""
        if self._link is None:
            asyncio.get_running_loop().call_soon(self._tell_death)
        else:
            workflow = assignment.workflow
            self._runs.add((workflow.project, workflow.workflow_id, workflow.epoch))
            self._link.send("assign", 0, assignment)

    def cancel(self, workflow_id: str, epoch: int) -> None:
        """Stop a workflow whose cancel was accepted."""
        self._send("cancel", (workflow_id, epoch))

    def disown(self, workflow_id: str, epoch: int) -> None:
        """Stop a workflow that somebody else owns now."""
        self._send("disown", (workflow_id, epoch))

    async def drain(self, seconds: float) -> None:
        """Hand all workflows back between two steps; give up after that time."""
        if self._link is None:
            return
        self._drained = asyncio.get_running_loop().create_future()
        self._send("drain", None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._drained

    async def close(self) -> None:
        """End the process."""
        self._closing = True
        self._stop_watching()
        if self._link is not None:
            self._link.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _send(self, kind: str, body: Any) -> None:
        if self._link is not None:
            self._link.send(kind, 0, body)

    def _on_message(self, message: wire.Message) -> None:
        match message.kind:
            case "commit" | "checkpoint" | "checkpoints" | "desk":
                task = asyncio.create_task(self._answer(message))
                self._calls.add(task)
                task.add_done_callback(self._calls.discard)
            case "ended":
                self._on_ended(*message.body)
            case "pong":
                self._on_pong()
            case "drained" if self._drained is not None and not self._drained.done():
                self._drained.set_result(None)
            case "hello" if self._hello is not None and not self._hello.done():
                self._hello.set_result(tuple(wire.described_type(fields) for fields in message.body))
            case "refused" if self._hello is not None and not self._hello.done():
                self._hello.set_exception(RegistrationError(message.body))

    async def _keep_watch(self) -> None:
        """Ask again and again whether it is there; counting turns holds no pause of the server against it."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            if self._asked:
                self._silent_seconds += PING_SECONDS
                self._judge_silence()
            else:
                self._asked = True
                self._send("ping", None)

    def _judge_silence(self) -> None:
        """Call it stalled after a while, and kill it after a longer while, so that its workflows go on elsewhere."""
        limit = self._stall_seconds_max
        if not self.stalled and self._silent_seconds >= min(STALL_SECONDS, limit or STALL_SECONDS):
            self.stalled = True
            _log.warning("executor_stalled", pid=self.pid, silent_seconds=self._silent_seconds)
        if limit and self._silent_seconds >= limit and self._process is not None:
            _log.error("executor_killed", pid=self.pid, silent_seconds=self._silent_seconds)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._stop_watching()

    def _on_pong(self) -> None:
        if self.stalled:
            _log.info("executor_answers_again", pid=self.pid, silent_seconds=self._silent_seconds)
        self.stalled = self._asked = False
        self._silent_seconds = 0.0

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()

    async def _answer(self, message: wire.Message) -> None:
        kind, answer = await self._outcome(message)
        if self._link is not None:  # It may have died in the meantime, and nobody waits for the answer any more.
            self._link.send(kind, message.call, answer)

    async def _outcome(self, message: wire.Message) -> tuple[str, Any]:
        try:
            return "answer", await self._call(message)
        except (StaleEpoch, CancelAccepted) as error:
            return "refusal", type(error).__name__
        except Exception:  # noqa: BLE001 - the edge of a call: the run learns that it was not taken, the log why.
            _log.exception("executor_call_failed", call=message.kind)
            return "refusal", StrettoError.__name__

    async def _call(self, message: wire.Message) -> Any:
        match message.kind:
            case "commit":
                await self._ledger.commit(wire.run_commit(message.body))
                return None
            case "checkpoint":
                return await self._ledger.checkpoint(*message.body)
            case "desk":
                return await self._ask_desk(*message.body)
            case _:
                return await self._ledger.checkpoints(*message.body)

    async def _ask_desk(
        self, project: str, session_id: str, turn_id: str, epoch: int, verb: str, body: JsonValue
    ) -> JsonValue:
        """Have the desk answer a turn. Only the executor of turns has one: it runs no code of users."""
        if self._desk is None:
            raise StrettoError("This executor has no desk to ask.")
        if (project, turn_id, epoch) not in self._runs:  # What it orders now would be kept for ever.
            raise StaleEpoch
        return await self._desk.ask(TurnName(project, session_id, turn_id, epoch), verb, body)

    def _on_ended(self, project: str, workflow_id: str, epoch: int, told: bool) -> None:  # noqa: FBT001 - as Ended says
        self._runs.discard((project, workflow_id, epoch))
        self._ledger.ended(project, workflow_id, epoch)
        self._ended(project, workflow_id, epoch, told)

    def _end_runs(self) -> None:
        while self._runs:
            self._ledger.ended(*self._runs.pop())

    def _on_lost(self) -> None:
        self._link = None
        # Once the calls have begun that came last: one may be the commit that starts what its run has ordered.
        asyncio.get_running_loop().call_soon(self._end_runs)
        self._stop_watching()
        if self._hello is not None and not self._hello.done():
            self._hello.set_exception(RegistrationError("The executor ended while it loaded its graphs."))
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._tell_death()

    def _tell_death(self) -> None:
        if self._started and not self._closing:
            self._died()


__all__ = ["ExecutorPort", "ExecutorProcess"]
