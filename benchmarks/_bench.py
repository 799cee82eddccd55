"""What every suite needs: how much to measure, where to put files, and services to measure."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks._processes import ROOT, Service, command_argv, free_address

APP = "benchmarks.app:app"
SHIPPED = "stretto.workflows:app"
WORKS = "Stretto works as"
"""What a worker prints once it does."""

_QUICK = 10


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of the benchmarks. Files go onto the disk that the project is on, because commits are measured."""

    directory: Path
    quick: bool = False

    @property
    def rounds(self) -> int:
        """How often each pair of measurements is repeated, in turns."""
        return 2 if self.quick else 5

    def scaled(self, samples: int) -> int:
        """So many samples, or a tenth when it has to be quick."""
        return max(64, samples // _QUICK) if self.quick else samples

    def new_store(self) -> Path:
        """A file that does not exist yet."""
        return next(path for number in count() if not (path := self.directory / f"store-{number}.db").exists())

    def server_log(self) -> str:
        """The last lines that the server wrote."""
        log = self.directory / "stretto.log"
        return log.read_text()[-4_000:] if log.exists() else ""

    @asynccontextmanager
    async def stretto(
        self, store: Path | str | None = None, apps: Sequence[str] = (APP,), flags: Sequence[str] = ()
    ) -> AsyncIterator[Service]:
        """A server with the measured workflow types, on a store's URL, a SQLite file, or a new one."""
        address = free_address()
        url = store if isinstance(store, str) else f"sqlite:{store or self.new_store()}"
        argv = command_argv("serve", "--listen", address, "--store", url, *flags, *apps)
        async with _running(Service(argv, address, self.directory / "stretto.log")) as service:
            yield service

    @asynccontextmanager
    async def worker(self, store: str, redis: str) -> AsyncIterator[Service]:
        """A worker for the measured workflow types. It has no address; it prints that it works."""
        argv = command_argv("worker", "--store", store, "--redis", redis, APP)
        # A log of its own: a worker is ready when its log says so, and two would say it for each other.
        log = next(path for number in count() if not (path := self.directory / f"worker-{number}.log").exists())
        async with _running(Service(argv, WORKS, log)) as service:
            yield service

    @asynccontextmanager
    async def echo(self) -> AsyncIterator[Service]:
        """A bare grpc.aio server."""
        address = free_address()
        async with _running(
            Service(["-m", "benchmarks._echo", address], address, self.directory / "echo.log")
        ) as service:
            yield service

    @contextmanager
    def load(self, address: str, workflow_type: str, in_flight: int) -> Iterator[None]:
        """Another client, in a process of its own, that keeps so many workflows going."""
        argv = [sys.executable, "-m", "benchmarks._load", address, workflow_type, str(in_flight)]
        with subprocess.Popen(argv, cwd=ROOT) as process:
            try:
                yield
            finally:
                process.kill()

    @contextmanager
    def bare(self, postgres: str = "") -> Iterator["Bare"]:
        """Bare LangGraph, in a process of its own; its saver on PostgreSQL needs a database."""
        argv = [sys.executable, "-m", "benchmarks._bare"]
        environment = {**os.environ, "BENCH_DIRECTORY": str(self.directory), "BENCH_POSTGRES": postgres}
        pipe = subprocess.PIPE
        with subprocess.Popen(argv, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
            try:
                yield Bare(process)
            finally:
                process.kill()


@dataclass(frozen=True, slots=True)
class Bare:
    """A process that runs chain3 on bare LangGraph."""

    process: subprocess.Popen[str]

    def runs_per_second(self, saver: str, runs: int) -> float:
        """Runs per second with a saver."""
        return self.measured(saver, runs)["runs_per_second"]

    def measured(self, saver: str, runs: int) -> dict[str, float]:
        """`runs_per_second` with a saver, and `cpu_ms_per_run`."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{saver} {runs}\n")
        self.process.stdin.flush()
        measured: dict[str, float] = json.loads(self.process.stdout.readline())
        return measured


@asynccontextmanager
async def _running(service: Service) -> AsyncIterator[Service]:
    try:
        await service.ready()
        yield service
    finally:
        service.kill()
