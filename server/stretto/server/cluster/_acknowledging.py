"""Takes handled tasks out of their queue, as many with one message as there are."""

import asyncio
from typing import Any, cast

from docket import Docket
from docket.execution import Execution

from stretto.server.cluster._redis import AWAY


class Acknowledging:
    """Says of tasks that they were handled. One that Redis does not hear of is delivered again, which harms nobody."""

    def __init__(self, docket: Docket) -> None:
        self._docket = docket
        self._handled: list[tuple[Execution, bool]] = []
        self._sending: asyncio.Task[None] | None = None

    def handled(self, execution: Execution, *, again: bool = False) -> None:
        """Say it soon; `again` for one whose name was put back, and stays taken."""
        self._handled.append((execution, again))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def told(self) -> None:
        """Wait until there is nothing to say any more."""
        if self._sending is not None:
            await asyncio.wait([self._sending])

    async def _send(self) -> None:
        while self._handled:
            handled, self._handled = self._handled, []
            try:
                await self._remove(handled)
            except AWAY:
                continue  # The watch logs it.

    async def _remove(self, handled: list[tuple[Execution, bool]]) -> None:
        """Cut short at any point, this leaves a message that is delivered again, and no name that stays taken."""
        docket = self._docket
        names = [docket.runs_key(execution.key) for execution, again in handled if not again]
        messages = [execution.message_id for execution, _ in handled]
        async with docket.redis() as client, cast("Any", client).pipeline(transaction=False) as pipeline:
            if names:
                pipeline.delete(*names)
            pipeline.xdel(docket.stream_key, *messages)
            pipeline.xack(docket.stream_key, docket.worker_group_name, *messages)
            await pipeline.execute()
