"""A connection to a service that can be cut at a word: between a client and the server that it believes to talk to."""

import asyncio
import contextlib
import enum
from collections.abc import AsyncIterator


class Cut(enum.Enum):
    """What happens when the word comes by."""

    BEFORE = "The server does not hear of it."
    AFTER = "The server hears of it, and the client not of the answer."
    SILENCE = "The server hears of it, and then neither side hears anything, not even that the other one is gone."


class Proxy:
    """Passes on what is said, until it is told to cut."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.was_cut = asyncio.Event()
        self._to = port
        self._word = b""
        self._cut = Cut.BEFORE
        self._refuses = self._refuses_then = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut everything."""
        assert self._server is not None
        self._server.close()
        self._hang_up()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut_at(self, word: bytes, cut: Cut, *, refuse: bool = False) -> None:
        """Cut all connections when a client says a word, once; with `refuse`, take no new ones from then on."""
        self.was_cut.clear()
        self._word, self._cut, self._refuses_then = word, cut, refuse

    def allow(self) -> None:
        """Take new connections again."""
        self._refuses = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.close()
            return
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, to_writer}
        silent = asyncio.Event()
        for passing in (self._pass_on(reader, to_writer, silent), self._pass_back(to_reader, writer, silent)):
            task = asyncio.create_task(passing)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silent: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if self._word and self._word in data:
                    self._word, self._refuses = b"", self._refuses_then
                    silent.set()
                    if self._cut is not Cut.BEFORE:
                        writer.write(data)
                        await writer.drain()
                    self.was_cut.set()
                    if self._cut is not Cut.SILENCE:
                        self._hang_up()
                elif not silent.is_set():
                    writer.write(data)
                    await writer.drain()
        if not (silent.is_set() and self._cut is Cut.SILENCE):
            writer.close()

    async def _pass_back(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silent: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if not silent.is_set():
                    writer.write(data)
                    await writer.drain()
        writer.close()

    def _hang_up(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()


@contextlib.asynccontextmanager
async def proxy_to(port: int) -> AsyncIterator[Proxy]:
    """One for as long as the block, to a port of this machine."""
    proxy = Proxy(port)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
