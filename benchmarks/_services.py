"""PostgreSQL and Redis for benchmarks, each in the care of a process of its own, which ends with whoever asked for it.

Not in this process: it has threads of gRPC, and gRPC does not bear that a process forks, as starting PostgreSQL does.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks._processes import ROOT, cpu_seconds
from tools.services.postgres import PostgresService, postgres_service
from tools.services.redis import RedisService, redis_service

# Commits are measured, so what a store keeps has to be on the disk; what carries hints keeps nothing.
KINDS = {
    "postgres": partial(postgres_service, fsync=True),
    "redis_always": partial(redis_service, appendfsync="always"),
    "redis_everysec": partial(redis_service, appendfsync="everysec"),
    "redis_hints": redis_service,
}


@dataclass(frozen=True, slots=True)
class SharedService:
    """One that runs: where it listens, and its first process."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """CPU time that it and its child processes have used."""
        return cpu_seconds(self.pid)


@contextmanager
def service(kind: str) -> Iterator[SharedService]:
    """Run one for as long as the block."""
    argv = [sys.executable, "-m", "benchmarks._services", kind]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        assert process.stdout
        url, pid = process.stdout.readline().split()
        yield SharedService(url, int(pid))


def main() -> None:
    """Start one, tell where it is, and keep it until nobody listens any more."""
    starting: AbstractContextManager[PostgresService | RedisService] = KINDS[sys.argv[1]]()
    with starting as running:
        print(running.url, running.pid, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
