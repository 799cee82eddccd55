"""A watcher in a process of its own, which tells how its memory grew: `python watcher.py async ADDRESS WORKFLOW`."""

import asyncio
import gc
import json
import os
import sys
import tracemalloc
from pathlib import Path

from stretto.client import Client, ClientSync

FROM, TO = 2_000, 10_000
"""Events between which it is measured."""


class Measured:
    """Counts events, and weighs the process twice."""

    def __init__(self) -> None:
        self.count = 0
        self._objects: list[int] = []
        self._resident: list[int] = []

    def took(self) -> None:
        self.count += 1
        if self.count in (FROM, TO):
            gc.collect()
            self._objects.append(tracemalloc.get_traced_memory()[0])
            self._resident.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))

    def told(self) -> str:
        return json.dumps(
            {
                "events": self.count,
                "objects": self._objects[1] - self._objects[0],
                "resident": self._resident[1] - self._resident[0],
            }
        )


async def watch(address: str, workflow_id: str) -> str:
    measured = Measured()
    async with Client(address) as client:
        async for _ in client.handle(workflow_id).watch():
            measured.took()
    return measured.told()


def watch_blocking(address: str, workflow_id: str) -> str:
    measured = Measured()
    with ClientSync(address) as client:
        for _ in client.handle(workflow_id).watch():
            measured.took()
    return measured.told()


if __name__ == "__main__":
    tracemalloc.start()
    kind, *where = sys.argv[1:]
    print(asyncio.run(watch(*where)) if kind == "async" else watch_blocking(*where))  # noqa: T201 - Its whole purpose.
