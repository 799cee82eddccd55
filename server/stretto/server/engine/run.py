"""One run of one workflow: drives the graph from where it stands until it ends, pauses or is stopped."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any, cast

import structlog
from langgraph._internal._constants import (
    CONF,
    CONFIG_KEY_RUNTIME,
    CONFIG_KEY_STREAM,
    CONFIG_KEY_TIMED_ATTEMPT_OBSERVER,
    INTERRUPT,
)
from langgraph.config import get_config
from langgraph.errors import GraphDrained, GraphRecursionError
from langgraph.pregel.protocol import StreamProtocol
from langgraph.runtime import RunControl, Runtime
from langgraph.types import Command

from stretto.server.domain.change import (
    RunCancelled,
    RunEnd,
    RunFailed,
    RunPaused,
    RunReleased,
    RunSucceeded,
    Saved,
    StoredCheckpoint,
)
from stretto.server.domain.clock import Clock
from stretto.server.domain.codec import Codec
from stretto.server.domain.errors import CancelAccepted, ContractViolation, LimitExceeded, StaleEpoch
from stretto.server.domain.workflow import Failure, Reason
from stretto.server.engine._plain import to_plain
from stretto.server.engine.buffer import LINGER_SECONDS, PATIENCE_SECONDS, RunBuffer
from stretto.server.engine.checkpointer import EPOCH_KEY
from stretto.server.engine.ledger import Assignment, Ledger
from stretto.server.engine.observer import Observer
from stretto.server.engine.questions import Questions
from stretto.server.engine.registration import RegisteredGraph
from stretto.server.engine.serializer import StateInvalid
from stretto.server.engine.steps import Steps, failure_of

_log = structlog.get_logger(__name__)

BREAKPOINT = "breakpoint"
"""The resume key of the interrupt that stands for a graph's own breakpoint."""


