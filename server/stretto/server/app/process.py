"""What every process of ours does: start, say so, and go on until it is told to stop."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog

from stretto.server.app import memory

_log = structlog.get_logger(__name__)

SWITCH_SECONDS = 0.000_5
"""How long a thread may keep Python's lock while another one wants it. The store's writer needs it between two
statements; with Python's own 5 ms, 64 starts at once took 50 ms next to a busy loop, and with this 8 ms."""


HASTE_SECONDS = 9.0
"""Time that a stop may take besides the drain. A store or a Redis that hangs would hold up the end for minutes, and
there is nothing left to save: leases end by themselves, and what is not written by then was told to nobody."""


async def until_told(
    asked: asyncio.Event,
    start: Callable[[], Awaitable[None]],
    tell: Callable[[], None],
    stop: Callable[[], Awaitable[None]],
    *,
    drain_seconds_max: float,
) -> None:
    """Start, tell, and stop when it is asked or on SIGTERM or SIGINT; one that comes early breaks the start off.

    A stop that takes too long is cut off: others go on with what this process had.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    starting = asyncio.ensure_future(start())
    waiting = asyncio.create_task(asked.wait())
    await asyncio.wait([starting, waiting], return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await _in_time(starting, HASTE_SECONDS)
        return
    await starting
    memory.settle()
    tell()
    await waiting
    _log.info("draining")
    await _in_time(asyncio.ensure_future(stop()), drain_seconds_max + HASTE_SECONDS)
    _log.info("stopped")


async def _in_time(end: "asyncio.Future[None]", seconds: float) -> None:
    """Wait for the end of everything, and bring it about when it does not come."""
    done, _ = await asyncio.wait([end], timeout=seconds)
    if not done:
        _log.warning("stop_cut_off", seconds=seconds, reason="The store or Redis does not answer, or code blocks.")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    await end


def told(store_url: str) -> str:
    """A store's URL without a password."""
    scheme, _, rest = store_url.rpartition("@")[0].partition("://")
    user = rest.partition(":")[0]
    return f"{scheme}://{user}@{store_url.rpartition('@')[2]}" if rest else store_url
