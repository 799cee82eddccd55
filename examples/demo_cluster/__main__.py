"""Two servers, three workers, PostgreSQL and Redis: what is killed and drained in the middle loses nothing."""

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from examples.demo_cluster.closing import closing, faults
from examples.demo_cluster.members import SERVERS, WORKERS, cluster_of
from examples.demo_cluster.play import Findings, Play
from stretto.cli._output import Output
from tools.services.postgres import postgres_service
from tools.services.redis import redis_service

SECONDS_MAX: Final = 180.0
"""It ends by itself, also on a machine that is too slow for it. A machine that is not needs less than a minute."""

INTERRUPTED: Final = 130


def main() -> int:
    """Play, and say what came of it: 1 when anything was lost, doubled or not seen."""
    # Whoever ends it so gets everything stopped as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    out = Output()
    try:
        with _services(out) as (store, redis), tempfile.TemporaryDirectory(prefix="stretto-demo-") as folder:
            found = asyncio.run(_play(out, store, redis, Path(folder)))
    except KeyboardInterrupt:
        return INTERRUPTED
    except TimeoutError:
        return _fail(out, f"it has not ended within {SECONDS_MAX:g} seconds")
    except Exception as error:  # noqa: BLE001 - The edge of the process.
        return _fail(out, _in_a_line(error))
    out.show("", closing(found))
    return _fail(out, "; ".join(wrong)) if (wrong := faults(found)) else 0


@contextlib.contextmanager
def _services(out: Output) -> Iterator[tuple[str, str]]:
    out.show("Starting PostgreSQL and Redis ...")
    with postgres_service(fsync=True) as postgres, redis_service() as redis:
        yield postgres.url, redis.url


async def _play(out: Output, store: str, redis: str, folder: Path) -> Findings:
    out.show(f"Starting {len(SERVERS)} servers and {len(WORKERS)} workers ...")
    async with asyncio.timeout(SECONDS_MAX), cluster_of(store, redis, folder) as cluster:
        return await Play(out, cluster).perform()


def _in_a_line(error: Exception) -> str:
    """The first of the errors, and what it says last: where a process did not start, the end of its log."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    _, _, told = str(error).strip().rpartition("\n")
    return f"{type(error).__name__}: {told}"


def _fail(out: Output, why: str) -> int:
    out.errors.print(f"make demo-cluster: {why}", style="red")
    return 1


if __name__ == "__main__":
    sys.exit(main())
