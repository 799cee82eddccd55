"""The processes of a cluster: each is started again when it has ended, as a service manager would."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks._processes import Service, free_address
from benchmarks.chaos.database import Cut, DatabaseProxy
from benchmarks.chaos.services import Service as SharedService

APP = "benchmarks.chaos.app:app"
COMMAND = ("-c", "from stretto.cli import main; main()")
LOOK_SECONDS = 0.02
RESTART_SECONDS_MAX = 1.0
START_SECONDS_MAX = 90.0


@dataclass(frozen=True, slots=True)
class Shape:
    """How many members there are, and how they are started."""

    servers: int = 2
    workers: int = 3
    lease_seconds: float = 2.0
    command: tuple[str, ...] = COMMAND
    """What Python runs in place of `stretto`."""


class Member:
    """A server or a worker, on its own way to the database, and what happened to it."""

    def __init__(self, name: str, argv: Sequence[str], said: str, proxy: DatabaseProxy, log: Path) -> None:
        self.name = name
        self.proxy = proxy
        self.log = log
        self.ready_seconds: list[float] = []
        self.deaths: list[str] = []
        """How it ended that nobody had ended."""
        self.failed_starts = 0
        self.frozen = False
        self._argv = argv
        self._said = said
        self._service: Service | None = None
        self._killed = False
        self._is_ready = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it works."""
        return self._is_ready.is_set()

    @property
    def group(self) -> int:
        """Its process group."""
        return self._service.process.pid if self._service else 0

    def begin(self, dice: random.Random) -> None:
        """Keep it alive from now on."""
        self._keeper = asyncio.create_task(self._keep(dice))

    async def ready(self) -> None:
        """Wait until it works."""
        await self._is_ready.wait()

    async def end(self) -> int:
        """Ask it to end, and give its exit code; it is not started again."""
        await self.forget()
        assert self._service is not None
        return await asyncio.to_thread(self._service.stop)

    async def forget(self) -> None:
        """Do not start it again."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    def kill(self) -> None:
        """Kill its whole process group."""
        self._killed, self.frozen = True, False
        self._is_ready.clear()
        if self._service is not None:
            self._service.kill()

    def freeze(self, *, whole: bool) -> int:
        """Stop its process, alone or with its executors; gives the group that stands still."""
        self.frozen = True
        assert self._service is not None
        _signal(self.group, signal.SIGSTOP, whole=whole)
        return self.group

    def thaw(self) -> None:
        """Let it go on."""
        self.frozen = False
        _signal(self.group, signal.SIGCONT, whole=True)

    async def _keep(self, dice: random.Random) -> None:
        while True:
            self._killed, began = False, time.monotonic()
            self._service = Service([*self._argv, APP], self._said, self.log)
            if await self._has_started(self._service):
                self.ready_seconds.append(time.monotonic() - began)
                self._is_ready.set()
                await self._ended(self._service)
                self._is_ready.clear()
                if not self._killed:
                    self.deaths.append(f"{self.name} ended by itself with {self._service.process.returncode}")
            elif not self._killed:
                # As for every service whose database is away when it starts: it is started again.
                self.failed_starts += 1
            self._service.kill()
            await asyncio.sleep(dice.uniform(0, RESTART_SECONDS_MAX))

    async def _has_started(self, service: Service) -> bool:
        starting = asyncio.ensure_future(service.ready())
        try:
            await starting
        except RuntimeError:
            return False
        return True

    async def _ended(self, service: Service) -> None:
        while service.process.poll() is None:  # noqa: ASYNC110 - Processes tell nobody on this loop.
            await asyncio.sleep(LOOK_SECONDS)


class Fleet:
    """All members, and the services that they share."""

    def __init__(
        self, shape: Shape, directory: Path, postgres: SharedService, redis: SharedService, dice: random.Random
    ) -> None:
        self.postgres = postgres
        self.redis = redis
        self.addresses = [free_address() for _ in range(shape.servers)]
        self.due_cuts: list[Cut] = []
        """What is to happen to the connections that commit next."""
        self.proxies = [
            DatabaseProxy(postgres.address, random.Random(dice.random()), self.due_cuts)
            for _ in range(shape.servers + shape.workers)
        ]
        self._shape = shape
        self._directory = directory
        self._dice = dice
        self._stack = contextlib.AsyncExitStack()
        self.servers: list[Member] = []
        self.workers: list[Member] = []

    @property
    def members(self) -> list[Member]:
        """Servers and workers."""
        return [*self.servers, *self.workers]

    async def __aenter__(self) -> Self:
        """Start all, and wait until all work."""
        for proxy in self.proxies:
            await self._stack.enter_async_context(proxy)
        ways = iter(self.proxies)
        for number, address in enumerate(self.addresses):
            flags = ("--listen", address, "--no-orchestrator")
            self.servers.append(self._member(f"s{number}", "serve", flags, address, next(ways)))
        for number in range(self._shape.workers):
            self.workers.append(self._member(f"w{number}", "worker", (), "Stretto works as", next(ways)))
        try:
            for member in self.members:
                member.begin(self._dice)
            async with asyncio.timeout(START_SECONDS_MAX):
                await asyncio.gather(*[member.ready() for member in self.members])
        except TimeoutError:
            missing = [member for member in self.members if not member.is_ready]
            await self.__aexit__()
            raise RuntimeError(
                "\n".join(f"{member.name}: {member.log.read_text()[-2000:]}" for member in missing)
            ) from None
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for member in self.members:
            await member.forget()
            member.kill()
        await self._stack.aclose()

    def _member(self, name: str, verb: str, flags: tuple[str, ...], said: str, proxy: DatabaseProxy) -> Member:
        store = self.postgres.url.replace(self.postgres.address, proxy.address)
        argv = (*self._shape.command, verb, "--store", store, "--redis", self.redis.url, "--name", name)
        told = ("--lease-seconds", str(self._shape.lease_seconds), "--log-format", "json", *flags)
        return Member(name, (*argv, *told), said, proxy, self._directory / f"{name}.log")

    def logged(self, event: str) -> int:
        """How many log lines of all members tell of something."""
        return sum(member.log.read_bytes().count(f'"{event}"'.encode()) for member in self.members)


def _signal(group: int, number: signal.Signals, *, whole: bool) -> None:
    """To a group or its first process, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if whole else os.kill)(group, number)
