"""What start, retry and fork do with the workflow that they have made."""

import asyncio
from typing import Any

from rich.text import Text

from stretto.cli._exits import CommandError, Exit
from stretto.cli._json import plain, readable
from stretto.cli._output import Output, clean
from stretto.cli._words import pretty
from stretto.client import Client, WorkflowHandle

__all__ = ["hand_over"]


async def hand_over(
    handle: WorkflowHandle[Any], client: Client, out: Output, *, told: str, again: str, watch: bool, wait: bool = False
) -> int:
    """Print its id, or follow it, or wait for its result."""
    if watch:
        from stretto.cli._live import follow  # noqa: PLC0415 - The display is for those who look at it.

        out.note(f"{told}: {handle.id}")
        return await follow(handle, client, out, again=again)
    if wait:
        out.note(f"{told}: {handle.id}")
        return await _wait(handle, client, out, again)
    if handle.workflow is not None:
        out.document(await readable(handle.workflow, client))
    # The id alone goes to stdout: id=$(stretto start ...).
    out.show(handle.id)
    out.note(f"{told}. Follow it: stretto watch {handle.id}{again}")
    return Exit.OK


async def _wait(handle: WorkflowHandle[Any], client: Client, out: Output, again: str) -> int:
    try:
        result = await handle.result()
    except asyncio.CancelledError:
        text = f"stopped waiting for {handle.id}, which goes on; look again: stretto watch {handle.id}{again}"
        raise CommandError(text, Exit.INTERRUPTED, workflow_id=handle.id) from None
    out.show(Text(clean(pretty(plain(result)))))  # No prose: JSON to copy.
    if out.json:
        workflow = (await handle.state(snapshot=False)).workflow
        out.document({"workflow": await readable(workflow, client), "result": plain(result)})
    return Exit.OK
