"""The server process: puts store, executors, dispatcher and gRPC together, and takes them apart again."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import platformdirs
import structlog

from stretto.server.app import memory
from stretto.server.app.background import Background
from stretto.server.app.care import Care
from stretto.server.app.crews import Crews
from stretto.server.app.diagnostics import Diagnostics
from stretto.server.app.gauge import CommitGauge
from stretto.server.app.membership import LoneMembership
from stretto.server.domain.clock import Clock, SystemClock
from stretto.server.domain.payload import JsonValue
from stretto.server.domain.settings import Settings
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.desk import Desk, TurnName
from stretto.server.engine.dispatcher import DispatchLimits, LocalDispatcher
from stretto.server.engine.journal import Journal
from stretto.server.engine.ledger import Ledger, StoreLedger
from stretto.server.engine.orders import Orders
from stretto.server.engine.session_journal import SessionJournal
from stretto.server.engine.workflows import Workflows
from stretto.server.rpc.contracts import Contracts
from stretto.server.rpc.desk import SessionDesk
from stretto.server.rpc.server import Limits, RpcServer
from stretto.server.rpc.session_events import ENCODERS
from stretto.server.store import Store, open_store

if TYPE_CHECKING:
    from stretto.server.app.prometheus import MetricsPage

_log = structlog.get_logger(__name__)

SWITCH_SECONDS = 0.000_5
"""How long a thread may keep Python's lock while another one wants it. The store's writer needs it between two
statements; with Python's own 5 ms, 64 starts at once took 50 ms next to a busy loop, and with this 8 ms."""

STREAMS_SECONDS_MAX = 5.0
"""Time that calls have to finish once the workflows are handed back."""


def default_store() -> str:
    """The store that is used when none is named: a file in the user's data folder."""
    return f"sqlite:{Path(platformdirs.user_data_dir('stretto', appauthor=False)) / 'stretto.db'}"


class Executors(Protocol):
    """What a server asks of whoever looks after its executors."""

    @property
    def alive_count(self) -> int:
        """How many executors can be given work now."""
        ...

    async def start(self) -> tuple[WorkflowType, ...]:
        """Start all executors; the workflow types that they can run."""
        ...

    def give_to(self, dispatcher: LocalDispatcher) -> None:
        """Let the dispatcher have the executors that there are and all that will come."""
        ...

    def retire(self) -> None:
        """Replace no executor any more."""
        ...

    async def close(self) -> None:
        """End all executors."""
        ...


ExecutorsFor = Callable[[Ledger, Callable[[], None], Desk], Executors]
"""Makes executors that write to a ledger, that tell when the number of those alive has changed, and whose turns ask a
desk."""


class _Door:
    """Stands for the desk until there is one: executors are made before what they can run is known."""

    def __init__(self) -> None:
        self.desk: Desk | None = None

    async def ask(self, turn: TurnName, verb: str, body: JsonValue) -> JsonValue:
        """Ask the desk. No turn runs before the server is put together."""
        assert self.desk is not None
        return await self.desk.ask(turn, verb, body)


