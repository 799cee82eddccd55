"""Three acts: workflows on a server that is killed, a conversation, and a diagnosis with one of its sources down."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from examples.demo.closing import NEXT, closing, closing_words
from examples.demo.diagnosis import closing_diagnosis
from examples.demo.moments import Conversation
from examples.demo.picture import save, studio
from examples.demo.play import Outcome, Play
from examples.demo.talk import Talk
from examples.demo.trouble import Findings, Trouble
from stretto.cli._output import Output

SECONDS_MAX: Final = 55.0
"""Each of the acts ends by itself, also on a machine that is too slow for it."""


def main() -> int:
    """Show all acts, or make pictures of them; 1 when anything was missed, lost or ended wrongly."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description="Shows Stretto in the terminal.")
    parser.add_argument(
        "--svg", type=Path, metavar="FOLDER", help="draw this run to demo.svg, talk.svg and trouble.svg instead"
    )
    folder = parser.parse_args().svg
    out = Output() if folder is None else studio()
    try:
        outcome = asyncio.run(_play(out))
        out.show("", closing(outcome), "")
        told = asyncio.run(_talk(out))
        out.show("", closing_words(told), "")
        found = asyncio.run(_trouble(out))
        out.show("", closing_diagnosis(found))
    except KeyboardInterrupt:
        return 130
    except TimeoutError:
        out.errors.print(f"This act of the demo has not ended within {SECONDS_MAX:g} seconds.", style="red")
        return 1
    if folder is None:
        out.show(NEXT)
    else:
        save(folder, outcome, told, found)
    return 0 if outcome.good and told.good and found.good else 1


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


async def _trouble(out: Output) -> Findings:
    """The third act: a diagnosis."""
    with tempfile.TemporaryDirectory(prefix="stretto-demo-") as folder:
        async with asyncio.timeout(SECONDS_MAX):
            return await Trouble(out, Path(folder)).perform()


if __name__ == "__main__":
    sys.exit(main())
