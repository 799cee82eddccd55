"""PostgreSQL and Redis in the care of processes of their own, which end them when whoever asked for them is gone.

Not in this process: it has threads of gRPC, and gRPC does not bear that a process forks, as starting PostgreSQL does.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from benchmarks._processes import ROOT
from tools.services.postgres import PostgresService, postgres_service
from tools.services.redis import RedisService, redis_service

KINDS = {"postgres": postgres_service, "redis": redis_service}
DONE = "done"


class Service:
    """One of them. Its calls wait until what they ask for has happened."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = self._hear()

    @property
    def address(self) -> str:
        """Host and port."""
        return self.url.rpartition("@")[2].removeprefix("redis://").partition("/")[0]

    def start(self) -> None:
        """Start it on what it has on disk."""
        self._ask("start")

    def stop(self) -> None:
        """Let it end in peace."""
        self._ask("stop")

    def kill(self) -> None:
        """End it as a crash does."""
        self._ask("kill")

    def flush(self) -> None:
        """Empty it."""
        self._ask("flush")

    def _ask(self, verb: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{verb}\n")
        self._process.stdin.flush()
        if (answer := self._hear()) != DONE:
            raise RuntimeError(f"{verb}: {answer}")

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")


@contextlib.contextmanager
def service(kind: str) -> Iterator[Service]:
    """Run one for as long as the block."""
    argv = [sys.executable, "-m", "benchmarks.chaos.services", kind]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    with process:
        yield Service(process)


def main() -> None:
    """Start one, tell its URL, and do what each line says until there are no more."""
    with KINDS[sys.argv[1]]() as running:
        print(running.url, flush=True)
        for line in sys.stdin:
            print(_do(running, line.strip()), flush=True)


def _do(running: PostgresService | RedisService, verb: str) -> str:
    try:
        getattr(running, verb)()
    except (OSError, RuntimeError) as error:
        return repr(error)
    return DONE


if __name__ == "__main__":
    main()
