"""One end of the socket between a server and its executor process."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

from stretto.server.engine.wire import FRAME_BYTES_MAX, HEADER_BYTES, Message, pack, unpack


class Link(asyncio.Protocol):
    """Sends and receives whole messages; what is sent in one turn of the loop leaves in one piece."""

    def __init__(self, received: Callable[[Message], None], lost: Callable[[], None]) -> None:
        self._received = received
        self._lost = lost
        self._incoming = bytearray()
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, sock: socket.socket, received: Callable[[Message], None], lost: Callable[[], None]) -> "Link":
        """A link over a connected socket."""
        _, link = await asyncio.get_running_loop().create_connection(lambda: cls(received, lost), sock=sock)
        return link

    def send(self, kind: str, call: int = 0, body: Any = None) -> None:
        """Send a message; it is lost when the other end is gone, which `lost` tells of."""
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(pack(kind, call, body))

    def close(self) -> None:
        """Hang up, once everything is sent."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        if self._outgoing and self._transport is not None:
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class.

    def data_received(self, data: bytes) -> None:
        """Hand on every message that is whole."""
        incoming = self._incoming
        incoming += data
        start = 0
        while len(incoming) - start >= HEADER_BYTES:
            length = int.from_bytes(incoming[start : start + HEADER_BYTES], "big")
            assert length <= FRAME_BYTES_MAX, "the other end is one of ours"
            end = start + HEADER_BYTES + length
            if len(incoming) < end:
                break
            frame = bytes(incoming[start + HEADER_BYTES : end])
            start = end
            self._received(unpack(frame))
        if start:
            del incoming[:start]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell that the other end is gone."""
        self._transport = None
        self._lost()
