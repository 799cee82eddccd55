"""Drives a chat: watches the session, says what the user says, and keeps going through breaks of the connection."""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from stretto.cli._chat._face import Face
from stretto.cli._chat._slash import LEAVE, Slash
from stretto.cli._chat._story import Story
from stretto.cli._errors import told
from stretto.cli._exits import CommandError, Exit
from stretto.cli._live import BranchReader, patiently
from stretto.cli._sessions import message_lines
from stretto.client import Client, Session
from stretto.client.errors import (
    Denied,
    NotSupported,
    Overloaded,
    SessionDeleted,
    StrettoError,
    TimedOut,
    Unavailable,
)
from stretto.session.v1.session_pb2 import Message, MessageRole

__all__ = ["Talk"]

PROBE_SECONDS: Final = 0.5
"""Pause between two looks at whether a server is back."""

UNSAID_MAX: Final = 100
"""Lines that may wait for their turn: a pasted text, and not a flood."""

HOPELESS: Final = (Denied, NotSupported, SessionDeleted)
"""Refusals that every further message would meet too."""


class Talk:
    """One chat from its greeting to its end."""

    def __init__(self, client: Client, session: Session, story: Story, face: Face) -> None:
        self._client = client
        self._session = session
        self._story = story
        self._face = face
        self._slash = Slash(client, session, story, face)
        self._branches = BranchReader(client)
        self._unsaid: asyncio.Queue[str] = asyncio.Queue(UNSAID_MAX)
        self._mine: deque[str] = deque()
        self._news = asyncio.Event()
        self._probe: asyncio.Task[None] | None = None
        self._code = Exit.OK

    async def run(self, *, wait: bool) -> Exit:
        """Talk until the user leaves; through a pipe, until what was started has ended or waits."""
        tasks = [asyncio.create_task(part) for part in (self._listen(wait=wait), self._watch(), self._say_all())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await _stop([*tasks, *filter(None, [self._probe])])
        return self._code

    async def _listen(self, *, wait: bool) -> None:
        """Take in what the user says, until they leave."""
        async for line in self._face.lines():
            if line in LEAVE:
                return
            if line.startswith("/"):
                await self._tried(self._slash.do(line))
            else:
                await self._unsaid.put(line)
            if not self._face.live:
                await self._unsaid.join()
        if wait and not self._face.live:
            await self._until(lambda: self._story.settled)

    async def _say_all(self) -> None:
        while True:
            text = await self._unsaid.get()
            await self._tried(self._say(text))
            self._unsaid.task_done()

    async def _say(self, text: str) -> None:
        """Say one thing, once, however often that must be tried, and wait until its reply was shown."""
        request_id = str(uuid.uuid4())
        self._mine.append(text)
        try:
            reply = await patiently(lambda: self._session.send(text, request_id=request_id))
        except StrettoError:
            self._mine.remove(text)
            raise
        await self._until(lambda: self._story.sequence >= reply.sequence)

    async def _tried(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do something; tell what is wrong with it, unless nothing else would go better."""
        try:
            await doing
        except HOPELESS:
            raise
        except StrettoError as error:
            await self._fail(await told(error, self._client, self._client.target))
        except CommandError as error:
            await self._fail(error)

    async def _fail(self, error: CommandError) -> None:
        await self._face.fail(error)
        if not self._face.live and self._code is Exit.OK:
            self._code = error.code

    async def _watch(self) -> None:
        watch = self._session.watch(self._story.sequence, allow_missing=True, on_break=self._broke)
        async with watch:
            async for event in watch:
                # Nobody draws bars in a pipe.
                branch = await self._branches.read(event.progress) if self._face.live else None
                self._story.apply(event, branch)
                await self._face.event(event)
                if event.HasField("message") and not self._is_mine(event.message):
                    await self._face.show(*message_lines(event.message))
                self._news.set()
        await self._face.note("This session was deleted.")

    def _is_mine(self, message: Message) -> bool:
        """Whether the user has just typed it here."""
        if message.role != MessageRole.MESSAGE_ROLE_USER or message.text not in self._mine:
            return False
        self._mine.remove(message.text)
        return True

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._news.clear()
            await self._news.wait()

    def _broke(self, _: StrettoError, __: float) -> None:
        if self._probe is None or self._probe.done():
            self._probe = asyncio.ensure_future(self._look_for_the_server())

    async def _look_for_the_server(self) -> None:
        """Say that the connection is lost, once, and that it is back; nothing when it is back at once."""
        lost = False
        while not await self._answers():
            if not lost:
                await self._face.note("connection lost, trying again")
            lost = True
            await asyncio.sleep(PROBE_SECONDS)
        if lost:
            await self._face.note("connected again")

    async def _answers(self) -> bool:
        try:
            await self._session.get()
        except (Unavailable, TimedOut, Overloaded):
            return False
        except StrettoError:
            return True  # Whatever it says, it is there.
        return True


async def _stop(tasks: "list[asyncio.Task[None]]") -> None:
    """Stop tasks and wait until they have; what they raised was told by the first one."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
