"""Runs the workflows that it is given, many at once on one loop."""

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol

import structlog

from stretto.server.domain.change import RunCancelled, Saved, StoredCheckpoint
from stretto.server.domain.clock import Clock
from stretto.server.domain.codec import Codec
from stretto.server.domain.workflow import Workflow
from stretto.server.engine.checkpointer import Checkpointer, CheckpointLog
from stretto.server.engine.desk import Desk, TurnName
from stretto.server.engine.ledger import Assignment, Ledger
from stretto.server.engine.registration import Declaration, RegisteredGraph, build
from stretto.server.engine.run import Run
from stretto.server.engine.serializer import StateInvalid, strict_serializer

_log = structlog.get_logger(__name__)


class Ended(Protocol):
    """Is told that a run is over, and whether its end is in the store or not this executor's to write."""

    def __call__(self, project: str, workflow_id: str, epoch: int, told: bool) -> None:  # noqa: FBT001 - it travels as a list
        """A run is over."""
        ...


class Graphs:
    """The workflow types that this process can run, each with a checkpointer that finds the run it works for."""

    def __init__(self, declarations: Iterable[Declaration]) -> None:
        self.runs: dict[str, Run] = {}
        self._checkpointers: list[Checkpointer] = []
        self.by_name = {declaration.name: build(declaration, self._checkpointer) for declaration in declarations}

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop on which the graphs will run."""
        for checkpointer in self._checkpointers:
            checkpointer.bind(loop)

    def _checkpointer(self, declared: set[tuple[str, ...]] | None, allowed: tuple[type, ...]) -> Checkpointer:
        serde = strict_serializer(allowed).with_msgpack_allowlist(declared or ())
        checkpointer = Checkpointer(self._log_of, serde)
        self._checkpointers.append(checkpointer)
        return checkpointer

    def _log_of(self, thread_id: str, epoch: int) -> CheckpointLog:
        run = self.runs.get(thread_id)
        return run if run is not None and run.workflow.epoch == epoch else _NOBODY


class Executor:
    """Runs workflows until they end, pause, are stopped or handed back."""

    def __init__(
        self, graphs: Graphs, ledger: Ledger, codec: Codec, clock: Clock, ended: Ended, desk: Desk | None = None
    ) -> None:
        self._desk = desk
        self._graphs = graphs
        self._ledger = ledger
        self._codec = codec
        self._clock = clock
        self._ended = ended
        self._tasks: set[asyncio.Task[None]] = set()
        graphs.bind(asyncio.get_running_loop())

    @property
    def type_names(self) -> frozenset[str]:
        """Names of the workflow types that it can run."""
        return frozenset(self._graphs.by_name)

    def assign(self, assignment: Assignment) -> None:
        """Begin to run a workflow."""
        workflow = assignment.workflow
        registered: RegisteredGraph = self._graphs.by_name[workflow.workflow_type]
        context = self._context_of(workflow, registered.declaration)
        run = Run(assignment, registered, self._ledger, self._codec, self._clock, context)
        self._graphs.runs[workflow.workflow_id] = run
        task = asyncio.create_task(self._run(run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _context_of(self, workflow: Workflow, declaration: Declaration) -> Any:
        """LangGraph's run context: the declared one, or one of this very turn."""
        if declaration.context_of is None or self._desk is None:
            return declaration.context
        turn = TurnName(workflow.project, workflow.session_id, workflow.workflow_id, workflow.epoch)
        return declaration.context_of(turn, self._desk, self._clock)

    def cancel(self, workflow_id: str, epoch: int) -> None:
        """Stop a workflow whose cancel was accepted."""
        run = self._graphs.runs.get(workflow_id)
        if run is not None and run.workflow.epoch == epoch:
            run.stop(RunCancelled())

    def disown(self, workflow_id: str, epoch: int) -> None:
        """Stop a workflow that somebody else owns now."""
        run = self._graphs.runs.get(workflow_id)
        if run is not None and run.workflow.epoch == epoch:
            run.stop(None)

    async def drain(self) -> None:
        """Stop all runs between two steps; return when they have handed their workflows back."""
        for run in self._graphs.runs.values():
            run.drain()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Stop all runs where they are; nothing more is written of them."""
        for run in self._graphs.runs.values():
            run.stop(None)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, run: Run) -> None:
        workflow = run.workflow
        told = False
        try:
            told = await run.drive()
        except Exception:  # noqa: BLE001 - the edge of a run: a fault of ours must not take other runs down.
            _log.exception("run_broke", workflow_id=workflow.workflow_id, workflow_type=workflow.workflow_type)
        finally:
            if self._graphs.runs.get(workflow.workflow_id) is run:
                del self._graphs.runs[workflow.workflow_id]
            self._ledger.ended(workflow.project, workflow.workflow_id, workflow.epoch)
            self._ended(workflow.project, workflow.workflow_id, workflow.epoch, told)


class _Nobody:
    """The log of a thread that no run belongs to any more: a straggler of a stopped run, which may write nothing."""

    async def save(self, thread_id: str, _: Saved) -> None:
        """Refuse."""
        raise _left(thread_id)

    async def checkpoint(self, thread_id: str, *_: str) -> StoredCheckpoint | None:
        """Refuse."""
        raise _left(thread_id)

    async def checkpoints(self, thread_id: str, *_: object) -> tuple[StoredCheckpoint, ...]:
        """Refuse."""
        raise _left(thread_id)

    async def delete(self, thread_id: str) -> None:
        """Refuse."""
        raise _left(thread_id)

    def wrote(self, thread_id: str, task_id: str, writes: object) -> None:
        """Ignore: what it saves next is refused."""


def _left(thread_id: str) -> StateInvalid:
    return StateInvalid(f"{thread_id} is not run here any more.")


_NOBODY = _Nobody()
