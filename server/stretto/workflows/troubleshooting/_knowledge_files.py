"""The runbooks of a folder, within bounds."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from stretto.workflows.troubleshooting._knowledge_runbook import Runbook, runbook_of
from stretto.workflows.troubleshooting.errors import SourceUnavailable

FILES_MAX: Final = 5_000
FILE_BYTES_MAX: Final = 1024 * 1024
FOLDER_BYTES_MAX: Final = 64 * 1024 * 1024
"""More knowledge than that is not made of runbooks, and all of it is kept in memory."""


class File(NamedTuple):
    """A runbook's file, and what changes when the file does."""

    name: str
    size: int
    changed_at: int
    inode: int


class Shelf(BaseModel):
    """What a folder holds, and what of it was left out, a sentence each."""

    model_config = ConfigDict(frozen=True)

    runbooks: tuple[Runbook, ...]
    skipped: tuple[str, ...]


def files_in(folder: Path) -> tuple[File, ...]:
    """The runbooks' files in the order of their names. Two equal answers mean that nothing has changed."""
    try:
        return tuple(sorted(_files_below(folder)))
    except OSError as error:
        raise SourceUnavailable(f"The folder of runbooks {folder} cannot be read: {error.strerror}.") from error


def read(folder: Path, files: tuple[File, ...]) -> Shelf:
    """The runbooks in these files."""
    runbooks, skipped, size = [], [], 0
    for file in files[:FILES_MAX]:
        told = _too_large(file, size) or ""
        try:
            runbook = None if told else runbook_of(file.name, _text(folder / file.name))
        except (OSError, ValueError) as error:
            runbook, told = None, f"{file.name} cannot be read: {_reason(error)}."
        if runbook is not None:
            size += file.size
            runbooks.append(runbook)
            told = runbook.complaint
        skipped += [told] if told else []
    if len(files) > FILES_MAX:
        skipped.append(
            f"{len(files) - FILES_MAX} of {len(files)} files are left out: no more than {FILES_MAX} are read."
        )
    return Shelf(runbooks=tuple(runbooks), skipped=tuple(skipped))


def _files_below(folder: Path) -> Iterator[File]:
    """Every Markdown file. Links out of the folder are not followed, nor are hidden folders looked into."""
    for path, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in names:
            if name.endswith(".md") and not name.startswith("."):
                yield from _file(folder, Path(path, name))


def _file(folder: Path, path: Path) -> Iterator[File]:
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            return
        found = path.stat()
    except (OSError, RuntimeError):  # It went away meanwhile, or is a link that leads nowhere or to itself.
        return
    if stat.S_ISREG(found.st_mode):
        name = path.relative_to(folder).as_posix()
        yield File(name, found.st_size, found.st_mtime_ns, found.st_ino)


def _raise(error: OSError) -> None:
    """What cannot be listed is an error; `os.walk` alone would pass it over."""
    raise error


def _too_large(file: File, size: int) -> str | None:
    if file.size > FILE_BYTES_MAX:
        return f"{file.name} is left out: it is larger than {FILE_BYTES_MAX} bytes."
    if size + file.size > FOLDER_BYTES_MAX:
        return f"{file.name} is left out: no more than {FOLDER_BYTES_MAX} bytes are read."
    return None


def _text(path: Path) -> str:
    """What a file says, whatever has been written to it since it was looked at."""
    with path.open("rb") as file:
        content = file.read(FILE_BYTES_MAX)
    if b"\0" in content:
        raise ValueError("it is not text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("it is not text in UTF-8") from error


def _reason(error: OSError | ValueError) -> str:
    return error.strerror or "for an unknown reason" if isinstance(error, OSError) else str(error)
