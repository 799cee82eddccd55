"""What an operation staged, as the commands that write it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import ormsgpack

from stretto.server.domain.change import CheckpointCopy
from stretto.server.domain.session import EntryKind, Session
from stretto.server.domain.workflow import Workflow
from stretto.server.store._prepared import UsedRequest
from stretto.server.store._rows import Row
from stretto.server.store.redis import _encoding, _places
from stretto.server.store.redis._keys import CHECKPOINT_KINDS, name_of
from stretto.server.store.redis._places import Write

_TOGETHER_MAX = 1_000
"""Values in one command: Lua takes only so many arguments."""

_SEQUENCE_DIGITS = 12

T = TypeVar("T")
Staged = Mapping[str, Sequence[Row]]


class Writes:
    """The commands of one operation, in terms of what was there before it and is there after it."""

    def __init__(self, revision: str) -> None:
        self._revision = revision
        self.commands: list[Write] = []

    def workflow(self, before: Workflow | None, after: Workflow, staged: Staged) -> None:
        """Write a workflow's row, with those of its interrupts that changed, and move it in the indexes."""
        workflow_id = after.workflow_id
        values: list[str | bytes] = ["r", self._revision]
        for row in staged["workflow"]:
            if row[1] == workflow_id:
                values += ["f", _encoding.fixed_part(row), "u", _encoding.brief_part(after), "x", after.session_id]
                self.commands.extend(_places.of_workflow(after))
        for row in staged["workflow_state"]:
            if row[1] == workflow_id:
                values += ["s", _encoding.state_part(row)]
        for row in staged["interrupt"]:
            if row[1] == workflow_id:
                values += [f"i{row[2]}", ormsgpack.packb(row[3:])]
        self.commands.append(("HSET", f"w:{workflow_id}", *values))
        self.commands.extend(_places.moved(before, after))

    def session(self, before: Session | None, after: Session) -> None:
        """Write a session's row and move it in the indexes."""
        key = f"s:{after.session_id}"
        self.commands.append(("HSET", key, "d", _encoding.session_row(after), "r", self._revision))
        self.commands.extend(_places.session_moved(before, after))

    def rows(self, staged: Staged) -> None:
        """Write what only comes on top of what is there."""
        self.commands.extend(_pushed("e", staged["event"], lambda row: row[3]))
        self.commands.extend(_pushed("j", staged["session_event"], lambda row: ormsgpack.packb(row[3:])))
        for row in staged["session_event"]:
            self.commands.extend(_words(row))
        for _, session_id in staged["purge"]:
            self.commands.append(("SADD", "purge", session_id))
        for _, request_id, digest, workflow_id, at in staged["request"]:
            self.commands.append(
                ("HSET", "requests", request_id, _encoding.request_row(UsedRequest(digest, workflow_id)))
            )
            self.commands.append(("ZADD", "requests:age", at, request_id))
        self.commands.extend(_checkpoint_writes(staged))

    def copy_checkpoints(self, workflow_id: str, copied: CheckpointCopy) -> None:
        """Copy checkpoints from another workflow, on Redis's side."""
        values = (copied.workflow_id, workflow_id, copied.checkpoint_id, int(copied.with_writes))
        self.commands.append(("COPY-CHECKPOINTS", *values))

    def delete_checkpoints(self, workflow_id: str) -> None:
        """Delete all that belongs to a workflow's checkpoints."""
        self.commands.extend(("UNLINK", f"{kind}:{workflow_id}") for kind in CHECKPOINT_KINDS)


def _checkpoint_writes(staged: Staged) -> Iterator[Write]:
    if not (staged["checkpoint"] or staged["channel_blob"] or staged["pending_write"]):
        return
    checkpoints = [(row[1], name_of(*row[2:4]), row[2:]) for row in staged["checkpoint"]]
    yield from _put("c", "k", checkpoints)
    yield from _put("b", "", [(row[1], name_of(*row[2:5]), row[2:]) for row in staged["channel_blob"]])
    writes = [(row[1], name_of(*row[2:5], str(row[5])), row[2:]) for row in staged["pending_write"]]
    yield from _put("p", "q", writes)


def _put(kind: str, index: str, rows: Iterable[tuple[str, str, Row]]) -> Iterator[Write]:
    """Rows by their names in the hashes of their workflows, and the names in an index if it has one."""
    for workflow_id, some in _by_owner((workflow_id, (name, row)) for workflow_id, name, row in rows):
        fields = [word for name, row in some for word in (name, ormsgpack.packb(row))]
        yield ("HSET", f"{kind}:{workflow_id}", *fields)
        if index:
            yield ("ZADD", f"{index}:{workflow_id}", *(word for name, _ in some for word in (0, name)))


def _pushed(kind: str, rows: Iterable[Row], value_of: Callable[[Row], bytes]) -> Iterator[Write]:
    """Values at the ends of the lists that they belong to."""
    for name, values in _by_owner((row[1], value_of(row)) for row in rows):
        yield ("RPUSH", f"{kind}:{name}", *values)


def _by_owner(pairs: Iterable[tuple[str, T]]) -> Iterator[tuple[str, list[T]]]:
    """What belongs to the same workflow or session together, but never too much for one command."""
    found: dict[str, list[T]] = {}
    for owner, one in pairs:
        found.setdefault(owner, []).append(one)
    for owner, all_of_it in found.items():
        for start in range(0, len(all_of_it), _TOGETHER_MAX):
            yield owner, all_of_it[start : start + _TOGETHER_MAX]


def _words(row: Row) -> Iterator[Write]:
    """How messages and notices are found again."""
    _, session_id, sequence, kind, workflow_id = row[:5]
    if kind in (EntryKind.MESSAGE, EntryKind.NOTICE):
        yield ("ZADD", f"m:{session_id}", sequence, sequence)
    if kind == EntryKind.MESSAGE:
        yield ("ZADD", f"t:{session_id}", 0, name_of(workflow_id, f"{sequence:0{_SEQUENCE_DIGITS}d}"))
