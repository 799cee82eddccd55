"""As much of HTTP/1.1 as simulators need: whole and chunked responses, connections that stay open."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

_REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Response:
    """Writes a response, whole or piece by piece, and can break off."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, status: int, value: Any, headers: Mapping[str, str] | None = None) -> None:
        """Send a JSON value."""
        await self.send_text(status, json.dumps(value), "application/json", headers)

    async def send_text(
        self, status: int, text: str, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        body = text.encode()
        self._head(status, {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})})
        self._writer.write(body)
        await self._writer.drain()

    def begin(self, content_type: str) -> None:
        """Begin a response that comes in pieces."""
        self._head(200, {"Content-Type": content_type, "Transfer-Encoding": "chunked"})

    async def piece(self, text: str) -> None:
        body = text.encode()
        self._writer.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")
        await self._writer.drain()

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    def break_off(self) -> None:
        """Reset the connection."""
        self._writer.transport.abort()

    async def cut(self) -> None:
        """Reset the connection in the middle of a response."""
        self._head(200, {"Content-Type": "application/json", "Content-Length": "1000"})
        self._writer.write(b"{")
        await self._writer.drain()
        self.break_off()

    async def hang(self) -> None:
        """Say nothing until the caller gives up."""
        await self._reader.read()

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())


async def serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    handle: Callable[[Request, Response], Awaitable[None]],
) -> None:
    """Answer the requests of one connection until the caller has no more."""
    try:
        while True:
            request = await _request(reader)
            await handle(request, Response(reader, writer))
            if request.headers.get("connection", "").lower() == "close":
                return
    except asyncio.IncompleteReadError:
        return  # The caller is gone.
    finally:
        writer.close()


async def _request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)
