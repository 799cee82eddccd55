"""The first act: five workflows, a question, a retry, and a kill -9 in the middle. Nothing in it is pretended."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from benchmarks._processes import Service, free_address, stretto_argv
from examples.demo.audience import Audience
from examples.demo.story import Story, Verdict, judge
from examples.generated.shop.v1.refund_pb2 import Refund, RefundRequest, RefundVerdict
from stretto.cli._live import Picture, Watching, WorkflowView, show_for
from stretto.cli._output import Output
from stretto.client import Client
from stretto.client.errors import AlreadyDecided, NotFound

PROMISES: Final = (
    "Every start is durable before it is acknowledged. Every step leaves a checkpoint. Every event has a number. "
    "A watcher that was cut goes on after the last number it saw. A question waits without costing memory. "
    "The first answer wins. A killed server takes up what it had begun. What was done is not done again. "
    "A cancel is an intention that lasts. A deadline is kept. A crash is counted. A result is checked. "
    "A contract is checked at the door. A wrong field is named. A step that fails is tried again. Each attempt is "
    "seen. A bar moves because a node said so. A graph imports nothing of its server."
)
REASONS: Final = (
    "A fork leaves its source alone. A failed workflow can be retried. A reader sees what is durable. A queue has an "
    "end. A clock may be wrong. A disk may be full. A watcher may be slow. A network may lie. A process may be killed. "
    "A power cord may be pulled. A person may sleep over an answer. A model may say anything. A node may block. "
    "A caller may ask twice. A server may be replaced. A version may change. A file may be copied. A log may be read. "
    "A limit has a name. A word means one thing. A second is not a minute. A test can fail. A retry costs time. "
    "A kill costs nothing."
)
DOWN_SECONDS: Final = 0.3
THINKING_SECONDS: Final = 0.5
CAPTION_LINES_MAX: Final = 5

INPUTS: Final[tuple[tuple[str, Any], ...]] = (
    ("digest", {"text": PROMISES}),
    ("digest", {"text": REASONS}),
    ("reply", {"letter": "Where is my parcel?! I am waiting since Monday."}),
    ("shipment", {"order": "A-1701"}),
    ("refund", RefundRequest(order="A-1701", cents=4200)),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    verdicts: tuple[Verdict, ...]
    lost: int
    """Workflows that were acknowledged and that the restarted server does not list."""
    away_seconds: float
    """From the kill to the moment at which the restarted server was ready."""
    refund: Refund
    moment: RenderableType
    """What there was to see just before the question was answered; nothing where lines were printed."""

    @property
    def good(self) -> bool:
        """Whether everything came out as it should."""
        return not self.lost and all(verdict.good for verdict in self.verdicts)


class Play:
    """One performance on one store."""

    def __init__(self, out: Output, folder: Path) -> None:
        self._out = out
        self._address = free_address()
        self._folder = folder
        self._caption: deque[Text] = deque(maxlen=CAPTION_LINES_MAX)
        self._moment: RenderableType = Text()
        self._away_seconds = 0.0
        self._server = self._serve()

    async def perform(self) -> Outcome:
        """Play it to its end."""
        try:
            await self._server.ready()
            async with Client(self._address) as client:
                types = [workflow_type.name async for workflow_type in client.types()]
                for name in types:  # The client remembers contracts: each start below is one call.
                    await client.describe(name)
                self._out.show(f"A server on one SQLite file hosts {', '.join(types)}.", "")
                stories = await asyncio.gather(*(Story.begin(client, name, value) for name, value in INPUTS))
                await self._follow(client, stories)
                refund = await stories[-1].handle.result(Refund)
            return await self._judged(stories, refund)
        finally:
            # Its store is thrown away: there is nothing to drain, least of all after Ctrl-C.
            self._server.kill()

    async def _follow(self, client: Client, stories: list[Story]) -> None:
        """Watch all of them to their ends, while the server is killed and the question answered."""
        views = [WorkflowView(story.handle.id) for story in stories]
        show = show_for(self._out, client, views, f" --server {self._address}", self._caption)
        audience = Audience(show, {story.handle.id: story for story in stories}, views)
        frame = show.frame if isinstance(show, Picture) else Text
        async with asyncio.TaskGroup() as group:
            group.create_task(Watching(client, audience).watch([story.handle for story in stories], views))
            group.create_task(self._act(audience, stories[-1], frame))

    async def _act(self, audience: Audience, asking: Story, frame: Callable[[], RenderableType]) -> None:
        await audience.ripe.wait()
        await self._restart(audience)
        await asyncio.sleep(THINKING_SECONDS)
        self._moment = frame()
        self._say("a person approves the refund", "yellow")
        try:
            await asking.handle.decide(RefundVerdict(approved=True, reason="as agreed"))
        except (AlreadyDecided, NotFound):
            self._say("somebody else has answered before: the first answer wins", "yellow")

    async def _restart(self, audience: Audience) -> None:
        """Kill the server with all of its processes, as a crash would, and start it again on the same file."""
        audience.cut()
        killed_at = time.perf_counter()
        self._server.kill()
        self._say("kill -9: the server and all of its processes are gone", "bold red")
        await asyncio.sleep(DOWN_SECONDS)
        self._server = self._serve()
        await self._server.ready()
        self._away_seconds = time.perf_counter() - killed_at
        self._say("the server is back on the same SQLite file", "green")
        await audience.all_back()
        cuts = ", ".join(f"#{last + 1}" for last in audience.cuts.values())
        self._say(f"the watchers went on where they were cut: {cuts}", "green")

    async def _judged(self, stories: list[Story], refund: Refund) -> Outcome:
        """Read all journals again as somebody who has seen nothing yet."""
        async with Client(self._address) as client:
            verdicts = await asyncio.gather(*(judge(story, client) for story in stories))
            listed = {workflow.workflow_id async for workflow in client.workflows()}
        lost = len({story.handle.id for story in stories} - listed)
        return Outcome(tuple(verdicts), lost, self._away_seconds, refund, self._moment)

    def _say(self, text: str, style: str) -> None:
        """Tell what the demo itself does: below the picture, or as a line between the others."""
        now = datetime.now(UTC).astimezone()
        line = Text(f"{now:%H:%M:%S}.{now.microsecond // 1000:03d}  {text}", style, no_wrap=True, overflow="ellipsis")
        self._caption.append(line)
        if not self._out.live:
            self._out.show(line)

    def _serve(self) -> Service:
        argv = stretto_argv(self._address, self._folder / "demo.db", "examples.app:app")
        # Nobody talks in this act, and what is not started is sooner back.
        return Service([*argv, "--no-orchestrator"], self._address, self._folder / "server.log")
