"""Keeps as many executors alive as there should be."""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import structlog

from stretto.server.app.background import Background, side_by_side
from stretto.server.domain.errors import Misconfigured, RegistrationError
from stretto.server.domain.settings import Settings
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.engine.desk import Desk
from stretto.server.engine.ledger import Ledger
from stretto.server.engine.process import ExecutorProcess
from stretto.server.engine.runner import Runner

_log = structlog.get_logger(__name__)

RESTART_SECONDS_MIN = 1.0
"""Pause after the first failure to start an executor again; it doubles with every further one."""

RESTART_SECONDS_MAX = 30.0
"""Longest pause before an executor that cannot be started is tried again."""


class Supervisor:
    """Starts the executors, gives them to the dispatcher, and replaces each one that dies by exactly one."""

    def __init__(
        self,
        settings: Settings,
        targets: Sequence[str],
        ledger: Ledger,
        changed: Callable[[], None],
        *,
        count: int,
        desk: Desk | None = None,
    ) -> None:
        self._settings = settings
        self._count = count
        self._desk = desk
        self._targets = targets
        self._ledger = ledger
        self._changed = changed
        self._dispatcher: Runner | None = None
        self._executors: set[ExecutorProcess] = set()
        self._types: dict[str, str] = {}
        self._background = Background()
        self._closing = False

    @property
    def alive_count(self) -> int:
        """How many executors can be given work now."""
        return len(self._executors)

    @property
    def type_names(self) -> frozenset[str]:
        """Names of the workflow types that the executors run."""
        return self._chosen(self._types) if self._count else frozenset()

    async def start(self) -> tuple[WorkflowType, ...]:
        """Start all executors side by side; the workflow types that they can run, for they load the same graphs.

        Of none at all, one is started to learn the types.
        """
        started = await side_by_side(self._start_executor() for _ in range(max(1, self._count)))
        executor, types = started[0]
        self._types = _versions(types)
        if not self._count:
            self._executors.clear()
            await executor.close()
        return types

    def _chosen(self, names: Iterable[str]) -> frozenset[str]:
        """Those of the types that are to run here, or Misconfigured when one that was chosen is not there."""
        known, chosen = frozenset(names), frozenset(self._settings.types)
        if unknown := sorted(chosen - known):
            there = ", ".join(sorted(known)) or "none"
            raise Misconfigured(
                f"--types names {', '.join(unknown)}, which these apps do not have; there are: {there}."
            )
        return chosen or known

    def give_to(self, dispatcher: Runner) -> None:
        """Let the dispatcher have the executors that there are and all that will come; one of them speaks for all."""
        self._dispatcher = dispatcher
        for executor in self._executors:
            dispatcher.executor_joined(executor)
        for executor in islice(self._executors, 1):
            executor.speak()

    def retire(self) -> None:
        """Replace no executor any more."""
        self._closing = True

    async def close(self) -> None:
        """End all executors."""
        self._closing = True
        await self._background.close()
        await asyncio.gather(*(executor.close() for executor in self._executors))

    async def _start_executor(self) -> tuple[ExecutorProcess, tuple[WorkflowType, ...]]:
        """A new executor, which has loaded the graphs, and what it can run."""
        settings = self._settings
        executor = ExecutorProcess(
            self._ledger,
            self._on_run_ended,
            lambda: self._on_death(executor),
            desk=self._desk,
            environment=_environment(settings),
            stall_seconds_max=settings.executor_stall_seconds_max,
        )
        try:
            types = await executor.start(self._targets)
            executor.type_names = self._chosen(info.name for info in types)
        except BaseException:
            await executor.close()
            raise
        self._executors.add(executor)
        return executor, types

    def _on_run_ended(self, project: str, workflow_id: str, epoch: int, told: bool) -> None:  # noqa: FBT001 - as Ended says
        if self._dispatcher is not None:
            self._dispatcher.run_ended(project, workflow_id, epoch, told)

    def _on_death(self, executor: ExecutorProcess) -> None:
        """Take back what a dead executor was running, and start another one the first time that it is told."""
        if self._closing:
            return
        known = executor in self._executors
        self._executors.discard(executor)
        if self._dispatcher is not None:
            self._dispatcher.executor_died(executor)
        if known:
            _log.error("executor_died", pid=executor.pid)
            self._changed()
            self._background.spawn(self._replace(executor))

    async def _replace(self, dead: ExecutorProcess) -> None:
        """Start one executor for a dead one, however often that takes."""
        await dead.close()
        failures = 0
        while not self._closing:
            try:
                executor, types = await self._start_executor()
            except Exception as error:  # noqa: BLE001 - whatever it was, a server without executors is worse.
                failures += 1
                await self._pause(error, failures)
            else:
                self._welcome(executor, types)
                return

    async def _pause(self, error: Exception, failures: int) -> None:
        """Wait for longer after each failure, and not for as long as the other replacements do."""
        longest = min(RESTART_SECONDS_MAX, RESTART_SECONDS_MIN * 2 ** min(failures - 1, 30))
        pause = random.uniform(longest / 2, longest)  # noqa: S311 - nothing to guess here.
        known = isinstance(error, RegistrationError)
        _log.error(
            "executor_not_restarted",
            reason=str(error) or type(error).__name__,
            next_try_seconds=round(pause, 1),
            exc_info=None if known else error,
        )
        await asyncio.sleep(pause)

    def _welcome(self, executor: ExecutorProcess, types: tuple[WorkflowType, ...]) -> None:
        """Put a replacement to work, and warn when its code is not what the server was started with."""
        versions = _versions(types)
        if versions != self._types:
            _log.warning(
                "executor_has_other_graphs",
                pid=executor.pid,
                missing=_without(self._types, versions),
                unknown=_without(versions, self._types),
                advice="The code changed under the running server; restart it.",
            )
        _log.info("executor_restarted", pid=executor.pid)
        if self._dispatcher is not None:
            self._dispatcher.executor_joined(executor)
        self._changed()


def _versions(types: Iterable[WorkflowType]) -> dict[str, str]:
    return {workflow_type.name: workflow_type.version for workflow_type in types}


def _without(types: dict[str, str], others: dict[str, str]) -> list[str]:
    """The types, each with its version, that the others do not have."""
    return sorted(f"{name} {version}" for name, version in types.items() if others.get(name) != version)


def _environment(settings: Settings) -> dict[str, str]:
    """What an executor needs of the settings: it reads its environment only, and they may have been given as flags."""
    return {
        "STRETTO_LOG_LEVEL": settings.log_level,
        "STRETTO_LOG_FORMAT": settings.log_format,
        "STRETTO_TURN_SECONDS_MAX": str(settings.turn_seconds_max),
        "STRETTO_MODEL": settings.model,
        "STRETTO_MODEL_URL": settings.model_url,
        "STRETTO_MODEL_SECONDS_MAX": str(settings.model_seconds_max),
        "STRETTO_MODEL_ATTEMPTS_MAX": str(settings.model_attempts_max),
        "STRETTO_PACE": str(settings.pace),
    }
