"""What happens: workflows over two servers and three workers, two kill -9, and a drain. Nothing in it is pretended."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from rich.text import Text

from examples.demo.audience import Audience
from examples.demo.play import CAPTION_LINES_MAX, INPUTS, THINKING_SECONDS
from examples.demo.story import Verdict, judge
from examples.demo_cluster.crowd import Crowd
from examples.demo_cluster.members import (
    LEASE_SECONDS,
    LOOK_SECONDS,
    SERVERS,
    WORKERS,
    Cluster,
    busiest_worker,
    name_of,
    until_gone,
    until_silent,
)
from examples.demo_cluster.tale import Tale
from examples.generated.shop.v1.refund_pb2 import RefundVerdict
from stretto.cli._live import Watching, WorkflowView, show_for
from stretto.cli._members import member_table
from stretto.cli._output import Output
from stretto.client import Client
from stretto.operations.v1.member_pb2 import Member

JUDGES: Final = 8
"""Journals that are read again at once."""


@dataclass(slots=True)
class Findings:
    """What came of it."""

    verdicts: list[Verdict] = field(default_factory=list)
    listed: int = 0
    """Workflows that the store has in the end."""
    takeovers: list[float] = field(default_factory=list)
    """Seconds from the worker's death to each step that was begun again."""
    moves: int = 0
    """Watches that the server's death broke."""
    back_seconds: float = 0.0
    """From the server's death until the watchers that are shown were connected again."""
    drain_seconds: float = 0.0
    drain_exit: int | None = None
    members: list[Member] = field(default_factory=list)
    """As they are listed in the end."""
    server_bytes: int = 0
    worker_bytes: int = 0


class Play:
    """One performance."""

    def __init__(self, out: Output, cluster: Cluster) -> None:
        self._out = out
        self._cluster = cluster
        self._caption: deque[Text] = deque(maxlen=CAPTION_LINES_MAX)
        self._found = Findings()
        self._left = SERVERS[1]
        """The server that is not killed."""
        self._killed_at = 0.0

    async def perform(self) -> Findings:
        """Play it to its end."""
        async with Client(self._cluster.address) as client:
            self._out.show(member_table([member async for member in client.members()]), "")
            tales = await asyncio.gather(*(Tale.begin(client, name, value) for name, value in INPUTS))
            crowd = Crowd(client)
            await self._follow(client, tales, crowd)
        self._takeovers([*tales, *crowd.tales])
        await self._judge([*tales, *crowd.tales])
        return self._found

    async def _follow(self, client: Client, tales: list[Tale], crowd: Crowd) -> None:
        """Watch all to their ends, while members die and leave."""
        views = [WorkflowView(tale.handle.id) for tale in tales]
        again = f" --server {self._cluster.address}"
        show = show_for(self._out, client, views, again, self._caption)
        audience = Audience(show, {tale.handle.id: tale for tale in tales}, views)
        async with asyncio.TaskGroup() as group:
            group.create_task(crowd.live())
            group.create_task(Watching(client, audience).watch([tale.handle for tale in tales], views))
            await audience.ripe.wait()
            dead = await self._kill_worker(client)
            await self._kill_server(views, [*tales, *crowd.tales])
            await until_silent(client, dead)
            audience.cut()
            await audience.all_back()
            self._say(f"{self._takeovers([*tales, *crowd.tales])}; the lease has {LEASE_SECONDS:g} s", "green")
            await self._drain_worker(client)
            crowd.stop()
            await asyncio.sleep(THINKING_SECONDS)
            self._say("a person approves the refund at the server that is left", "yellow")
            await tales[-1].handle.decide(RefundVerdict(approved=True, reason="as agreed"))

    async def _kill_worker(self, client: Client) -> str:
        """Kill a worker that has something to do, with its executor; which one that was."""
        self._found.server_bytes = self._cluster.resident_bytes(SERVERS)
        self._found.worker_bytes = self._cluster.resident_bytes(WORKERS)
        victim = await busiest_worker(client)
        self._killed_at = time.perf_counter()
        self._cluster.processes[name_of(victim)].kill()
        self._say(f"kill -9: the worker {victim.member_id} is gone, and all that it ran", "bold red")
        return victim.member_id

    async def _kill_server(self, views: list[WorkflowView], tales: list[Tale]) -> None:
        """Kill a server under its callers and watchers."""
        breaks = sum(tale.breaks for tale in tales)
        killed_at = time.perf_counter()
        self._cluster.processes[SERVERS[0]].kill()
        self._say(f"kill -9: the server {SERVERS[0]} is gone, and all streams that it had", "bold red")
        while sum(tale.breaks for tale in tales) == breaks or any(view.broken for view in views):  # noqa: ASYNC110 - as in members.py.
            await asyncio.sleep(LOOK_SECONDS)
        self._found.back_seconds = time.perf_counter() - killed_at
        self._found.moves = sum(tale.breaks for tale in tales) - breaks
        self._say(f"its watchers went on at {self._left} after {self._found.back_seconds:.1f} s", "green")

    def _takeovers(self, tales: list[Tale]) -> str:
        """Note which steps were begun again so far, and say it."""
        self._found.takeovers = [at - self._killed_at for tale in tales for at in tale.taken_over_at]
        longest = max(self._found.takeovers, default=0.0)
        return f"{len(self._found.takeovers)} steps were begun again elsewhere, after {longest:.1f} s at most"

    async def _drain_worker(self, client: Client) -> None:
        """Let a worker go that has something to do, as `stretto drain` does."""
        leaving = await busiest_worker(client)
        await client.drain(leaving.member_id)
        self._say(f"the worker {leaving.member_id} drains: it finishes its steps and hands the rest back", "yellow")
        self._found.drain_seconds = await until_gone(client, leaving.member_id)
        process = self._cluster.processes[name_of(leaving)].process
        self._found.drain_exit = await asyncio.to_thread(process.wait)
        self._say(f"it left after {self._found.drain_seconds:.1f} s, with exit code {self._found.drain_exit}", "green")

    async def _judge(self, tales: list[Tale]) -> None:
        """Read all journals again as somebody who has seen nothing yet."""
        async with Client(self._cluster.addresses[self._left]) as client:
            turns = asyncio.Semaphore(JUDGES)

            async def verdict(tale: Tale) -> Verdict:
                async with turns:
                    return await judge(tale, client)

            self._found.verdicts = await asyncio.gather(*map(verdict, tales))
            self._found.listed = len({workflow.workflow_id async for workflow in client.workflows()})
            self._found.members = [member async for member in client.members()]

    def _say(self, text: str, style: str) -> None:
        """Tell what the demo itself does: below the picture, or as a line between the others."""
        now = datetime.now(UTC).astimezone()
        line = Text(f"{now:%H:%M:%S}.{now.microsecond // 1000:03d}  {text}", style, no_wrap=True, overflow="ellipsis")
        self._caption.append(line)
        if not self._out.live:
            self._out.show(line)
