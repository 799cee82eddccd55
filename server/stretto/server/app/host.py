"""What servers and workers have in common: a store, executors, a dispatcher, and care for all three."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import platformdirs

from stretto.server.app.background import Background
from stretto.server.app.care import Care
from stretto.server.app.facts import Facts
from stretto.server.domain.errors import Misconfigured
from stretto.server.domain.ids import new_member_id
from stretto.server.domain.payload import JsonValue
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.desk import Desk, TurnName
from stretto.server.engine.dispatcher import DispatchLimits, LocalDispatcher
from stretto.server.engine.ledger import Ledger, StoreLedger
from stretto.server.engine.orders import Orders
from stretto.server.engine.runner import Runner
from stretto.server.rpc.session_events import ENCODERS
from stretto.server.store import Store, open_store

if TYPE_CHECKING:
    from stretto.server.app.cluster import Cluster
    from stretto.server.app.prometheus import MetricsPage

STREAMS_SECONDS_MAX = 5.0
"""Time that calls have to finish once the workflows are handed back."""


def default_store() -> str:
    """The store that is used when none is named: a file in the user's data folder."""
    return f"sqlite:{Path(platformdirs.user_data_dir('stretto', appauthor=False)) / 'stretto.db'}"


class Executors(Protocol):
    """What a host asks of whoever looks after its executors."""

    @property
    def alive_count(self) -> int:
        """How many executors can be given work now."""
        ...

    @property
    def type_names(self) -> frozenset[str]:
        """Names of the workflow types that run here."""
        ...

    async def start(self) -> tuple[WorkflowType, ...]:
        """Start all executors; the workflow types that their apps have."""
        ...

    def give_to(self, dispatcher: Runner) -> None:
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


class Door:
    """Stands for the desk until there is one: executors are made before what they can run is known."""

    def __init__(self) -> None:
        self.desk: Desk | None = None

    async def ask(self, turn: TurnName, verb: str, body: JsonValue) -> JsonValue:
        """Ask the desk. No turn runs before the server is put together, and none runs in a worker."""
        assert self.desk is not None
        return await self.desk.ask(turn, verb, body)


class Host:
    """Opens, runs and closes the parts. A store of its own is opened by the settings' URL when none is given."""

    def __init__(
        self,
        facts: Facts,
        executors_for: ExecutorsFor,
        *,
        changed: Callable[[], None],
        store: Store | None = None,
    ) -> None:
        self.settings = facts.settings
        self.clock = facts.clock
        self.store_url = facts.settings.store or default_store()
        self.member_id = new_member_id(facts.settings.name or facts.kind.name.lower())
        self.door = Door()
        self.orders = Orders()
        self.cluster: Cluster | None = None
        self._facts = facts
        self._executors_for = executors_for
        self._changed = changed
        self._given_store = store
        self._background = Background()
        self._metrics: MetricsPage | None = None

    @property
    def is_well(self) -> bool:
        """Whether the store takes writes, and an executor is there if there should be one."""
        return self.care.healthy and (self.executors.alive_count > 0 or not self.settings.run_workflows)

    async def open(self, address: str = "") -> None:
        """Open the store, load the graphs, and put the dispatcher together; nothing runs yet."""
        settings = self.settings
        self.store: Store = self._given_store or open_store(
            self.store_url,
            ENCODERS,
            synchronous=settings.synchronous,
            shared=bool(settings.redis),
            lease_seconds=settings.lease_seconds,
        )
        await self.store.open()
        owner = self.member_id if settings.redis else ""
        ledger = StoreLedger(self.store, self.orders, owner=owner)
        self.executors = self._executors_for(ledger, self._changed, self.door)
        try:
            await self._assemble(address)
        except BaseException:
            await self.close()
            raise

    async def _assemble(self, address: str) -> None:
        self.types = await self.executors.start()
        self.catalog = Catalog(self.types)
        self.care = Care(self.store, self.store_url, self.settings, self.clock, self._changed)
        self.dispatcher = await self._dispatcher(address)
        self.dispatcher.healthy = lambda: self.care.healthy
        self.executors.give_to(self.dispatcher)

    async def _dispatcher(self, address: str) -> Runner:
        if not self.settings.redis:
            return LocalDispatcher(self.store, self.catalog, self.clock, self._limits())
        try:
            # What shared stores need is an extra, and imported by those only who share one.
            from stretto.server.app.cluster import Cluster, member_of  # noqa: PLC0415
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("stretto"):
                raise  # A fault of ours, not of how it was installed.
            raise Misconfigured(
                f"--redis needs {error.name}, which is not installed: pip install 'stretto[cluster]'."
            ) from error
        running = self.executors.type_names
        types = tuple(sorted((info.name, info.version) for info in self.types if info.name in running))
        member = member_of(self._facts, self.member_id, types, address)
        self.cluster = Cluster(self._facts, self.store, self.catalog, self._limits(), member)
        await self.cluster.open()
        return self.cluster.dispatcher

    def count(self, watchers: Callable[[], int] = lambda: 0) -> None:
        """Serve the page for Prometheus, if there is to be one. Its library takes a while to import."""
        if not self.settings.metrics_port:
            return
        from stretto.server.app.prometheus import MetricsPage, Readings  # noqa: PLC0415

        def read() -> Readings:
            return Readings(
                workflows_running=self.dispatcher.running_count,
                workflows_queued=self.dispatcher.queued_count,
                executors_alive=self.executors.alive_count,
                watchers=watchers(),
                store_healthy=self.care.healthy,
            )

        place = self.settings.metrics_host, self.settings.metrics_port
        self._metrics = MetricsPage(*place, store=self.store, types=self.catalog, read=read)

    async def begin(self) -> None:
        """Take up what was left unfinished, and go on taking work."""
        await self.dispatcher.recover()
        self._background.spawn(self.care.keep())

    async def drain(self) -> None:
        """Let steps finish, and hand everything back."""
        self.executors.retire()
        await self.dispatcher.drain(self.settings.drain_seconds_max)

    async def close(self) -> None:
        """End all parts."""
        if self._metrics is not None:
            await self._metrics.close()
        await self._background.close()
        await self.executors.close()
        if self.cluster is not None:
            await self.cluster.close()
        await self.store.close()

    def _limits(self) -> DispatchLimits:
        settings = self.settings
        return DispatchLimits(
            concurrency_max=settings.concurrency_max,
            turns_max=settings.turns_max,
            queue_max=settings.queue_max,
            crashes_max=settings.crashes_max,
            cancel_grace_seconds=settings.cancel_grace_seconds,
        )
