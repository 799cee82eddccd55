"""What is asked of all projects: what waits, who owns what, and what is too old."""

from collections.abc import Iterator, Sequence

from stretto.server.domain.clock import Micros
from stretto.server.domain.member import Owned
from stretto.server.domain.workflow import Status
from stretto.server.store.port import Position, Unfinished
from stretto.server.store.redis import _encoding, _members
from stretto.server.store.redis._keys import prefix_of
from stretto.server.store.redis._link import Call, Link
from stretto.server.store.redis._places import status_index
from stretto.server.store.redis._projects import sizes, with_some
from stretto.server.store.redis._walk import Cursor, Walk, walk_all

FORGOTTEN_MAX = 1_000
"""Request ids deleted in one call of a script, so that others do not wait for long; sessions too."""

PURGED_MAX = 16
"""Workflows of a deleted session that are removed in one call."""

_TOGETHER = 32
"""Projects that are asked in one round trip where the first ones may be enough."""

_NO_LIMIT = 2**40
_QUEUED = [status_index(Status.QUEUED, turns=turns) for turns in (False, True)]
_UNFINISHED = [
    status_index(status, turns=turns)
    for status in (Status.QUEUED, Status.RUNNING, Status.WAITING)
    for turns in (False, True)
]


def unfinished(link: Link) -> tuple[Unfinished, ...]:
    """All workflows that have not ended, oldest first."""
    wanted = with_some(link, *_UNFINISHED)
    found = _brief(link, [(project, index) for project in wanted for index in _UNFINISHED], _NO_LIMIT)
    found.sort(key=lambda one: (one.created_at, one.workflow_id))
    return tuple(found)


def queued(
    link: Link, limit: int, after: tuple[str, Micros, str] | None, updated_before: Micros
) -> tuple[Unfinished, ...]:
    """Queued workflows and turns by project and age."""
    found: list[Unfinished] = []
    wanted = [project for project in with_some(link, *_QUEUED) if after is None or project >= after[0]]
    for start in range(0, len(wanted), _TOGETHER):
        pairs = [(project, index) for project in wanted[start : start + _TOGETHER] for index in _QUEUED]
        found += _brief(link, pairs, limit, after, updated_before)
        if len(found) >= limit:
            break
    found.sort(key=lambda one: (one.project, one.created_at, one.workflow_id))
    return tuple(found[:limit])


def queued_counts(link: Link, limit: int) -> tuple[int, int]:
    """How many workflows are queued and how many turns, each counted up to a limit."""
    workflows, turns = sizes(link, *_QUEUED)
    return min(limit, workflows), min(limit, turns)


def overdue(link: Link, now: Micros, limit: int) -> tuple[Unfinished, ...]:
    """Some workflows that have not ended though their deadline has come."""
    walks = {
        project: Walk(prefix=prefix_of(project), index="deadlines", limit=limit, high=str(now), part="u")
        for project in with_some(link, "deadlines", upto=str(now))
    }
    found = zip(walks, walk_all(link, list(walks.values())), strict=True)
    return tuple(_encoding.to_unfinished(project, parts) for project, rows in found for parts in rows)[:limit]


def owned(link: Link, member_id: str) -> tuple[Owned, ...]:
    """The running workflows that a member owns."""
    index = f"o:{member_id}"
    walks = {
        project: Walk(prefix=prefix_of(project), index=index, limit=_NO_LIMIT, part="u")
        for project in with_some(link, index)
    }
    found = zip(walks, walk_all(link, list(walks.values())), strict=True)
    return tuple(_encoding.to_owned(project, parts) for project, rows in found for parts in rows)


def adrift(link: Link, limit: int) -> tuple[Owned, ...]:
    """Some running workflows whose owner is no member, or was silent for its lease or longer."""
    alive = [presence.member.member_id for presence in _members.everybody(link) if presence.is_alive]
    wanted = with_some(link, "owners")
    answers = link.ask_all([Call("adrift", prefix_of(project), (limit, *alive)) for project in wanted])
    found = (
        _encoding.to_owned(project, parts) for project, rows in zip(wanted, answers, strict=True) for parts in rows
    )
    return tuple(found)[:limit]


def positions(link: Link, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
    """How far the journals of workflows are."""
    wanted = _by_project(keys)
    answers = link.ask_all([Call("rows", prefix_of(project), ("u", *names)) for project, names in wanted.items()])
    return tuple(
        _encoding.to_position(project, parts)
        for project, rows in zip(wanted, answers, strict=True)
        for parts in rows
        if parts is not None
    )


def session_positions(link: Link, keys: Sequence[tuple[str, str]]) -> tuple[Position, ...]:
    """How far the journals of sessions are; one that was deleted has come to its end."""
    wanted = _by_project(keys)
    answers = link.ask_all([Call("sessions", prefix_of(project), names) for project, names in wanted.items()])
    found = [_encoding.to_session(row) for rows in answers for row in rows if row is not None]
    return tuple(Position(one.project, one.session_id, one.last_sequence, ended=one.deleted_at != 0) for one in found)


def purge(link: Link) -> int:
    """Remove some of what belonged to deleted sessions; says how many keys."""
    return _everywhere(link, "purge", "purge", PURGED_MAX)


def forget_requests(link: Link, before: Micros) -> int:
    """Delete request ids that were used before a time; says how many."""
    return sum(_until_none(link, "requests:age", "forget_requests", before))


def forget_sessions(link: Link, before: Micros) -> int:
    """Delete rows of sessions that were deleted before a time and are purged; says how many."""
    return sum(_until_none(link, "sessions:deleted", "forget_sessions", before))


def _until_none(link: Link, index: str, script: str, before: Micros) -> Iterator[int]:
    while count := _everywhere(link, index, script, before, FORGOTTEN_MAX):
        yield count


def _everywhere(link: Link, index: str, script: str, *arguments: int) -> int:
    """The sum of what a script answers in all projects that have an index."""
    return sum(link.ask_all([Call(script, prefix_of(project), arguments) for project in with_some(link, index)]))


def _brief(
    link: Link,
    pairs: Sequence[tuple[str, str]],
    limit: int,
    after: tuple[str, Micros, str] | None = None,
    unchanged_since: Micros = 0,
) -> list[Unfinished]:
    """The workflows in indexes of projects, oldest first in each; a cursor holds for its own project."""
    walks = [
        Walk(
            prefix=prefix_of(project),
            index=index,
            limit=limit,
            begin=_cursor(project, after),
            part="u",
            unchanged_since=unchanged_since,
        )
        for project, index in pairs
    ]
    found = zip(pairs, walk_all(link, walks), strict=True)
    return [_encoding.to_unfinished(project, parts) for (project, _), rows in found for parts in rows]


def _cursor(project: str, after: tuple[str, Micros, str] | None) -> Cursor | None:
    return (after[1], after[2]) if after is not None and after[0] == project else None


def _by_project(keys: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for project, name in keys:
        found.setdefault(project, []).append(name)
    return found