class Run:
    """Drives one claimed workflow. It is its own checkpoint log: rows go into the commit that tells of their step."""

    def __init__(
        self,
        assignment: Assignment,
        registered: RegisteredGraph,
        ledger: Ledger,
        codec: Codec,
        clock: Clock,
        context: Any = None,
    ) -> None:
        self.workflow = assignment.workflow
        self._registered = registered
        self._context = context
        self._ledger = ledger
        self._codec = codec
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._control = RunControl()
        self._task: asyncio.Task[RunEnd] | None = None
        self._stopping: RunEnd | None = None
        self._stale = False
        self._namespaces: set[str] | None = None if self.workflow.has_checkpoints else set()
        patience = PATIENCE_SECONDS if registered.declaration.reading_steps else LINGER_SECONDS
        self.buffer = RunBuffer(self.workflow, ledger, codec, clock, self._on_refusal, patience=patience)
        self._steps = Steps(self.workflow, registered, self.buffer, codec, clock)
        self._questions = Questions(assignment.interrupts, registered.info.contract, self.buffer, clock)

    def drain(self) -> None:
        """Ask the graph to stop between two steps, and hand the workflow back."""
        self._control.request_drain()

    def stop(self, end: RunEnd | None) -> None:
        """Stop the graph now. Without an end nothing more is written: somebody else owns the workflow."""
        if self._stale or (end is not None and self._stopping is not None):
            return
        self._stale = end is None
        self._stopping = end or self._stopping
        if self._task is not None:
            self._task.cancel()  # The graph only: what is told of its end is told by drive().

    async def drive(self) -> bool:
        """Run the graph and write down how that ended; says whether that is written, or not ours to write."""
        if not self._stale and self._stopping is None:
            self._task = asyncio.create_task(self._outcome(), name=self.workflow.workflow_id)
            await asyncio.wait([self._task])
        if self._stale:
            self.buffer.abandon()
            return True
        try:
            await self.buffer.end(self._end())
        except StaleEpoch:
            return True
        except Exception:  # noqa: BLE001 - the store refused even this; the dispatcher takes the workflow back.
            _log.exception("end_not_written", workflow_id=self.workflow.workflow_id)
            return False
        return True

    def _end(self) -> RunEnd:
        """How the run ended: by itself, unless it was stopped before."""
        if self._task is not None and not self._task.cancelled():
            end = self._task.result()
            return self._stopping if self._stopping and isinstance(end, RunFailed) else end
        self._steps.abandon()
        return self._stopping or RunFailed(
            Failure(Reason.STEP_CANCELLED, "The graph cancelled itself.", "CancelledError")
        )

    async def _outcome(self) -> RunEnd:
        """Run the graph to its end; what user code raises becomes a failure."""
        try:
            output = await self._stream()
        except GraphDrained:
            return RunReleased()
        except GraphRecursionError as error:
            return self._failed(error, failure_of(error, reason=Reason.LIMIT_EXCEEDED))
        except StateInvalid as error:
            return self._failed(error, failure_of(error, reason=Reason.STATE_INVALID))
        except Exception as error:  # noqa: BLE001 - user code ends here: whatever it raises is the workflow's failure.
            return self._failed(error, self._steps.failure_of(error))
        await self._notice_breakpoint()
        if self._questions.pending:
            return RunPaused()
        return self._result(output)

    async def _stream(self) -> Any:
        """Stream the graph; the last state is its output."""
        graph, config = self._registered.graph, self._config()
        payload = await self._input(config)
        output = None
        async for state in graph.astream(
            payload,
            config,
            context=self._context,
            stream_mode="values",
            output_keys=graph.output_channels,
            durability="sync",
            control=self._control,
        ):
            output = state
        return output

    def _config(self) -> Any:
        """LangGraph's config for this run.

        A stream writer in the runtime counts only when a stream stands beside it, so an idle one does. That way a
        chunk is met inside of the node that writes it, which tells whose it is; `stream_mode="custom"` does not say.
        Where there is a runtime, LangGraph takes the graph's store out of it.
        """
        observer, graph = Observer(self._steps), self._registered.graph
        config: dict[str, Any] = {
            CONF: {
                **self._identity(),
                CONFIG_KEY_STREAM: StreamProtocol(lambda _: None, set()),
                CONFIG_KEY_RUNTIME: Runtime(stream_writer=self._write, store=graph.store),
                CONFIG_KEY_TIMED_ATTEMPT_OBSERVER: observer.on_timed_attempt,
            },
            "callbacks": [observer],
        }
        if self._registered.declaration.recursion_limit:
            config["recursion_limit"] = self._registered.declaration.recursion_limit
        return config

    def _identity(self) -> dict[str, Any]:
        """What tells the checkpointer whose rows it gets."""
        return {"thread_id": self.workflow.workflow_id, EPOCH_KEY: self.workflow.epoch}

    async def _input(self, config: Any) -> Any:
        """What to give the graph: the workflow's input at first, later the decisions, or nothing."""
        workflow, declaration = self.workflow, self._registered.declaration
        edit = workflow.origin.edit if workflow.origin else None
        if not workflow.has_checkpoints:
            given = self._codec.decode(workflow.input)
            if edit is not None and isinstance(given, dict):
                given |= cast("dict[str, Any]", self._codec.decode(edit.values))
            return declaration.to_input(given) if declaration.to_input else given
        if edit is not None and workflow.origin is not None:
            newest = await self._ledger.checkpoint(workflow.project, workflow.workflow_id, "", "")
            if newest is not None and newest.checkpoint.checkpoint_id == workflow.origin.checkpoint_id:
                values = self._codec.decode(edit.values)
                await self._registered.graph.aupdate_state(config, values, as_node=edit.as_step or None)
        answers = self._questions.answers(self._codec, declaration.to_decision)
        if answers.pop(BREAKPOINT, None) is not None:
            self._questions.answered("")
        return Command(resume=answers) if answers else None

    async def _notice_breakpoint(self) -> None:
        """Make an interrupt of a stop that the graph was compiled with (`interrupt_before`, `interrupt_after`)."""
        if not self._registered.breakpoints or self._questions.pending:
            return
        config: Any = {CONF: self._identity()}
        state = await self._registered.graph.aget_state(config)
        if state.next:
            question = {BREAKPOINT: {"next_steps": list(state.next)}}
            self._questions.raise_one(BREAKPOINT, to_plain(question), "/".join(state.next))

    def _result(self, output: Any) -> RunEnd:
        """The graph's output as the contract's result."""
        to_result = self._registered.declaration.to_result
        try:
            value = to_plain(to_result(output) if to_result else output)
            return RunSucceeded(self._codec.encode(self._registered.info.contract.result_type, value))
        except ContractViolation as error:
            return self._failed(error, failure_of(error, reason=Reason.RESULT_INVALID))
        except Exception as error:  # noqa: BLE001 - to_result is user code too.
            return self._failed(error, failure_of(error))

    def _failed(self, error: Exception, failure: Failure) -> RunFailed:
        """The end of a workflow that failed. Its journal has the message; where it came from, only the log can say."""
        _log.warning(
            "workflow_failed",
            workflow_id=self.workflow.workflow_id,
            workflow_type=self.workflow.workflow_type,
            step=failure.step,
            exc_info=error,
        )
        return RunFailed(failure)

    def _write(self, chunk: Any) -> None:
        """Take what a node gave to LangGraph's stream writer, on whatever thread it did so."""
        namespace = get_config()[CONF].get("checkpoint_ns", "")
        plain = to_plain(chunk)
        if threading.get_ident() == self._thread:
            self._steps.progressed(namespace, plain)
        else:
            self._loop.call_soon_threadsafe(self._steps.progressed, namespace, plain)

    def _on_refusal(self, error: Exception) -> None:
        """Stop when the store refuses news: without a word only when somebody else owns the workflow."""
        if isinstance(error, StaleEpoch):
            self.stop(None)
        elif isinstance(error, CancelAccepted):
            self.stop(RunCancelled())
        elif isinstance(error, LimitExceeded):
            self.stop(RunFailed(failure_of(error, reason=Reason.LIMIT_EXCEEDED)))
        else:
            _log.error("commit_refused", workflow_id=self.workflow.workflow_id, reason=type(error).__name__)
            self.stop(RunFailed(Failure(Reason.STATE_INVALID, "The store did not take what the workflow wrote.")))

    # The checkpoint log of this run.

    async def save(self, thread_id: str, saved: Saved) -> None:  # noqa: ARG002 - there is one thread here
        """Keep rows for the next commit."""
        if self._namespaces is not None:
            self._namespaces.update(checkpoint.namespace for checkpoint in saved.checkpoints)
        self.buffer.save(saved)

    async def checkpoint(self, thread_id: str, namespace: str, checkpoint_id: str) -> StoredCheckpoint | None:
        """One checkpoint; asked of the store only if there can be one."""
        if self._namespaces is not None and namespace not in self._namespaces:
            return None
        await self._settle()
        return await self._ledger.checkpoint(self.workflow.project, thread_id, namespace, checkpoint_id)

    async def checkpoints(
        self, thread_id: str, namespace: str | None, limit: int, before: str
    ) -> tuple[StoredCheckpoint, ...]:
        """Checkpoints, newest first."""
        await self._settle()
        return await self._ledger.checkpoints(self.workflow.project, thread_id, namespace, limit, before)

    async def delete(self, thread_id: str) -> None:  # noqa: ARG002
        """Refuse: a workflow's checkpoints are not its graph's to delete."""
        raise StateInvalid("A graph cannot delete the checkpoints of its workflow.")

    def wrote(self, thread_id: str, task_id: str, writes: Sequence[tuple[str, Any]]) -> None:  # noqa: ARG002
        """Learn a task's outcome: questions, or what completes its step."""
        channels = {channel for channel, _ in writes}
        if INTERRUPT in channels:
            path, attempt = self._steps.place_of(task_id)
            self._questions.answered(task_id)
            for channel, value in writes:
                if channel == INTERRUPT:
                    for question in value:
                        self._questions.raise_one(question.id, to_plain(question.value), path, task_id, attempt)
        elif self._steps.recorded(task_id, channels):
            self._questions.answered(task_id)

    async def _settle(self) -> None:
        if not self.buffer.empty:
            await self.buffer.flush()
