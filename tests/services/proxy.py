"""A way to a service, on which a connection can be cut at a word that the client says."""

import asyncio
import contextlib
import enum
from collections import deque
from typing import Self

_CHUNK_BYTES = 1 << 20


class Cut(enum.Enum):
    """What becomes of what a client sends with the word in it. The connection ends, but for the last one's."""

    UNHEARD = "none of it arrives"
    HALF_HEARD = "only its beginning arrives"
    UNANSWERED = "all of it arrives, and the answer gets lost"
    LATE = "all of it arrives, but only when `deliver` is called"
    SILENCE = "all of it arrives, and then neither side hears anything, not even that the other one is gone"


class Proxy:
    """Passes bytes on, and cuts where it was told to."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.cuts: deque[tuple[bytes, Cut]] = deque()
        """What is still to happen, in this order, and at which words."""
        self.was_cut = asyncio.Event()
        self._to = port
        self._refuses = self._refuses_then = False
        self._late: list[tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._silent: list[asyncio.StreamWriter] = []
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
        for writer in (*self._silent, *(server for _, _, server in self._late)):
            writer.close()

    def cut_at(self, word: bytes, *cuts: Cut, refuse: bool = False) -> None:
        """Cut whenever a client says a word, as often as there are cuts; with `refuse`, nobody may come after that."""
        self.was_cut.clear()
        self._refuses_then = refuse
        self.cuts.extend((word, cut) for cut in cuts)

    def allow(self) -> None:
        """Take new connections again."""
        self._refuses = False

    async def deliver(self) -> list[bytes]:
        """Let arrive what was kept back; what the service answers to it."""
        answers = []
        for chunk, reader, server in self._late:
            server.write(chunk)
            answers.append(await reader.read(_CHUNK_BYTES))
            server.close()
        self._late.clear()
        return answers

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        # Whoever closes the proxy cancels this, and asyncio would tell of that in its log.
        with contextlib.suppress(asyncio.CancelledError, OSError):
            if not self._refuses:
                await self._serve(reader, client)
        if client not in self._silent:
            client.close()
        self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        server_reader, server = await asyncio.open_connection("127.0.0.1", self._to)
        answering = asyncio.create_task(_pass_on(server_reader, client))
        is_kept = False
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                if self.cuts and self.cuts[0][0] in chunk:
                    _, cut = self.cuts.popleft()
                    self._refuses = self._refuses_then
                    answering.cancel()
                    await asyncio.wait([answering])
                    is_kept = cut in (Cut.LATE, Cut.SILENCE)
                    await self._cut(cut, chunk, server_reader, server, client)
                    self.was_cut.set()
                    return
                server.write(chunk)
                await server.drain()
        finally:
            answering.cancel()
            if not is_kept:
                server.close()

    async def _cut(
        self,
        cut: Cut,
        chunk: bytes,
        server_reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        match cut:
            case Cut.HALF_HEARD:
                server.write(chunk[: len(chunk) // 2])
                await server.drain()
            case Cut.UNANSWERED:
                server.write(chunk)
                await server_reader.read(_CHUNK_BYTES)
            case Cut.LATE:
                self._late.append((chunk, server_reader, server))
            case Cut.SILENCE:
                server.write(chunk)
                await server.drain()
                self._silent += [server, client]


async def _pass_on(reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
    """Pass on answers, and tell the client when there are no more."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            client.write(chunk)
            await client.drain()
    client.close()
