"""Who watches the session: writes down each event, shows what it tells, and says when something has happened."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from rich.table import Table
from rich.text import Text

from stretto.cli._output import Output, clean
from stretto.client import Session
from stretto.session.v1.session_event_pb2 import SessionEvent
from stretto.session.v1.session_pb2 import Message, MessageRole, NoticeKind

_SPEAKERS: Final = {
    MessageRole.MESSAGE_ROLE_USER: ("you> ", "bold"),
    MessageRole.MESSAGE_ROLE_ASSISTANT: ("", "cyan"),
    MessageRole.MESSAGE_ROLE_NOTICE: ("● ", "yellow"),
}
SECONDS_WIDTH: Final = 7


class Listener:
    """One watcher of a session, from before its first message."""

    def __init__(self, session: Session, out: Output) -> None:
        self.seen: list[bytes] = []
        self.shown: list[Table] = []
        self.messages = 0
        self._session = session
        self._out = out
        self._began = 0.0
        self._events: list[tuple[float, SessionEvent]] = []
        self._types: dict[str, str] = {}
        self._news = asyncio.Event()

    def start(self) -> None:
        """The first message is about to be sent."""
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since the first message was sent."""
        return time.perf_counter() - self._began

    async def listen(self) -> None:
        """Take in all that happens, until cancelled."""
        async for event in self._session.watch(allow_missing=True):
            self._events.append((self.seconds, event))
            self.seen.append(event.SerializeToString(deterministic=True))
            self._show(event)
            self._news.set()

    async def until(self, holds: Callable[[SessionEvent], bool]) -> float:
        """Wait for an event, which may have come already; the seconds at which it came."""
        looked_at = 0
        while True:
            while looked_at < len(self._events):
                came, event = self._events[looked_at]
                if holds(event):
                    return came
                looked_at += 1
            self._news.clear()
            await self._news.wait()

    async def noticed(self, kind: "NoticeKind.ValueType", workflow_type: str) -> float:
        """Wait until the user was told something of a workflow of this type."""
        return await self.until(
            lambda event: event.message.notice.kind == kind and event.message.notice.workflow_type == workflow_type
        )

    def _show(self, event: SessionEvent) -> None:
        progress = event.progress
        if event.HasField("message"):
            self.messages += 1
            self._row(_said(event.message))
        elif progress.HasField("accepted"):
            self._types[progress.workflow_id] = progress.accepted.workflow_type
        elif progress.step_progress.message:
            share = f"{progress.step_progress.fraction:4.0%} "
            told = f"{self._types[progress.workflow_id]} {share} {progress.step_progress.message}"
            self._row(Text(clean(told), "dim"))

    def _row(self, text: Text) -> None:
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_column(justify="right", no_wrap=True, width=SECONDS_WIDTH)
        row.add_column(overflow="fold")
        row.add_row(Text(f"{self.seconds:.2f} s", "dim"), text)
        self.shown.append(row)
        self._out.show(row)


def _said(message: Message) -> Text:
    sign, style = _SPEAKERS[message.role]
    return Text(sign + clean(message.text), style)
