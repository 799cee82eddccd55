"""The logs of `troubleshooting`: a search over real files, which reads them once for all who ask at about one time."""

import datetime as dt
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from stretto.workflows._words import count
from stretto.workflows.troubleshooting._log_entries import Entry, bad_entry, blocks_of
from stretto.workflows.troubleshooting._log_files import TAIL_BYTES_MAX, LogFile, Tail, log_files, tail_of
from stretto.workflows.troubleshooting._log_words import RANKS

__all__ = ["LogFinding", "Logs"]

WORK_SECONDS_MAX: Final = 2.0
"""After that nothing more is read; the newest has been by then."""
ENTRIES_MAX: Final = 20_000
FILE_ENTRIES_MAX: Final = 5_000
"""What is kept in memory: of all files, and of one, so that a noisy one leaves room for others."""
FINDINGS_MAX: Final = 50
TERMS_MAX: Final = 64
LEFT_OUT_MAX: Final = 20
MEGABYTE: Final = 1024 * 1024

_ENOUGH: Final = (
    f"{WORK_SECONDS_MAX:g} seconds, or {FILE_ENTRIES_MAX} bad lines of a file and {ENTRIES_MAX} of all, are enough."
)


class LogFinding(BaseModel):
    """Like lines of the logs, in the contract's words."""

    model_config = ConfigDict(frozen=True)

    job_name: str
    file: str
    line: str
    level: str
    count: int
    last_at: dt.datetime | None = None


class Reading(NamedTuple):
    """What was read at one time: entries, the newest first, and what was left out."""

    entries: tuple[Entry, ...] = ()
    left_out: tuple[str, ...] = ()


class Logs:
    """The log files of a folder. Threads may share it; those that ask while it reads wait for that one reading."""

    def __init__(self, folder: Path, cache_seconds: float = 10.0, now: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._cache_seconds = cache_seconds
        self._now = now
        self._lock = threading.Lock()
        self._reading = Reading()
        self._read_at: float | None = None

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was left out when the files were last read, a sentence each."""
        return self._reading.left_out

    def search(
        self,
        job_name: str | None = None,
        terms: Sequence[str] = (),
        instance: str | None = None,
        since: dt.datetime | None = None,
    ) -> tuple[LogFinding, ...]:
        """What is bad and mentions the job, or else any of the terms, the worst first and then the newest.

        A file that is called after the job or the instance is all about it. Neither ever becomes part of a path.
        """
        entries: Iterable[Entry] = self._current()
        if job_name:
            entries = _about(entries, job_name)
        elif terms:
            entries = _with_terms(entries, terms)
        if instance:
            entries = _about(entries, _host(instance))
        if since is not None:
            entries = (entry for entry in entries if (entry.at or entry.file.written_at) >= since)
        return _findings(entries, job_name or "")

    def _current(self) -> tuple[Entry, ...]:
        with self._lock:
            if self._read_at is None or self._now() - self._read_at >= self._cache_seconds:
                self._reading = _read(self._folder, self._now)
                self._read_at = self._now()
            return self._reading.entries


def _read(folder: Path, now: Callable[[], float]) -> Reading:
    """The ends of all files within the bounds, the newest first."""
    until = now() + WORK_SECONDS_MAX
    files, left_out = log_files(folder)
    entries: list[Entry] = []
    cut: list[str] = []
    for number, file in enumerate(files):
        if now() > until or len(entries) >= ENTRIES_MAX:
            left_out.append(f"The oldest {len(files) - number} of {len(files)} log files are left out: {_ENOUGH}")
            break
        tail = tail_of(file)
        cut += [file.name] if tail.cut else []
        found, told = _entries(file, tail, min(FILE_ENTRIES_MAX, ENTRIES_MAX - len(entries)), lambda: now() > until)
        entries += found
        left_out += filter(None, (tail.left_out, told))
    left_out += _cut(cut)
    if len(left_out) > LEFT_OUT_MAX:
        left_out[LEFT_OUT_MAX - 1 :] = [f"{len(left_out) - LEFT_OUT_MAX + 1} more things are left out."]
    return Reading(tuple(entries), tuple(left_out))


def _cut(names: Sequence[str]) -> list[str]:
    """One sentence about all files of which only the end is read: logs are often large, and that is no news of each."""
    if not names:
        return []
    others = f" and {count(len(names) - 1, 'other file')}" if len(names) > 1 else ""
    return [f"Only the last {TAIL_BYTES_MAX // MEGABYTE} MB of {names[0]}{others} are read."]


def _entries(file: LogFile, tail: Tail, entries_max: int, is_late: Callable[[], bool]) -> tuple[list[Entry], str]:
    """The newest entries of one file, the newest first, and what was left out."""
    entries: list[Entry] = []
    for block in reversed(blocks_of(tail.lines)):
        if len(entries) >= entries_max or is_late():
            return entries, f"Older lines of {file.name} are left out: {_ENOUGH}"
        entry = bad_entry(file, block)
        if entry is not None:
            entries.append(entry)
    return entries, ""


def _about(entries: Iterable[Entry], name: str) -> Iterator[Entry]:
    """The entries that mention a name as a whole word, or stand in a file that is called so, with or without a date."""
    word = rf"(?<![\w-]){re.escape(name)}"
    in_text = re.compile(rf"{word}(?![\w-])", re.IGNORECASE)
    in_path = re.compile(rf"{word}(?:(?![\w-])|(?=[-_]\d{{4}}))", re.IGNORECASE)
    files: dict[str, bool] = {}
    for entry in entries:
        if entry.file.name not in files:
            files[entry.file.name] = bool(in_path.search(entry.file.name))
        if files[entry.file.name] or in_text.search(entry.text):
            yield entry


def _with_terms(entries: Iterable[Entry], terms: Sequence[str]) -> Iterator[Entry]:
    """The entries in which a word begins like one of the terms."""
    any_term = "|".join(re.escape(term) for term in terms[:TERMS_MAX] if term)
    pattern = re.compile(rf"(?<!\w)(?:{any_term})", re.IGNORECASE)
    return (entry for entry in entries if pattern.search(entry.text))


def _host(instance: str) -> str:
    """The machine of an instance: logs name it, and not the port at which its metrics are."""
    host, colon, port = instance.rpartition(":")
    return host.strip("[]") if colon and host and port.isdigit() else instance


def _findings(entries: Iterable[Entry], job_name: str) -> tuple[LogFinding, ...]:
    """Like entries in one, with the words of the newest. The first of those without a time is the newest."""
    groups: dict[tuple[str, str], tuple[Entry, int]] = {}
    for entry in entries:
        newest, number = groups.get((entry.level, entry.likeness), (entry, 0))
        if entry.at is not None and (newest.at is None or entry.at > newest.at):
            newest = entry
        groups[entry.level, entry.likeness] = newest, number + 1
    worst = sorted(groups.values(), key=lambda group: _order(group[0]))[:FINDINGS_MAX]
    return tuple(
        LogFinding(
            job_name=job_name,
            file=entry.file.name,
            line=entry.line,
            level=entry.level,
            count=number,
            last_at=entry.at,
        )
        for entry, number in worst
    )


def _order(entry: Entry) -> tuple[int, float]:
    return RANKS[entry.level], -entry.at.timestamp() if entry.at else 0.0
