"""A way between a member and PostgreSQL that breaks at the worst moment: around the bytes of a COMMIT."""

import asyncio
import enum
import random

from benchmarks.chaos.proxy import Fault, Proxy, _Flow, _Link

COMMIT = b"COMMIT\0"
ANSWER_SECONDS = 0.05
"""Time in which PostgreSQL has answered most commits; nobody hears it."""


class Cut(enum.Enum):
    """Where a connection ends."""

    BEFORE = "the COMMIT does not go through"
    WITHIN = "half of the COMMIT goes through"
    AFTER = "the COMMIT goes through, both sides get an end at once"
    ANSWERED = "the COMMIT goes through and is answered, the answer does not"


class DatabaseProxy(Proxy):
    """Passes bytes on to PostgreSQL, but for commits that are to be cut, and as long as it is not parted from it."""

    def __init__(self, server: str, dice: random.Random, due: list[Cut]) -> None:
        super().__init__(server, dice)
        self.cuts: list[Cut] = []
        """Those that happened."""
        self._due = due
        """For the connection that commits next, over this proxy or another one."""

    async def reset(self) -> int:
        """Cut all connections."""
        return await self.inflict(Fault.RESET)

    async def part(self, seconds: float) -> None:
        """Let nobody hear anything for a while, also on new connections; cut them all afterwards."""
        self._deaf = True
        for link in self._links:
            link.swallow()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._deaf = False
            for link in list(self._links):
                link.end(reset=True)

    async def _pass_on(self, data: bytes, sink: asyncio.StreamWriter, link: _Link, flow: _Flow) -> None:
        if flow is link.up and self._due and COMMIT in data and not link.spent:
            await self._cut(self._due.pop(), data, sink, link)
        else:
            await super()._pass_on(data, sink, link, flow)

    async def _cut(self, cut: Cut, data: bytes, sink: asyncio.StreamWriter, link: _Link) -> None:
        self.cuts.append(cut)
        link.spent = link.down.swallowing = True
        if cut is Cut.WITHIN:
            sink.write(data[: data.index(COMMIT) + len(COMMIT) // 2])
        elif cut is not Cut.BEFORE:
            sink.write(data)
            await sink.drain()
        if cut is Cut.ANSWERED:
            await asyncio.sleep(ANSWER_SECONDS)
        # An orderly end, for a reset would take back bytes that PostgreSQL has not read yet.
        link.end(reset=cut is Cut.BEFORE)
