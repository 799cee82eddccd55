"""The page that Prometheus reads: what has happened so far, and what there is at the moment."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, Metric, ProcessCollector, disable_created_metrics, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stretto.server.app.counts import Counts
from stretto.server.domain.errors import CannotListen
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.store import Store

_log = structlog.get_logger(__name__)

READ_SECONDS_MAX = 5.0
"""Time that the server's loop has to say what there is; Prometheus itself gives up after ten seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What there is at one moment."""

    workflows_running: int
    workflows_queued: int
    executors_alive: int
    watchers: int
    store_healthy: bool


GAUGES = {
    "workflows_running": "Workflows that executors own.",
    "workflows_queued": "Workflows that wait for an executor.",
    "executors_alive": "Executors that can be given work.",
    "watchers": "Streams that follow a workflow's journal.",
    "store_healthy": "1 while the store takes writes and has room, else 0.",
}


class MetricsPage:
    """Counts from now on, and serves the counts from a thread of its own. Made on the server's loop."""

    def __init__(
        self, host: str, port: int, *, store: Store, types: Iterable[WorkflowType], read: Callable[[], Readings]
    ) -> None:
        # Without this, each series would have a second one that says since when it is counted.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        counts = Counts(registry, types)
        ProcessCollector(registry=registry)
        registry.register(_Gauges(read, asyncio.get_running_loop()))
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            raise CannotListen(
                f"Cannot serve metrics on {host}:{port}: {error.strerror or error}; "
                "name another place with --metrics-host and --metrics-port."
            ) from None
        store.on_publication(counts.on_publications)
        store.on_session_publication(counts.on_session_publications)
        _log.info("metrics_served", address=f"{host}:{port}")

    async def close(self) -> None:
        """Serve no more."""
        await asyncio.to_thread(self._server.shutdown)  # Off the loop: a reader may be waiting for it.
        self._server.server_close()
        await asyncio.to_thread(self._thread.join)


class _Gauges(Collector):
    """Asks the loop when the page is read: what it looks at belongs to the loop's thread."""

    def __init__(self, read: Callable[[], Readings], loop: asyncio.AbstractEventLoop) -> None:
        self._read = read
        self._loop = loop

    def collect(self) -> Iterator[Metric]:
        """All gauges; none when the loop does not answer, which is worth an alarm of its own."""
        asked = asyncio.run_coroutine_threadsafe(self._read_on_loop(), self._loop)
        try:
            readings = asked.result(READ_SECONDS_MAX)
        except TimeoutError:
            asked.cancel()
            _log.warning("metrics_not_read", reason=f"The server's loop was silent for {READ_SECONDS_MAX:.0f} s.")
            return
        for name, text in GAUGES.items():
            yield GaugeMetricFamily(f"stretto_{name}", text, value=getattr(readings, name))

    async def _read_on_loop(self) -> Readings:
        return self._read()
