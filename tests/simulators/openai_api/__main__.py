"""Argv becomes a listening simulator."""

import argparse
import asyncio
import contextlib

from tests.simulators.openai_api.api import Api
from tests.simulators.openai_api.http import serve


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.openai_api")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    arguments = parser.parse_args()
    api = Api()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever hangs up in the middle is no fault of the simulator's.
        with contextlib.suppress(ConnectionError):
            await serve(reader, writer, api.handle)

    server = await asyncio.start_server(connected, arguments.host, arguments.port)
    host, port = server.sockets[0].getsockname()[:2]
    print(f"http://{host}:{port}", flush=True)  # noqa: T201 - whoever started it reads this line
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
