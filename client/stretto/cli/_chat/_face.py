"""Where a chat takes place: what the user says, and where all else is shown. Here: a pipe, line by line."""

import asyncio
import contextlib
import queue
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

from stretto.cli._chat._story import Story
from stretto.cli._exits import CommandError
from stretto.cli._json import readable
from stretto.cli._live import patiently
from stretto.cli._output import Output
from stretto.client import Client
from stretto.session.v1.session_event_pb2 import SessionEvent

__all__ = ["Face", "Piped", "face_for"]


class Face(Protocol):
    """What a user talks through."""

    live: bool
    """Whether a person sits there, who reads while typing; else each message is answered before the next one."""

    def lines(self) -> AsyncIterator[str]:
        """What the user says, until they leave."""
        ...

    async def show(self, *things: Any) -> None:
        """Print what stays."""
        ...

    async def note(self, text: str) -> None:
        """Say something aside."""
        ...

    async def fail(self, error: CommandError) -> None:
        """Say what is wrong."""
        ...

    async def event(self, event: SessionEvent) -> None:
        """The next event, which the story has taken in."""
        ...


def face_for(out: Output, client: Client, story: Story, say: Sequence[str]) -> Face:
    """The way that fits the place: a prompt in a terminal that can draw, else lines."""
    if say or not out.live or out.console.is_dumb_terminal or not sys.stdin.isatty():
        return Piped(out, client, say)
    from stretto.cli._chat._screen import Screen  # noqa: PLC0415 - Its library is for those who look at it.

    return Screen(out, story)


class Piped:
    """Lines in, lines out; with --json one object for each event."""

    live = False

    def __init__(self, out: Output, client: Client, say: Sequence[str] = ()) -> None:
        self._out = out
        self._client = client
        self._say = say

    async def lines(self) -> AsyncIterator[str]:
        for text in self._say:
            yield text
        if not self._say:
            async for line in _stdin():
                if line.strip():
                    yield line.strip()

    async def show(self, *things: Any) -> None:
        self._out.show(*things)

    async def note(self, text: str) -> None:
        self._out.note(text)

    async def fail(self, error: CommandError) -> None:
        self._out.fail(error)

    async def event(self, event: SessionEvent) -> None:
        if self._out.json:
            self._out.line(await patiently(lambda: readable(event, self._client)))


async def _stdin() -> AsyncIterator[str]:
    """The lines of stdin. A read cannot be cancelled, so a thread does it that nobody waits for in the end."""
    loop = asyncio.get_running_loop()
    asked: queue.SimpleQueue[asyncio.Future[str] | None] = queue.SimpleQueue()

    def answer() -> None:
        while (future := asked.get()) is not None:
            line = _line()
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody listens any more.
                loop.call_soon_threadsafe(_give, future, line)

    threading.Thread(target=answer, name="stretto-stdin", daemon=True).start()
    try:
        while True:
            future = loop.create_future()
            asked.put(future)
            if not (line := await future):
                return
            yield line
    finally:
        asked.put(None)  # It ends with the line that it is reading now, if that ever comes.


def _line() -> str | CommandError:
    """The next line; empty at the end."""
    try:
        return sys.stdin.readline()
    except UnicodeDecodeError as error:
        return CommandError(f"stdin is no UTF-8 text: {error.reason}")


def _give(future: "asyncio.Future[str]", line: str | CommandError) -> None:
    if future.done():
        return
    if isinstance(line, CommandError):
        future.set_exception(line)
    else:
        future.set_result(line)
