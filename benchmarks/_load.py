"""A client that keeps workflows going until it is killed: `python -m benchmarks._load ADDRESS TYPE IN_FLIGHT`."""

import asyncio
import sys

from benchmarks._client import Client


async def main(address: str, workflow_type: str, in_flight: int) -> None:
    """Start and watch workflows, so many at once."""
    async with Client(address) as client:

        async def worker() -> None:
            while True:
                await client.finish(await client.start(workflow_type))

        await asyncio.gather(*(worker() for _ in range(in_flight)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
