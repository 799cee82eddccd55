"""What a transaction leaves behind, by which to tell later whether it was committed.

Its number alone does not say so: when the database crashes, it gives numbers of which nothing had reached the disk to
other transactions, and those may be committed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stretto.server.store.postgres import _sql

_WRITTEN_BY = "xmin::text = ($1::text::numeric % 4294967296)::text"


@dataclass(frozen=True, slots=True)
class Trace:
    """A question whether a row is there as a transaction wrote it; that one's number is the first value."""

    text: str
    values: tuple[Any, ...]


def trace_of(staged: Mapping[str, Sequence[Sequence[Any]]]) -> Trace:
    """What to look for. An event is best, for nothing changes it; what others have changed since is told as not there.

    That is as true as an answer need be: the same is tried again then, and changes nothing or is refused.
    """
    part = next((name for name in ("event", "session_event") if name in staged), next(iter(staged)))
    table, row = _sql.TABLES[part.removeprefix("changed_")], staged[part][0]
    found = f"SELECT FROM {table.name} WHERE project = $2 AND {table.columns[1]} = $3 AND {_WRITTEN_BY}"
    if part == "event":
        return Trace(f"SELECT EXISTS ({found} AND sequence = $4 AND body = $5)", tuple(row))
    return Trace(f"SELECT EXISTS ({found})", (row[0], row[1]))
