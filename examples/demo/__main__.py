"""Runs workflows on a server that is killed in the middle, then talks to some, and counts what was missed."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from examples.demo.closing import NEXT, closing, closing_words
from examples.demo.moments import Conversation
from examples.demo.picture import save, studio
from examples.demo.play import Outcome, Play
from examples.demo.talk import Talk
from stretto.cli._output import Output

SECONDS_MAX: Final = 55.0
"""Each of the two acts ends by itself, also on a machine that is too slow for it."""


def main() -> int:
    """Show both acts, or make pictures of them; 1 when anything was missed, lost or ended wrongly."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description="Shows Stretto in the terminal.")
    parser.add_argument("--svg", type=Path, metavar="FOLDER", help="draw this run to demo.svg and talk.svg instead")
    folder = parser.parse_args().svg
    out = Output() if folder is None else studio()
    try:
        outcome = asyncio.run(_play(out))
        out.show("", closing(outcome), "")
        told = asyncio.run(_talk(out))
        out.show("", closing_words(told))
    except KeyboardInterrupt:
        return 130
    except TimeoutError:
        out.errors.print(f"This act of the demo has not ended within {SECONDS_MAX:g} seconds.", style="red")
        return 1
    if folder is None:
        out.show(NEXT)
    else:
        save(folder, outcome, told)
    return 0 if outcome.good and told.good else 1


async def _play(out: Output) -> Outcome:
    """The first act: workflows side by side, and a kill -9."""
    with tempfile.TemporaryDirectory(prefix="stretto-demo-") as folder:
        out.show("Starting a server ...")
        async with asyncio.timeout(SECONDS_MAX):
            return await Play(out, Path(folder)).perform()


async def _talk(out: Output) -> Conversation:
    """The second act: a conversation."""
    with tempfile.TemporaryDirectory(prefix="stretto-demo-") as folder:
        async with asyncio.timeout(SECONDS_MAX):
            return await Talk(out, Path(folder)).perform()


if __name__ == "__main__":
    sys.exit(main())
