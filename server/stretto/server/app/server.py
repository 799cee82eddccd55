"""The server process: puts store, executors, dispatcher and gRPC together, and takes them apart again."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from stretto.server.app.crews import Crews
from stretto.server.app.diagnostics import Diagnostics
from stretto.server.app.facts import Facts
from stretto.server.app.gauge import CommitGauge
from stretto.server.app.host import STREAMS_SECONDS_MAX, ExecutorsFor, Host
from stretto.server.app.membership import LoneMembership
from stretto.server.app.process import told, until_told
from stretto.server.app.worker import Worker
from stretto.server.domain.clock import Clock, SystemClock
from stretto.server.domain.diagnosis import Sharing
from stretto.server.domain.member import MemberKind
from stretto.server.domain.settings import Settings
from stretto.server.engine.journal import Journal
from stretto.server.engine.session_journal import SessionJournal
from stretto.server.engine.workflows import Workflows
from stretto.server.rpc.contracts import Contracts
from stretto.server.rpc.desk import SessionDesk
from stretto.server.rpc.server import Limits, RpcServer
from stretto.server.store import Store

_log = structlog.get_logger(__name__)


class Server:
    """One server with its own executors. A store of its own is opened by the settings' URL when none is given."""

    def __init__(
        self, settings: Settings, executors: ExecutorsFor, *, clock: Clock | None = None, store: Store | None = None
    ) -> None:
        self._settings = settings
        facts = Facts(MemberKind.SERVER, settings, clock or SystemClock(), self._ask_to_stop)
        self.host = Host(facts, executors, changed=self._tell_health, store=store)
        self.address = ""
        self.asked_to_stop: Callable[[], None] = lambda: None
        """Called when somebody asks over the API that this server drains; whoever keeps it running then stops it."""
        self._closing = False
        self._rpc: RpcServer | None = None

    async def start(self) -> None:
        """Open the store, load the graphs, take up what was left unfinished, and listen."""
        await self.host.open(self._settings.listen)
        try:
            await self._assemble()
        except BaseException:
            await self._take_apart()
            raise

    async def _assemble(self) -> None:
        settings, host = self._settings, self.host
        shared = host.cluster is not None
        self._journal = Journal(host.store, bookmark_seconds=settings.bookmark_seconds, shared=shared)
        self._sessions = SessionJournal(host.store, bookmark_seconds=settings.bookmark_seconds, shared=shared)
        membership = host.cluster or self._alone()
        workflows = Workflows(host.store, host.catalog, host.dispatcher, host.clock)
        contracts = Contracts(host.types)
        host.door.desk = SessionDesk(
            workflows=workflows,
            store=host.store,
            catalog=host.catalog,
            contracts=contracts,
            clock=host.clock,
            orders=host.orders,
        )
        rpc = RpcServer(
            workflows=workflows,
            store=host.store,
            journal=self._journal,
            sessions=self._sessions,
            catalog=host.catalog,
            contracts=contracts,
            diagnostics=self._diagnostics(membership.sharing),
            membership=membership,
            limits=self._rpc_limits(),
            clock=host.clock,
            reflection=settings.reflection,
            shared=shared,
        )
        if host.cluster is not None:
            host.cluster.listen(rpc.hear, self._journal, self._sessions)
        host.count(watchers=lambda: self._journal.watcher_count + self._sessions.watcher_count)
        await host.begin()
        self.address = await rpc.start(settings.listen)
        self._rpc = rpc
        if host.cluster is not None:
            host.cluster.announce(self.address)
        self._tell_health()

    def _alone(self) -> LoneMembership:
        return LoneMembership(
            self.host.member_id,
            settings=self._settings,
            catalog=self.host.catalog,
            dispatcher=self.host.dispatcher,
            clock=self.host.clock,
            address=lambda: self.address,
            stop=self._ask_to_stop,
        )

    def _ask_to_stop(self) -> None:
        self.asked_to_stop()

    async def stop(self) -> None:
        """Refuse new work, let steps finish, end the streams, hand everything back."""
        assert self._rpc is not None
        self._closing = True
        self._rpc.set_serving(serving=False)
        await self.host.drain()
        await self._rpc.drain(STREAMS_SECONDS_MAX)
        await self._take_apart()

    async def _take_apart(self) -> None:
        self._closing = True
        await self.host.close()

    def _tell_health(self) -> None:
        """Say whether calls are welcome: the store takes writes and an executor is there. Nobody else decides it."""
        if self._rpc is not None and not self._closing:
            self._rpc.set_serving(self.host.is_well)

    def _diagnostics(self, sharing: Callable[[], Sharing]) -> Diagnostics:
        host = self.host
        return Diagnostics(
            settings=self._settings,
            store=host.store,
            care=host.care,
            gauge=CommitGauge(host.store),
            dispatcher=host.dispatcher,
            sharing=sharing,
            clock=host.clock,
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
    server = Server(settings, partial(Crews, settings, targets))

    def tell() -> None:
        # The one line that other programs read to know that the server is there.
        print(f"Stretto listens on {server.address}", flush=True)  # noqa: T201
        _tell_understanding(settings)
        _log.info("serving", address=server.address, store=told(server.host.store_url), targets=list(targets))

    asked = asyncio.Event()
    server.asked_to_stop = asked.set
    await until_told(asked, server.start, tell, server.stop, drain_seconds_max=settings.drain_seconds_max)


async def work(settings: Settings, targets: Sequence[str]) -> None:
    """Run workflows, and answer no calls, until SIGTERM or SIGINT."""
    asked = asyncio.Event()
    worker = Worker(settings, partial(Crews, settings, targets), asked.set)

    def tell() -> None:
        # The one line that other programs read to know that the worker is there.
        print(f"Stretto works as {worker.host.member_id}", flush=True)  # noqa: T201
        _log.info("working", member=worker.host.member_id, store=told(worker.host.store_url), targets=list(targets))

    await until_told(asked, worker.start, tell, worker.stop, drain_seconds_max=settings.drain_seconds_max)


def _tell_understanding(settings: Settings) -> None:
    """Say how messages are understood: without a word, nobody would guess that no language model reads them."""
    if not settings.orchestrator:
        _log.info("messages_not_taken", reason="The orchestrator is switched off.")
    elif settings.model:
        _log.info("messages_understood", by="model", model=settings.model)
    else:
        _log.info("messages_understood", by="rules", advice="Offline, without a language model; --model names one.")
