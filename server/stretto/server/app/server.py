"""The server process: puts store, executors, dispatcher and gRPC together, and takes them apart again."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import platformdirs
import structlog

from stretto.server.app import memory
from stretto.server.app.care import Care
from stretto.server.domain.clock import SystemClock
from stretto.server.domain.errors import RegistrationError
from stretto.server.domain.settings import Settings
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.dispatcher import DispatchLimits, LocalDispatcher
from stretto.server.engine.journal import Journal
from stretto.server.engine.ledger import StoreLedger
from stretto.server.engine.process import ExecutorProcess
from stretto.server.engine.workflows import Workflows
from stretto.server.rpc.contracts import Contracts
from stretto.server.rpc.events import encode_event
from stretto.server.rpc.server import Limits, RpcServer
from stretto.server.store import Store, open_store

_log = structlog.get_logger(__name__)

RESTART_SECONDS_MAX = 30.0
"""Longest pause before an executor that keeps dying is started again."""

SWITCH_SECONDS = 0.000_5
"""How long a thread may keep Python's lock while another one wants it. The store's writer needs it between two
statements; with Python's own 5 ms, 64 starts at once took 50 ms next to a busy loop, and with this 8 ms."""

STREAMS_SECONDS_MAX = 5.0
"""Time that calls have to finish once the workflows are handed back."""


def default_store() -> str:
    """The store that is used when none is named: a file in the user's data folder."""
    return f"sqlite:{Path(platformdirs.user_data_dir('stretto', appauthor=False)) / 'stretto.db'}"


class Server:
    """One server with its own executors."""

    def __init__(self, settings: Settings, targets: Sequence[str]) -> None:
        self._settings = settings
        self._targets = targets
        self._clock = SystemClock()
        self.store_url = settings.store or default_store()
        self.address = ""
        self._closing = False
        self._executors: set[ExecutorProcess] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the store, load the graphs, take up what was left unfinished, and listen."""
        settings = self._settings
        self._store: Store = open_store(self.store_url, encode_event, synchronous=settings.synchronous)
        await self._store.open()
        try:
            await self._assemble()
        except BaseException:
            await self._take_apart()
            raise

    async def _assemble(self) -> None:
        settings = self._settings
        ledger = StoreLedger(self._store)
        types = await self._start_executors(ledger)
        self._catalog = Catalog(types)
        self._journal = Journal(self._store, bookmark_seconds=settings.bookmark_seconds)
        self._dispatcher = LocalDispatcher(self._store, self._catalog, self._clock, self._dispatch_limits())
        for executor in self._executors:
            self._dispatcher.executor_joined(executor)
        self._rpc = RpcServer(
            workflows=Workflows(self._store, self._catalog, self._dispatcher, self._clock),
            store=self._store,
            journal=self._journal,
            catalog=self._catalog,
            contracts=Contracts(types),
            limits=self._rpc_limits(),
            clock=self._clock,
            reflection=settings.reflection,
        )
        self._care = Care(self._store, self.store_url, settings, self._clock, self._rpc.set_serving)
        self._dispatcher.healthy = lambda: self._care.healthy
        await self._dispatcher.recover()
        self.address = await self._rpc.start(settings.listen)
        self._rpc.set_serving(serving=True)
        self._spawn(self._care.keep())

    async def stop(self) -> None:
        """Refuse new work, let steps finish, end the streams, hand everything back."""
        self._closing = True
        self._rpc.set_serving(serving=False)
        await self._dispatcher.drain(self._settings.drain_seconds_max)
        await self._rpc.drain(STREAMS_SECONDS_MAX)
        await self._take_apart()

    async def _take_apart(self) -> None:
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(executor.close() for executor in self._executors))
        await self._store.close()

    async def _start_executors(self, ledger: StoreLedger) -> tuple[WorkflowType, ...]:
        """Start all executors side by side; they load the same graphs."""
        self._ledger = ledger
        starts = [self._start_executor() for _ in range(self._settings.executors)]
        return (await asyncio.gather(*starts))[0]

    async def _start_executor(self) -> tuple[WorkflowType, ...]:
        executor = ExecutorProcess(
            self._ledger,
            lambda *run: self._dispatcher.run_ended(*run),  # noqa: PLW0108 - the dispatcher comes after its executors
            lambda: self._on_death(executor),
        )
        self._executors.add(executor)
        try:
            return await executor.start(self._targets)
        except BaseException:
            self._executors.discard(executor)
            await executor.close()
            raise

    def _on_death(self, executor: ExecutorProcess) -> None:
        """Take back what a dead executor was running, and start another one."""
        if self._closing or executor not in self._executors:
            return
        _log.error("executor_died", pid=executor.pid)
        self._executors.discard(executor)
        self._dispatcher.executor_died(executor)
        self._spawn(self._replace(executor))

    async def _replace(self, dead: ExecutorProcess) -> None:
        await dead.close()
        pause = 0.0
        while not self._closing:
            known = set(self._executors)
            try:
                await self._start_executor()
            except RegistrationError as error:
                pause = min(RESTART_SECONDS_MAX, 2 * pause or 1.0)
                _log.error("executor_not_restarted", reason=str(error), next_try_seconds=pause)
                await asyncio.sleep(pause)
            else:
                for executor in self._executors - known:
                    self._dispatcher.executor_joined(executor)
                return

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _dispatch_limits(self) -> DispatchLimits:
        settings = self._settings
        return DispatchLimits(
            concurrency_max=settings.concurrency_max,
            queue_max=settings.queue_max,
            crashes_max=settings.crashes_max,
            cancel_grace_seconds=settings.cancel_grace_seconds,
        )

    def _rpc_limits(self) -> Limits:
        settings = self._settings
        return Limits(
            message_bytes_max=settings.message_bytes_max,
            streams_per_connection_max=settings.streams_per_connection_max,
            watches_max=settings.watchers_max,
        )


async def serve(settings: Settings, targets: Sequence[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    sys.setswitchinterval(SWITCH_SECONDS)
    server = Server(settings, targets)
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    start = asyncio.create_task(server.start())
    stop = asyncio.create_task(asked.wait())
    await asyncio.wait([start, stop], return_when=asyncio.FIRST_COMPLETED)
    if not start.done():
        start.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await start
        return
    await start
    memory.settle()
    # The one line that other programs read to know that the server is there.
    print(f"Stretto listens on {server.address}", flush=True)  # noqa: T201
    _log.info("serving", address=server.address, store=server.store_url, targets=list(targets))
    await stop
    _log.info("draining")
    await server.stop()
    _log.info("stopped")
