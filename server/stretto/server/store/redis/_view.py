"""Rows as a writer sees them, each with its revision: remembered, read, or as the last transaction will leave it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import ormsgpack

from stretto.server.domain.session import Session
from stretto.server.domain.workflow import Status
from stretto.server.store._cache import INPUT_BYTES_MAX, Cache, Entry, Key
from stretto.server.store._prepared import UsedRequest
from stretto.server.store.redis import _encoding
from stretto.server.store.redis._keys import prefix_of
from stretto.server.store.redis._link import Call, Link

T = TypeVar("T")
_Names: TypeAlias = "tuple[list[str], list[str], list[str]]"


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """A row, or None if there is none, and its revision, which is empty then."""

    row: T | None
    revision: str


class Rows(Generic[T]):
    """Rows of one sort: a batch's, before those that are remembered."""

    def __init__(self, cache: Cache[Held[T]]) -> None:
        self._cache = cache
        self._seen: dict[Key, Held[T]] = {}

    def get(self, key: Key) -> Held[T] | None:
        """A row, if it is known."""
        return self._seen.get(key) or self._cache.get(key)

    def unknown(self, keys: Iterable[Key]) -> list[Key]:
        """Those of the keys of which nothing is known."""
        return [key for key in keys if self.get(key) is None]

    def put(self, key: Key, held: Held[T]) -> None:
        """Take in a row."""
        self._seen[key] = held

    def remember(self, lost: set[Key]) -> None:
        """Keep the rows for the next batches, but for those of which it is not known how they are."""
        gone: Held[T] = Held(None, "")
        self._cache.update({key: gone if key in lost else held for key, held in self._seen.items()})
        self._cache.update(dict.fromkeys(lost, gone))


class Caches:
    """What a writer remembers of workflows and of sessions. It may be old: each transaction checks the revisions."""

    def __init__(self) -> None:
        self.workflows: Cache[Held[Entry]] = Cache(_is_busy)
        self.sessions: Cache[Held[Session]] = Cache(_is_there)

    def clear(self) -> None:
        """Forget everything."""
        self.workflows.clear()
        self.sessions.clear()


class View:
    """Rows for one batch."""

    def __init__(self, link: Link, caches: Caches) -> None:
        self._link = link
        self.workflows = Rows(caches.workflows)
        self.sessions = Rows(caches.sessions)
        self._requests: dict[Key, UsedRequest | None] = {}

    def load(self, workflows: Iterable[Key], sessions: Iterable[Key], requests: Iterable[Key]) -> None:
        """Read what is not known yet, in one round trip."""
        wanted: dict[str, _Names] = {}
        for place, keys in enumerate((workflows, sessions, requests)):
            for project, name in dict.fromkeys(keys):
                wanted.setdefault(project, ([], [], []))[place].append(name)
        calls = [Call("load", prefix_of(project), (ormsgpack.packb(names),)) for project, names in wanted.items()]
        for (project, names), answer in zip(wanted.items(), self._link.ask_all(calls), strict=True):
            self._take(project, names, answer)

    def workflow(self, key: Key) -> Held[Entry]:
        """A workflow's row, read if need be."""
        if (held := self.workflows.get(key)) is None:
            self.load([key], [], [])
            held = self.workflows.get(key)
        assert held is not None
        return held

    def session(self, key: Key) -> Held[Session]:
        """A session's row, read if need be."""
        if (held := self.sessions.get(key)) is None:
            self.load([], [key], [])
            held = self.sessions.get(key)
        assert held is not None
        return held

    def request(self, key: Key) -> UsedRequest | None:
        """What a request id was used for. One that was not read counts as new, and its transaction checks that."""
        return self._requests.get(key)

    def use_request(self, key: Key, used: UsedRequest | None) -> None:
        """Let later operations see a request id as used."""
        self._requests[key] = used

    def _take(self, project: str, names: _Names, answer: Sequence[Sequence[Any]]) -> None:
        workflows, sessions, requests = answer
        for name, workflow_row in zip(names[0], workflows, strict=True):
            self.workflows.put((project, name), _held_entry(workflow_row))
        for name, session_row, revision in sessions:
            if self.sessions.get((project, name)) is None:
                row = None if session_row is None else _encoding.to_session(session_row)
                self.sessions.put((project, name), Held(row, _text(revision)))
        for name, request_row in zip(names[2], requests, strict=True):
            used = None if request_row is None else _encoding.to_request(request_row)
            self._requests[project, name] = used


def _held_entry(row: Sequence[Any] | None) -> Held[Entry]:
    if row is None:
        return Held(None, "")
    fixed, state, revision, interrupts = row
    entry = Entry(_encoding.to_workflow((fixed, state)), _encoding.to_interrupts(interrupts))
    return Held(entry, _text(revision))


def _text(revision: bytes | None) -> str:
    return (revision or b"").decode()


def _is_busy(held: Held[Entry]) -> bool:
    if held.row is None:
        return False
    workflow = held.row.workflow
    return workflow.status in (Status.QUEUED, Status.RUNNING) and len(workflow.input.value) <= INPUT_BYTES_MAX


def _is_there(held: Held[Session]) -> bool:
    return held.row is not None and not held.row.deleted_at
