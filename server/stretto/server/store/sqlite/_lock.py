"""One process at a time: SQLite would let a second one write, and both would hand out the same epochs."""

import contextlib
import fcntl
import os
import pathlib

from stretto.server.domain.errors import StoreInUse


class FileLock:
    """A lock beside the store's file. The kernel lets go of it when its holder dies, in whatever way."""

    def __init__(self, path: pathlib.Path) -> None:
        self._store = path
        self._path = path.with_name(path.name + ".lock")
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, or raise StoreInUse."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            os.close(descriptor)
            who = f" (process {holder})" if holder else ""
            raise StoreInUse(
                f"Another server{who} has the store {self._store} open; stop it, or name another file with "
                "--store sqlite:PATH."
            ) from None
        self._descriptor = descriptor
        # The process id is only for people, so a full disk must not keep the store from opening.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go of the lock. The file stays: deleting it would let two openers lock two different files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
