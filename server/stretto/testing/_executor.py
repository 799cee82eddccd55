"""An executor on the test's own loop, in the place of those in processes of their own."""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from stretto.server.domain.clock import Clock
from stretto.server.domain.payload import JsonValue
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.engine.desk import Desk, TurnName
from stretto.server.engine.executor import Executor, Graphs
from stretto.server.engine.ledger import Assignment, Ledger
from stretto.server.engine.registration import Declaration
from stretto.server.engine.runner import Runner
from stretto.server.engine.selfcheck import check_langgraph
from stretto.server.rpc.contracts import Contracts
from stretto.testing._instant import call_instantly, instant, teach_langgraph

CLOSE_SECONDS_MAX = 2.0
"""Time that steps have to take their cancellation; one that swallows it must not hold up the test's end."""

_log = structlog.get_logger(__name__)


class LocalExecutor:
    """What a dispatcher asks of an executor, answered by one on this loop."""

    stalled = False

    def __init__(self, executor: Executor, *, instant_retries: bool = False) -> None:
        self._executor = executor
        self.type_names = executor.type_names
        self._instant_retries = instant_retries

    def assign(self, assignment: Assignment) -> None:
        """Begin to run a claimed workflow."""
        if self._instant_retries:
            call_instantly(self._executor.assign, assignment)
        else:
            self._executor.assign(assignment)

    def cancel(self, workflow_id: str, epoch: int) -> None:
        """Stop a workflow whose cancel was accepted."""
        self._executor.cancel(workflow_id, epoch)

    def disown(self, workflow_id: str, epoch: int) -> None:
        """Stop a workflow that somebody else owns now."""
        self._executor.disown(workflow_id, epoch)

    async def drain(self, seconds: float) -> None:
        """Hand all workflows back between two steps; give up after that time."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._executor.drain(), seconds)

    async def close(self) -> None:
        """Cut off the workflows that still run."""
        try:
            await asyncio.wait_for(self._executor.close(), CLOSE_SECONDS_MAX)
        except TimeoutError:
            _log.warning("steps_go_on", reason="They swallowed their cancellation.", seconds=CLOSE_SECONDS_MAX)


class _Apart:
    """A desk that answers as if it were in another process: what the turn's graph has in its context stays there.

    LangGraph would take a workflow that a turn launches for a part of the turn.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._context = contextvars.copy_context()

    async def ask(self, turn: TurnName, verb: str, body: JsonValue) -> JsonValue:
        """Do what the verb says."""
        return await asyncio.create_task(self._answer(turn, verb, body), context=self._context.copy())

    async def _answer(self, turn: TurnName, verb: str, body: JsonValue) -> JsonValue:
        return await self._desk.ask(turn, verb, body)


class LocalExecutors:
    """One local executor, made of declarations, where a server has a supervisor of many."""

    alive_count = 1
    type_names: frozenset[str] = frozenset()

    def __init__(
        self,
        declarations: Sequence[Declaration],
        clock: Clock,
        ledger: Ledger,
        changed: Callable[[], None],  # noqa: ARG002 - It lives as long as its server.
        desk: Desk,
        *,
        instant_retries: bool,
    ) -> None:
        self._declarations = declarations
        self._clock = clock
        self._ledger = ledger
        self._desk = _Apart(desk)
        self._instant_retries = instant_retries
        self._dispatcher: Runner | None = None
        self._executor: LocalExecutor | None = None

    async def start(self) -> tuple[WorkflowType, ...]:
        """Build the graphs."""
        await check_langgraph()
        graphs = Graphs(self._declarations)
        if self._instant_retries:
            teach_langgraph()
            _tell_no_pauses(graphs)
        types = tuple(registered.info for registered in graphs.by_name.values())
        self.type_names = frozenset(graphs.by_name)
        executor = Executor(graphs, self._ledger, Contracts(types), self._clock, self._on_run_ended, self._desk)
        self._executor = LocalExecutor(executor, instant_retries=self._instant_retries)
        return types

    def give_to(self, dispatcher: Runner) -> None:
        """Let the dispatcher have the executor."""
        assert self._executor is not None, "start() comes first"
        self._dispatcher = dispatcher
        dispatcher.executor_joined(self._executor)

    def retire(self) -> None:
        """Nothing to do: nobody replaces a local executor."""

    async def close(self) -> None:
        """Cut off what still runs."""
        if self._executor is not None:
            await self._executor.close()

    def _on_run_ended(self, project: str, workflow_id: str, epoch: int, told: bool) -> None:  # noqa: FBT001 - as Ended says
        if self._dispatcher is not None:
            self._dispatcher.run_ended(project, workflow_id, epoch, told)


def _tell_no_pauses(graphs: Graphs) -> None:
    """Have events say that the next attempt comes at once; the catalog goes on to describe what was declared."""
    for name, registered in graphs.by_name.items():
        policies = {path: instant(declared) for path, declared in registered.retry_policies.items()}
        graphs.by_name[name] = replace(registered, retry_policies=policies)
