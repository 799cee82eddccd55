"""The executor's end of the link: the ledger that asks the server, and the loop that does what the server says."""

import asyncio
import itertools
import socket
from collections.abc import Awaitable, Sequence
from typing import Any

from stretto.server.domain.change import RunCommit, StoredCheckpoint
from stretto.server.domain.clock import Clock
from stretto.server.domain.codec import Codec
from stretto.server.domain.errors import CancelAccepted, StaleEpoch, StrettoError
from stretto.server.domain.payload import JsonValue
from stretto.server.engine import wire
from stretto.server.engine.at_start import speak
from stretto.server.engine.desk import TurnName
from stretto.server.engine.executor import Executor, Graphs
from stretto.server.engine.link import Link

_REFUSALS = {error.__name__: error for error in (StaleEpoch, CancelAccepted)}


class RemoteLedger:
    """The ledger and the desk of an executor process: each call is a message to the server and its answer."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)

    def commit(self, commit: RunCommit) -> Awaitable[None]:
        """Make a run's news durable."""
        return self._ask("commit", wire.commit_body(commit))

    def ended(self, project: str, workflow_id: str, epoch: int) -> None:
        """Nothing to do: the server is told of the end itself."""

    async def checkpoint(
        self, project: str, workflow_id: str, namespace: str, checkpoint_id: str
    ) -> StoredCheckpoint | None:
        """One checkpoint, or the newest one of the namespace when the id is empty."""
        fields = await self._ask("checkpoint", (project, workflow_id, namespace, checkpoint_id))
        return wire.stored_checkpoint(fields) if fields else None

    async def checkpoints(
        self, project: str, workflow_id: str, namespace: str | None, limit: int, before: str
    ) -> tuple[StoredCheckpoint, ...]:
        """Checkpoints, newest first."""
        page = await self._ask("checkpoints", (project, workflow_id, namespace, limit, before))
        return tuple(wire.stored_checkpoint(fields) for fields in page)

    async def ask(self, turn: TurnName, verb: str, body: JsonValue) -> JsonValue:
        """Ask the server's desk."""
        answer: JsonValue = await self._ask(
            "desk", (turn.project, turn.session_id, turn.turn_id, turn.epoch, verb, body)
        )
        return answer

    def answered(self, message: wire.Message) -> None:
        """Give an answer or a refusal to whoever waits for it."""
        future = self._calls.pop(message.call, None)
        if future is None or future.done():
            return
        if message.kind == "answer":
            future.set_result(message.body)
        else:
            future.set_exception(_REFUSALS.get(message.body, StrettoError)())

    def _ask(self, kind: str, body: Any) -> asyncio.Future[Any]:
        assert self.link is not None
        call = next(self._numbers)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[call] = future
        self.link.send(kind, call, body)
        return future


class Child:
    """Does what the server says until the server is gone."""

    def __init__(self, graphs: Graphs, codec: Codec, clock: Clock) -> None:
        self._graphs = graphs
        self._ledger = RemoteLedger()
        self._executor = Executor(graphs, self._ledger, codec, clock, self._on_ended, self._ledger)
        self._gone = asyncio.Event()
        self._draining: asyncio.Task[None] | None = None

    async def serve(self, sock: socket.socket) -> None:
        """Say hello and work; return when the server has hung up."""
        self._ledger.link = await Link.open(sock, self._on_message, self._gone.set)
        self._send("hello", [registered.info for registered in self._graphs.by_name.values()])
        await self._gone.wait()

    def _send(self, kind: str, body: Any) -> None:
        if self._ledger.link is not None:
            self._ledger.link.send(kind, 0, body)

    def _on_ended(self, project: str, workflow_id: str, epoch: int, told: bool) -> None:  # noqa: FBT001 - as Ended says
        self._send("ended", (project, workflow_id, epoch, told))

    def _on_message(self, message: wire.Message) -> None:
        match message.kind:
            case "assign":
                self._executor.assign(wire.assignment(message.body))
            case "answer" | "refusal":
                self._ledger.answered(message)
            case "cancel":
                self._executor.cancel(*message.body)
            case "disown":
                self._executor.disown(*message.body)
            case "speak":
                speak(registered.declaration for registered in self._graphs.by_name.values())
            case "ping":
                self._send("pong", None)
            case "drain":
                self._draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        await self._executor.drain()
        self._send("drained", None)


async def refuse(sock: socket.socket, reason: str) -> None:
    """Tell the server why its graphs cannot be loaded."""
    link = await Link.open(sock, lambda _: None, lambda: None)
    link.send("refused", 0, reason)
    await asyncio.sleep(0)
    link.close()
    await asyncio.sleep(0)


__all__: Sequence[str] = ["Child", "RemoteLedger", "refuse"]
