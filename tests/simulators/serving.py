"""What the `__main__` of each simulator shares: argv becomes a listening server that prints its address."""

import argparse
import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from tests.simulators.http import Request, Response, serve

Handle = Callable[[Request, Response], Awaitable[None]]

_BACKLOG = 1_024
"""Connections that wait to be taken. With asyncio's 100, some of a burst would wait a second to be tried again."""


def parser_of(module: str) -> argparse.ArgumentParser:
    """A parser of what every simulator takes."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    return parser


def run(host: str, port: int, handle: Handle) -> None:
    """Serve until somebody interrupts it."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(host, port, handle))


async def _serve(host: str, port: int, handle: Handle) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever hangs up in the middle is no fault of the simulator's.
        with contextlib.suppress(ConnectionError):
            await serve(reader, writer, handle)

    server = await asyncio.start_server(connected, host, port, backlog=_BACKLOG)
    bound_host, bound_port = server.sockets[0].getsockname()[:2]
    print(f"http://{bound_host}:{bound_port}", flush=True)  # noqa: T201 - whoever started it reads this line
    async with server:
        await server.serve_forever()
