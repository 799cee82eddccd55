"""A real server for a test: production's own parts, but for the executor, which runs on the test's loop."""

from functools import partial

from stretto.orchestrator.understanding import Understanding
from stretto.orchestrator.understanding.offline import Offline
from stretto.server import App
from stretto.server.app.declare import declared
from stretto.server.app.orchestrator import orchestrator
from stretto.server.app.server import Server
from stretto.server.domain.clock import Clock, SystemClock
from stretto.server.domain.settings import Settings
from stretto.server.rpc.session_events import ENCODERS
from stretto.server.store import open_store
from stretto.testing._clock import ManualClock
from stretto.testing._executor import LocalExecutors

ANY_FREE_PORT = "127.0.0.1:0"


class LocalServer:
    """A server in this process, and how it is started over."""

    def __init__(
        self,
        apps: tuple[App, ...],
        clock: Clock | None,
        store: str,
        *,
        instant_retries: bool,
        understanding: Understanding | None = None,
    ) -> None:
        self.apps = apps
        self._clock = clock or SystemClock()
        self._instant_retries = instant_retries
        self._declarations = declared((*apps, orchestrator(understanding or Offline())))
        self._settings = Settings(
            listen=ANY_FREE_PORT,
            store=store,
            synchronous="NORMAL",  # A test survives no loss of power.
            drain_seconds_max=0,  # A test that is over waits for no step.
            free_bytes_min=0,
        )
        # What is kept in memory outlives a restart; a file is opened anew, as it would be elsewhere.
        self._memory = open_store(store, ENCODERS) if store == "memory:" else None
        self._server: Server | None = None

    @property
    def clock(self) -> ManualClock:
        """The clock that the test has given."""
        if isinstance(self._clock, ManualClock):
            return self._clock
        raise AttributeError("This server goes by the system's clock: give it clock=ManualClock().")

    @property
    def address(self) -> str:
        """Host and port."""
        return self._settings.listen

    async def start(self) -> None:
        """Take up what the store has left unfinished, and listen; again at the same address after the first time."""
        make = partial(LocalExecutors, self._declarations, self._clock, instant_retries=self._instant_retries)
        server = Server(self._settings, make, clock=self._clock, store=self._memory)
        await server.start()
        self._server = server
        self._settings = self._settings.model_copy(update={"listen": server.address})

    async def stop(self) -> None:
        """Cut off what runs, hand it back to the store, and listen no more."""
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop()
