"""A way between a client and a server that breaks in all the ways in which networks do."""

import asyncio
import contextlib
import enum
import random
import socket
import struct
from dataclasses import dataclass, field
from typing import Self

READ_BYTES = 65_536
TRICKLE_BYTES = 7
TRICKLE_SECONDS = 0.3
MORE_BYTES_MAX = 2_000
"""A connection that is cut in the middle of something still passes on up to so many bytes."""
DEAF_SECONDS_MAX = 0.5
LINGER_NEVER = struct.pack("ii", 1, 0)
"""Closing a socket with this sends a reset."""


class Fault(enum.Enum):
    """What may happen to the connections that are open."""

    RESET = "both sides get a reset"
    RESET_CLIENT = "the client gets a reset, the server hears nothing more"
    RESET_SERVER = "the server gets a reset, the client hears nothing more"
    CLOSE = "both sides get an orderly end"
    CUT = "both sides get an end or a reset in the middle of a frame"
    SILENCE = "nobody hears anything any more"
    SILENCE_DOWN = "the client hears nothing more, the server hears all"
    SILENCE_UP = "the server hears nothing more; after a while the client neither"
    DEAF = "nobody hears anything any more, and new connections are as dead for a while"
    TRICKLE = "the client gets a few bytes at a time for a while; the one fault that breaks nothing"


BREAKING = tuple(fault for fault in Fault if fault is not Fault.TRICKLE)
TOLD = (Fault.RESET, Fault.RESET_CLIENT, Fault.CLOSE, Fault.CUT)
"""Those that the client is told of at once; with all others it must notice that it hears nothing."""


@dataclass(slots=True)
class _Flow:
    """One direction of a link."""

    passed: int = 0
    swallowing: bool = False
    trickling: bool = False
    bytes_left: int | None = None


@dataclass(eq=False, slots=True)
class _Link:
    """One connection of a client, and the one to the server that it leads to."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    up: _Flow = field(default_factory=_Flow)
    down: _Flow = field(default_factory=_Flow)
    spent: bool = False
    """A fault has met it."""

    def swallow(self) -> None:
        """Let nothing through any more."""
        self.spent = self.up.swallowing = self.down.swallowing = True

    def end(self, *, reset: bool) -> None:
        """Tell both sides that it is over."""
        self.swallow()
        for side in (self.client, self.server):
            _reset(side) if reset else side.close()

    @property
    def live(self) -> bool:
        """Whether bytes of the server have come to the client, and nothing has happened yet."""
        return self.down.passed > 0 and not self.spent and not self.client.is_closing()


class Proxy:
    """Passes bytes on to a server, as long as nobody inflicts a fault."""

    def __init__(self, server: str, dice: random.Random) -> None:
        self.address = ""
        self.accepted = 0
        """Connections that clients have made so far."""
        self._host, _, port = server.rpartition(":")
        self._port = int(port)
        self._dice = dice
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._deaf = False

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for link in list(self._links):
            link.end(reset=True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def live(self) -> int:
        """Connections over which the server's bytes reach the client."""
        return sum(link.live for link in self._links)

    async def inflict(self, fault: Fault) -> int:
        """Let it happen to all open connections; return to how many it did, once the fault itself is over."""
        hit = [link for link in self._links if link.live]
        match fault:
            case Fault.RESET | Fault.CLOSE:
                for link in hit:
                    link.end(reset=fault is Fault.RESET)
            case Fault.CUT:
                for link in hit:
                    link.spent, link.down.bytes_left = True, self._dice.randint(1, MORE_BYTES_MAX)
            case Fault.TRICKLE:
                await self._trickle(hit)
            case _:
                await self._silence(hit, fault)
        return len(hit)

    async def _silence(self, links: list[_Link], fault: Fault) -> None:
        """All faults of which one side is told nothing."""
        for link in links:
            link.spent = link.up.swallowing = True
            link.down.swallowing = fault is not Fault.SILENCE_UP
            if fault is Fault.SILENCE_DOWN:
                link.up.swallowing = False
            elif fault is Fault.RESET_CLIENT:
                _reset(link.client)
            elif fault is Fault.RESET_SERVER:
                _reset(link.server)
        self._deaf = fault is Fault.DEAF
        if fault in (Fault.DEAF, Fault.SILENCE_UP):
            await asyncio.sleep(self._dice.uniform(0, DEAF_SECONDS_MAX))
        self._deaf = False
        for link in links:
            link.down.swallowing = True

    async def _trickle(self, links: list[_Link]) -> None:
        for link in links:
            link.down.trickling = True
        await asyncio.sleep(TRICKLE_SECONDS)
        for link in links:
            link.down.trickling = False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        # Whoever closes the proxy cancels this, and asyncio would tell of that in its log.
        with contextlib.suppress(asyncio.CancelledError):
            await self._serve(reader, writer)
        self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server = await asyncio.open_connection(self._host, self._port)
        except OSError:  # The server is down.
            _reset(writer)
            return
        link = _Link(writer, server)
        if self._deaf:
            link.swallow()
        self._links.add(link)
        try:
            await asyncio.gather(
                self._pump(reader, server, link, link.up), self._pump(server_reader, writer, link, link.down)
            )
        finally:
            link.end(reset=True)
            self._links.discard(link)

    async def _pump(self, reader: asyncio.StreamReader, sink: asyncio.StreamWriter, link: _Link, flow: _Flow) -> None:
        """Pass bytes on until one side ends; the other one is told, unless a fault is why it ends."""
        try:
            while data := await reader.read(READ_BYTES):
                await self._pass_on(data, sink, link, flow)
        except ConnectionError:
            if not link.spent:
                link.end(reset=True)
        if not link.spent:
            link.end(reset=False)

    async def _pass_on(self, data: bytes, sink: asyncio.StreamWriter, link: _Link, flow: _Flow) -> None:
        while data and not flow.swallowing:
            size = TRICKLE_BYTES if flow.trickling else len(data)
            if flow.bytes_left is not None:
                size = min(size, flow.bytes_left)
                flow.bytes_left -= size
            sink.write(data[:size])
            flow.passed += size
            data = data[size:]
            if flow.bytes_left == 0:
                link.end(reset=self._dice.random() < 0.5)
                return
            await sink.drain()
            if flow.trickling:
                await asyncio.sleep(0.001)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close at once, with a reset."""
    found = writer.get_extra_info("socket")
    if found is not None and found.fileno() >= 0:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NEVER)
    writer.transport.abort()
