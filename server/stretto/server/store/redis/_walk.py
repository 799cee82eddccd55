"""Walks along indexes, page after page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ormsgpack

from stretto.server.domain.clock import Micros
from stretto.server.store.redis._link import Call, Link

EXAMINED_MAX = 2_000
"""Entries that one call looks at, so that nobody waits for long behind it."""

ROWS_MAX = 500
"""Rows that one call brings."""

Cursor = tuple[Micros, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Along one index of a project, from behind a cursor. Bounds are written as Redis takes them."""

    prefix: str
    index: str
    limit: int
    descending: bool = False
    low: str = "-inf"
    high: str = "+inf"
    begin: Cursor | None = None
    part: str = "f"
    """What the rows begin with: `f` for all of a workflow, `u` for a little of it, `d` for a session."""
    groups: Sequence[Sequence[str]] = ()
    """Indexes; of each group, an entry must stand in one."""
    unchanged_since: Micros = 0


def walk_all(link: Link, walks: Sequence[Walk]) -> list[list[Any]]:
    """The rows of several walks, in as few round trips as the longest needs."""
    found: list[list[Any]] = [[] for _ in walks]
    begins = {place: walk.begin for place, walk in enumerate(walks)}
    while begins:
        calls = [_call(walks[place], walks[place].limit - len(found[place]), begin) for place, begin in begins.items()]
        answers = link.ask_all(calls)
        ongoing: dict[int, Cursor | None] = {}
        for place, (rows, last) in zip(begins, answers, strict=True):
            found[place].extend(rows)
            if last is not None and len(found[place]) < walks[place].limit:
                ongoing[place] = (last[0], last[1])
        begins = ongoing
    return found


def _call(walk: Walk, limit: int, begin: Cursor | None) -> Call:
    first, last = (walk.high, walk.low) if walk.descending else (walk.low, walk.high)
    if begin and not _is_nearer(walk, first, begin[0]):
        first = str(begin[0])
    arguments = (
        walk.index,
        min(limit, ROWS_MAX),
        EXAMINED_MAX,
        "ZREVRANGEBYSCORE" if walk.descending else "ZRANGEBYSCORE",
        first,
        last,
        *(begin or ("", "")),
        walk.part,
        ormsgpack.packb(walk.groups),
        walk.unchanged_since,
    )
    return Call("walk", walk.prefix, arguments)


def _is_nearer(walk: Walk, first: str, score: Micros) -> bool:
    """Whether a walk begins behind the cursor anyhow."""
    bound = float(first.removeprefix("("))
    return bound < score if walk.descending else bound > score
