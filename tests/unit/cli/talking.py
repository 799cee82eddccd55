"""A session made by hand, as a client would hold it: tests write its journal, and say what becomes of messages."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, Self

from stretto.client.errors import NotFound, StrettoError
from stretto.session.v1 import session_pb2 as model
from stretto.session.v1.session_event_pb2 import ReplyDelta, SessionDeleted, SessionEvent
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import Interrupt
from tests.unit.cli.telling import ID

USER, ASSISTANT, NOTICE = 1, 2, 3
WAITING, SUCCEEDED, FAILED = 1, 2, 3
LAUNCHED, DECIDED, CANCELLED = 1, 2, 3


class Journal:
    """Makes the entries of a session, one after the other."""

    def __init__(self) -> None:
        self.events: list[SessionEvent] = []
        self.more = asyncio.Condition()

    def add(self, **kind: Any) -> SessionEvent:
        event = SessionEvent(sequence=len(self.events) + 1, session_id="ses_1", **kind)
        if event.HasField("message"):
            event.message.sequence = event.sequence
        self.events.append(event)
        return event

    def user(self, text: str, turn: str = "t1") -> SessionEvent:
        return self.add(message=model.Message(role=USER, text=text, turn_id=turn))

    def delta(self, text: str, turn: str = "t1", attempt: str = "a") -> SessionEvent:
        return self.add(reply_delta=ReplyDelta(turn_id=turn, try_id=attempt, text=text))

    def reply(self, text: str, *touched: tuple[str, int], turn: str = "t1", **more: Any) -> SessionEvent:
        workflows = [
            model.TouchedWorkflow(workflow_id=workflow_id, workflow_type="parcel", kind=kind)
            for workflow_id, kind in touched
        ]
        reply = model.Reply(workflows=workflows, **more)
        return self.add(message=model.Message(role=ASSISTANT, text=text, turn_id=turn, reply=reply))

    def progress(self, event: ProgressEvent) -> SessionEvent:
        return self.add(progress=event)

    def notice(self, kind: int, text: str, interrupt: Interrupt | None = None) -> SessionEvent:
        notice = model.Notice(kind=kind, workflow_id=ID, workflow_type="parcel", interrupt=interrupt)
        return self.add(message=model.Message(role=NOTICE, text=text, notice=notice))

    def deleted(self) -> SessionEvent:
        return self.add(deleted=SessionDeleted())


class HandSession:
    """A session whose server is the test: `answers` are the replies, or what goes wrong, one for each try."""

    id = "ses_1"

    def __init__(self) -> None:
        self.journal = Journal()
        self.answers: list[Any] = []
        self.sent: list[tuple[str, str]] = []
        self.gets: list[StrettoError | None] = []
        self.on_break: Any = None

    async def tell(self) -> None:
        """Let watchers see what was added."""
        async with self.journal.more:
            self.journal.more.notify_all()

    async def send(self, text: str, *, request_id: str) -> model.Message:
        self.sent.append((text, request_id))
        answer = self.answers.pop(0) if self.answers else f"You said {text}."
        if isinstance(answer, StrettoError):
            raise answer
        self.journal.user(text)
        event = answer() if callable(answer) else self.journal.reply(answer)
        await self.tell()
        return event.message

    async def get(self) -> None:
        if self.gets and (wrong := self.gets.pop(0)):
            raise wrong

    def watch(self, after: int, *, allow_missing: bool, on_break: Any) -> Any:
        assert allow_missing
        self.on_break = on_break
        return _Watch(self.journal, after)


class _Watch:
    def __init__(self, journal: Journal, after: int) -> None:
        self._journal = journal
        self._after = after

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[SessionEvent]:
        while True:
            async with self._journal.more:
                await self._journal.more.wait_for(lambda: len(self._journal.events) > self._after)
            event = self._journal.events[self._after]
            self._after += 1
            yield event
            if event.HasField("deleted"):
                return


class Client(SimpleNamespace):
    """As much of a client as telling an error needs."""

    target = "here:1"

    async def types(self) -> AsyncIterator[Any]:
        raise NotFound("no types here")
        yield
