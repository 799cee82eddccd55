"""The log files of a folder, and the ends of them, within bounds."""

import datetime as dt
import gzip
import os
import re
import stat
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Final, NamedTuple

from stretto.workflows.troubleshooting.errors import SourceUnavailable

FILES_MAX: Final = 200
TAIL_BYTES_MAX: Final = 5 * 1024 * 1024
UNPACKED_BYTES_MAX: Final = 64 * 1024 * 1024
"""A packed file has to be unpacked from its start to get at its end."""
CANDIDATES_MAX: Final = 20_000
"""Log files that are looked at to find the newest ones."""

_NAME: Final = re.compile(r".+\.(?:log|jsonl?)(?:[.-]\d[\w-]*)?(?:\.gz)?", re.IGNORECASE)
_PROBE_BYTES: Final = 8 * 1024
_CHUNK_BYTES: Final = 1024 * 1024
# A pipe that is called like a log must not make the reader wait, nor may a link take a file's place.
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class LogFile(NamedTuple):
    """A log file: where it is, what it is called below its folder, and when it was last written."""

    path: Path
    name: str
    written_at: dt.datetime

    @property
    def is_json(self) -> bool:
        """Whether each of its lines is meant to be an object."""
        return ".json" in self.path.name.lower()


class Tail(NamedTuple):
    """The end of a file in lines, what of it could not be had, in a sentence, and whether there is more before it."""

    lines: list[str]
    left_out: str
    cut: bool = False


def log_files(folder: Path) -> tuple[list[LogFile], list[str]]:
    """The newest log files, the newest first, and what is left out."""
    try:
        found = list(islice(_files_below(folder), CANDIDATES_MAX + 1))
    except OSError as error:
        raise SourceUnavailable(f"The folder of logs {folder} cannot be read: {error.strerror}.") from error
    left_out = []
    if len(found) > CANDIDATES_MAX:
        left_out.append(f"No more than {CANDIDATES_MAX} log files are looked at; there are more.")
    if len(found) > FILES_MAX:
        left_out.append(f"Only the newest {FILES_MAX} log files are read; there are more.")
    return sorted(found, key=lambda file: file.written_at, reverse=True)[:FILES_MAX], left_out


def tail_of(file: LogFile) -> Tail:
    """The end of a file, whatever becomes of the file meanwhile."""
    try:
        descriptor = os.open(file.path, _OPEN_FLAGS)
        with os.fdopen(descriptor, "rb") as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return Tail([], f"{file.name} is left out: it is no file.")
            content, cut, told = _unpacked(opened, file.name) if file.name.endswith(".gz") else _plain(opened)
    except OSError as error:
        return Tail([], f"{file.name} is left out: {error.strerror or 'it cannot be read'}.")
    if b"\0" in content[:_PROBE_BYTES]:
        return Tail([], f"{file.name} is left out: it is not text.")
    if cut:
        # Where it was cut is in the middle of a line, most likely, and half a line says anything.
        content = content.partition(b"\n")[2] or content
    return Tail([line.rstrip("\r") for line in content.decode(errors="replace").split("\n")], told, cut)


def _files_below(folder: Path) -> Iterator[LogFile]:
    root = folder.resolve()
    for path, folders, names in os.walk(folder, onerror=lambda error: _listing_failed(folder, error)):
        folders.sort()
        for name in filter(_NAME.fullmatch, names):
            yield from _file(folder, root, Path(path, name))


def _listing_failed(folder: Path, error: OSError) -> None:
    """What `os.walk` would pass over. A folder below may go away or be closed; the folder itself may not."""
    if Path(error.filename) == folder:
        raise error


def _file(folder: Path, root: Path, path: Path) -> Iterator[LogFile]:
    """The file at a path, unless it is gone, is none, or is a link that leads out of the folder."""
    try:
        target = path.resolve(strict=True) if path.is_symlink() else path
        if target is not path and not target.is_relative_to(root):
            return
        found = target.stat()
    except (OSError, RuntimeError):
        return
    if stat.S_ISREG(found.st_mode):
        written_at = dt.datetime.fromtimestamp(found.st_mtime, dt.UTC)
        yield LogFile(target, path.relative_to(folder).as_posix(), written_at)


def _plain(opened: IO[bytes]) -> tuple[bytes, bool, str]:
    start = max(0, os.fstat(opened.fileno()).st_size - TAIL_BYTES_MAX)
    opened.seek(start)
    return opened.read(TAIL_BYTES_MAX), start > 0, ""


def _unpacked(opened: IO[bytes], name: str) -> tuple[bytes, bool, str]:
    """The end of a packed file. Of one that is damaged or still written, what can be unpacked is taken."""
    content, size, told = b"", 0, ""
    try:
        with gzip.GzipFile(fileobj=opened) as unpacked:
            while chunk := unpacked.read(min(_CHUNK_BYTES, UNPACKED_BYTES_MAX - size)):
                content, size = (content + chunk)[-TAIL_BYTES_MAX:], size + len(chunk)
            if size >= UNPACKED_BYTES_MAX:
                told = f"{name} is read up to {UNPACKED_BYTES_MAX} unpacked bytes only."
    except (EOFError, zlib.error, gzip.BadGzipFile):
        told = f"{name} is read as far as it can be unpacked."
    return content, size > len(content), told
