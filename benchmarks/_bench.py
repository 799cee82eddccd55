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

from benchmarks._processes import ROOT, Service, free_address, stretto_argv

APP = "benchmarks.app:app"
SHIPPED = "stretto.workflows:app"
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
    async def stretto(self, store: Path | None = None, apps: Sequence[str] = (APP,)) -> AsyncIterator[Service]:
        """A server with the measured workflow types."""
        address = free_address()
        service = Service(
            stretto_argv(address, store or self.new_store(), *apps), address, self.directory / "stretto.log"
        )
        async with _running(service):
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
    def bare(self) -> Iterator["Bare"]:
        """Bare LangGraph, in a process of its own."""
        argv = [sys.executable, "-m", "benchmarks._bare"]
        environment = {**os.environ, "BENCH_DIRECTORY": str(self.directory)}
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
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{saver} {runs}\n")
        self.process.stdin.flush()
        return float(json.loads(self.process.stdout.readline())["runs_per_second"])


@asynccontextmanager
async def _running(service: Service) -> AsyncIterator[Service]:
    try:
        await service.ready()
        yield service
    finally:
        service.kill()
