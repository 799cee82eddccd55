"""A way to a server on which what is sent can be cut at a chosen place."""

import asyncio
import contextlib
import enum
from typing import Self

_CHUNK_BYTES = 1 << 20


class Cut(enum.Enum):
    """What becomes of the next thing that is sent and holds the marked bytes; the connection ends in each case."""

    UNHEARD = "none of it arrives"
    HALF_HEARD = "only its beginning arrives"
    UNANSWERED = "all of it arrives, and the answer gets lost"
    LATE = "all of it arrives, but only when `deliver` is called"


class CuttingProxy:
    """Passes bytes on, and cuts as often as it was told to."""

    def __init__(self, port: int, marks: bytes) -> None:
        self.cuts: list[Cut] = []
        """What is to happen, in this order."""
        self.port = 0
        self._server_port = port
        self._marks = marks
        self._late: list[tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def deliver(self) -> list[bytes]:
        """Let arrive what was kept back; what the server answers to it."""
        answers = []
        for chunk, reader, server in self._late:
            server.write(chunk)
            answers.append(await reader.read(_CHUNK_BYTES))
            server.close()
        self._late.clear()
        return answers

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        # Whoever closes the proxy cancels this, and asyncio would tell of that in its log.
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await self._serve(reader, writer)
        writer.close()
        self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server = await asyncio.open_connection("127.0.0.1", self._server_port)
        answering = asyncio.create_task(_pass_on(server_reader, writer))
        kept = False
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                if self._marks in chunk and self.cuts:
                    answering.cancel()
                    await asyncio.wait([answering])
                    kept = await self._cut(self.cuts.pop(0), chunk, server_reader, server)
                    return
                server.write(chunk)
        finally:
            answering.cancel()
            if not kept:
                server.close()

    async def _cut(
        self, cut: Cut, chunk: bytes, server_reader: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> bool:
        if cut is Cut.HALF_HEARD:
            server.write(chunk[: len(chunk) // 2])
            await server.drain()
        if cut is Cut.UNANSWERED:
            server.write(chunk)
            await server_reader.read(_CHUNK_BYTES)
        if cut is Cut.LATE:
            self._late.append((chunk, server_reader, server))
        return cut is Cut.LATE


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK_BYTES):
        writer.write(chunk)
