"""Services in processes of their own, and what they cost: read from /proc, so Linux only."""

import asyncio
import contextlib
import functools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
READY_SECONDS_MAX = 60.0
END_SECONDS_MAX = 40.0
ROOT = Path(__file__).parent.parent
PORTS = range(20_000, 32_000)
"""Below those that Linux gives to outgoing calls, of which one could take the port of a server between two lives."""


def free_address() -> str:
    """A local address that nobody listens on now, and that this process was given for the first time."""
    for port in _ports():
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return f"127.0.0.1:{port}"
    raise RuntimeError(f"no port of {PORTS} is free")


@functools.cache
def _ports() -> Iterator[int]:
    """All of them once. Processes that test side by side begin far apart, most likely, and stay so."""
    start = random.SystemRandom().randrange(len(PORTS))
    return iter([*PORTS[start:], *PORTS[:start]])


class Service:
    """A process group that serves on an address, and its log. It is ready once it has printed the address."""

    def __init__(
        self, argv: Sequence[str], address: str, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.address = address
        self.log = log
        self._log_start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, *argv],
                stdout=out,
                stderr=out,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
                start_new_session=True,
            )

    async def ready(self) -> None:
        """Return once it has printed its address; raise with its log when it ends instead."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while self.address not in self._printed():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"not ready: {self.process.args}\n{self._printed()[-4000:]}")
            await asyncio.sleep(0.002)

    def cpu_seconds(self) -> float:
        """CPU time that it and its child processes have used."""
        return cpu_seconds(self.process.pid)

    def own_cpu_seconds(self) -> float:
        """CPU time that it has used itself."""
        return _cpu_seconds(self.process.pid)

    def resident_bytes(self) -> int:
        """Memory that it and its child processes hold."""
        return sum(_resident_bytes(pid) for pid in _descent(self.process.pid))

    def kill(self) -> None:
        """Kill the whole group at once, as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end, wait for that, and give its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self.kill()

    def _printed(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")


def stretto_argv(address: str, store: Path, *apps: str) -> list[str]:
    """How `stretto serve` is called with a SQLite file."""
    return command_argv("serve", "--listen", address, "--store", f"sqlite:{store}", *apps)


def command_argv(*words: str) -> list[str]:
    """How `stretto` is called."""
    return ["-c", "from stretto.cli import main; main()", *words]


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and its child processes have used, those that have ended included."""
    return sum(_cpu_seconds(one, ended=True) for one in _descent(pid))


def _descent(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            children.setdefault(int(_stat_fields(stat)[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def _stat_fields(stat: Path) -> list[str]:
    """The fields after the command's name, which may itself hold blanks."""
    return stat.read_text().rpartition(")")[2].split()


def _cpu_seconds(pid: int, *, ended: bool = False) -> float:
    """User and system time of a process, and of its children that have ended if they count."""
    with contextlib.suppress(OSError):
        # PostgreSQL has a process for each connection: what it did would be gone with the connection.
        times = _stat_fields(Path(f"/proc/{pid}/stat"))[11 : 15 if ended else 13]
        return sum(map(int, times)) / TICKS_PER_SECOND
    return 0.0


def _resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    return 0
