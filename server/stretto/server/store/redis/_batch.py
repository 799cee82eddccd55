"""One operation's transaction: what it looked at must still be so when it is written, or nothing of it is."""

from collections.abc import Iterator
from dataclasses import dataclass

from stretto.server.domain.change import CheckpointCopy, Publication
from stretto.server.domain.session import Encoders, Session, SessionPublication
from stretto.server.domain.workflow import Interrupt
from stretto.server.store import _batch
from stretto.server.store._cache import Entry, Key
from stretto.server.store._delivery import Outcome, Ticket
from stretto.server.store._rows import Row
from stretto.server.store.redis import _encoding
from stretto.server.store.redis._link import Argument, Packed, pack
from stretto.server.store.redis._view import Held, View
from stretto.server.store.redis._writes import Writes


@dataclass(frozen=True, slots=True)
class Transaction:
    """What is sent for one operation, and what to tell when it was written."""

    ticket: "Ticket[Batch]"
    project: str
    """Empty when it is of none."""
    words: Packed
    """What `commit.lua` takes for it."""
    outcome: Outcome
    workflows: tuple[Key, ...]
    sessions: tuple[Key, ...]
    publications: list[Publication]
    session_publications: list[SessionPublication]


class Batch(_batch.Batch):
    """What one operation reads and writes; those before it in the same call are done already, as far as it can see."""

    def __init__(self, encoders: Encoders, view: View, ticket: "Ticket[Batch]", revision: str) -> None:
        super().__init__(encoders)
        self._view = view
        self._ticket = ticket
        self._revision = revision
        self._project = ""
        self._looked_at: dict[Key, Held[Entry]] = {}
        self._sessions_looked_at: dict[Key, Held[Session]] = {}
        self._requests = {key: view.request(key) for key in ticket.operation.requests()}
        self._used = dict(self._requests)
        self._writes = Writes(revision)

    def run(self) -> Transaction:
        """Run the operation, and let later ones see what it did."""
        outcome = self._ticket.run(self)
        staged = self.hand_over()
        for project, workflow_id, *_ in staged["workflow"]:
            self._make((project, workflow_id))
        for row in staged["workflow_state"]:
            self._change((row[0], row[1]), staged)
        for row in staged["session"]:
            self._change_session((row[0], row[1]))
        self._writes.rows(staged)
        for key, used in self._used.items():
            self._view.use_request(key, used)
        return Transaction(
            ticket=self._ticket,
            project=self._project_of(staged),
            words=pack(self._words()),
            outcome=outcome,
            workflows=tuple(self._looked_at),
            sessions=tuple(self._sessions_looked_at),
            publications=self.publications,
            session_publications=self.sessions.publications,
        )

    def find_entry(self, key: Key) -> Entry | None:
        """A workflow that this batch has not seen yet."""
        held = self._looked_at[key] = self._view.workflow(key)
        if held.row is not None:
            self._entries[key] = held.row
        return held.row

    def find_interrupts(self, key: Key) -> tuple[Interrupt, ...]:
        """The interrupts of a workflow; they are read with it, so nothing asks for them."""
        held = self._view.workflow(key)
        return (held.row and held.row.interrupts) or ()

    def find_session(self, key: Key) -> Session | None:
        """A session that this batch has not seen yet."""
        held = self._sessions_looked_at[key] = self._view.session(key)
        return held.row

    def copy_checkpoints(self, project: str, workflow_id: str, copied: CheckpointCopy) -> None:
        """Copy checkpoints to a workflow, also what transactions before this one write."""
        self._project = project
        self._writes.copy_checkpoints(workflow_id, copied)

    def delete_checkpoints(self, project: str, workflow_id: str) -> None:
        """Delete all checkpoint rows of a workflow."""
        self._project = project
        self._writes.delete_checkpoints(workflow_id)

    def probe(self) -> None:
        """Write something small."""
        self._writes.commands.append(("SET", "probe", self._revision))

    def _make(self, key: Key) -> None:
        """There must be no workflow yet of the id of a new one; that is not read ahead, but the transaction checks."""
        known = self._view.workflows.get(key)
        if known is not None and known.row is not None:
            raise ValueError(f"There is a workflow {key[1]} already.")
        self._looked_at[key] = Held(None, "")

    def _change(self, key: Key, staged: dict[str, list[Row]]) -> None:
        before, entry = self._looked_at[key].row, self._entries[key]
        self._writes.workflow(before.workflow if before else None, entry.workflow, staged)
        self._view.workflows.put(key, Held(entry, self._revision))

    def _change_session(self, key: Key) -> None:
        after = self.sessions.present[key]
        self._writes.session(self._sessions_looked_at[key].row, after)
        self._view.sessions.put(key, Held(after, self._revision))

    def _words(self) -> list[Argument]:
        checks, commands = list(self._checks()), self._writes.commands
        words: list[Argument] = [len(checks) // 3, *checks, len(commands)]
        for command in commands:
            words.append(len(command))
            words.extend(command)
        return words

    def _checks(self) -> Iterator[Argument]:
        """What must still stand where: revisions of rows, and what request ids were used for."""
        for (_, workflow_id), held in self._looked_at.items():
            yield from (f"w:{workflow_id}", "r", held.revision)
        for (_, session_id), held_session in self._sessions_looked_at.items():
            yield from (f"s:{session_id}", "r", held_session.revision)
        for (_, request_id), used in self._requests.items():
            yield from ("requests", request_id, _encoding.request_row(used) if used else b"")

    def _project_of(self, staged: dict[str, list[Row]]) -> str:
        """Its project; an operation is about one."""
        for keys in (self._looked_at, self._sessions_looked_at, self._requests):
            for project, _ in keys:
                return project
        rows = next((rows for rows in staged.values() if rows), None)
        return str(rows[0][0]) if rows else self._project