class Server:
    """One server with its own executors. A store of its own is opened by the settings' URL when none is given."""

    def __init__(
        self, settings: Settings, executors: ExecutorsFor, *, clock: Clock | None = None, store: Store | None = None
    ) -> None:
        self._settings = settings
        self._executors_for = executors
        self._clock = clock or SystemClock()
        self._given_store = store
        self.store_url = settings.store or default_store()
        self.address = ""
        self.asked_to_stop: Callable[[], None] = lambda: None
        """Called when somebody asks over the API that this server drains; whoever keeps it running then stops it."""
        self._closing = False
        self._background = Background()
        self._rpc: RpcServer | None = None
        self._metrics: MetricsPage | None = None

    async def start(self) -> None:
        """Open the store, load the graphs, take up what was left unfinished, and listen."""
        settings = self._settings
        self._store: Store = self._given_store or open_store(self.store_url, ENCODERS, synchronous=settings.synchronous)
        await self._store.open()
        self._door = _Door()
        self._orders = Orders()
        ledger = StoreLedger(self._store, self._orders)
        self._executors = self._executors_for(ledger, self._tell_health, self._door)
        try:
            await self._assemble()
        except BaseException:
            await self._take_apart()
            raise

    async def _assemble(self) -> None:
        settings = self._settings
        types = await self._executors.start()
        self._catalog = Catalog(types)
        self._journal = Journal(self._store, bookmark_seconds=settings.bookmark_seconds)
        self._sessions = SessionJournal(self._store, bookmark_seconds=settings.bookmark_seconds)
        self._dispatcher = LocalDispatcher(self._store, self._catalog, self._clock, self._dispatch_limits())
        self._executors.give_to(self._dispatcher)
        self._care = Care(self._store, self.store_url, settings, self._clock, self._tell_health)
        self._dispatcher.healthy = lambda: self._care.healthy
        workflows = Workflows(self._store, self._catalog, self._dispatcher, self._clock)
        contracts = Contracts(types)
        self._door.desk = SessionDesk(
            workflows=workflows,
            store=self._store,
            catalog=self._catalog,
            contracts=contracts,
            clock=self._clock,
            orders=self._orders,
        )
        self._membership = LoneMembership(
            settings=settings,
            catalog=self._catalog,
            dispatcher=self._dispatcher,
            clock=self._clock,
            address=lambda: self.address,
            stop=self.asked_to_stop,
        )
        rpc = RpcServer(
            workflows=workflows,
            store=self._store,
            journal=self._journal,
            sessions=self._sessions,
            catalog=self._catalog,
            contracts=contracts,
            diagnostics=self._diagnostics(),
            membership=self._membership,
            limits=self._rpc_limits(),
            clock=self._clock,
            reflection=settings.reflection,
        )
        self._metrics = self._open_metrics() if settings.metrics_port else None
        await self._dispatcher.recover()
        self.address = await rpc.start(settings.listen)
        self._rpc = rpc
        self._tell_health()
        self._background.spawn(self._care.keep())

    async def stop(self) -> None:
        """Refuse new work, let steps finish, end the streams, hand everything back."""
        assert self._rpc is not None
        self._closing = True
        self._executors.retire()
        self._rpc.set_serving(serving=False)
        await self._dispatcher.drain(self._settings.drain_seconds_max)
        await self._rpc.drain(STREAMS_SECONDS_MAX)
        await self._take_apart()

    async def _take_apart(self) -> None:
        self._closing = True
        if self._metrics is not None:
            await self._metrics.close()
        await self._background.close()
        await self._executors.close()
        await self._store.close()

    def _tell_health(self) -> None:
        """Say whether calls are welcome: the store takes writes and an executor is there. Nobody else decides it."""
        if self._rpc is not None and not self._closing:
            self._rpc.set_serving(self._care.healthy and self._executors.alive_count > 0)

    def _open_metrics(self) -> "MetricsPage":
        """Serve the page for Prometheus, whose library takes a while to import and is loaded only now."""
        from stretto.server.app.prometheus import MetricsPage, Readings  # noqa: PLC0415

        def read() -> Readings:
            return Readings(
                workflows_running=self._dispatcher.running_count,
                workflows_queued=self._dispatcher.queued_count,
                executors_alive=self._executors.alive_count,
                watchers=self._journal.watcher_count + self._sessions.watcher_count,
                store_healthy=self._care.healthy,
            )

        place = self._settings.metrics_host, self._settings.metrics_port
        return MetricsPage(*place, store=self._store, types=self._catalog, read=read)

    def _diagnostics(self) -> Diagnostics:
        return Diagnostics(
            settings=self._settings,
            store=self._store,
            care=self._care,
            gauge=CommitGauge(self._store),
            dispatcher=self._dispatcher,
            sharing=self._membership.sharing,
            clock=self._clock,
        )

    def _dispatch_limits(self) -> DispatchLimits:
        settings = self._settings
        return DispatchLimits(
            concurrency_max=settings.concurrency_max,
            turns_max=settings.turns_max,
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
            turn_seconds_max=settings.turn_seconds_max,
        )


async def serve(settings: Settings, targets: Sequence[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    sys.setswitchinterval(SWITCH_SECONDS)
    server = Server(settings, partial(Crews, settings, targets))
    asked = asyncio.Event()
    server.asked_to_stop = asked.set
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
    _tell_understanding(settings)
    _log.info("serving", address=server.address, store=server.store_url, targets=list(targets))
    await stop
    _log.info("draining")
    await server.stop()
    _log.info("stopped")


def _tell_understanding(settings: Settings) -> None:
    """Say how messages are understood: without a word, nobody would guess that no language model reads them."""
    if not settings.orchestrator:
        _log.info("messages_not_taken", reason="The orchestrator is switched off.")
    elif settings.model:
        _log.info("messages_understood", by="model", model=settings.model)
    else:
        _log.info("messages_understood", by="rules", advice="Offline, without a language model; --model names one.")
