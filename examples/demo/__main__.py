"""Runs the example workflows on a real server, kills it in the middle, and counts what was missed."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from examples.demo.closing import NEXT, closing
from examples.demo.picture import save, studio
from examples.demo.play import Outcome, Play
from stretto.cli._output import Output

SECONDS_MAX: Final = 55.0
"""The demo ends by itself, also on a machine that is too slow for it."""


def main() -> int:
    """Show the play, or make a picture of it; 1 when anything was missed, lost or ended wrongly."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description="Shows Stretto in the terminal.")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw this run to a file instead")
    drawn = parser.parse_args().svg
    out = Output() if drawn is None else studio()
    try:
        outcome = asyncio.run(_show(out))
    except KeyboardInterrupt:
        return 130
    except TimeoutError:
        out.errors.print(f"The demo has not ended within {SECONDS_MAX:g} seconds.", style="red")
        return 1
    out.show("", closing(outcome))
    if drawn is None:
        out.show(NEXT)
    else:
        save(drawn, outcome)
    return 0 if outcome.good else 1


async def _show(out: Output) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="stretto-demo-") as folder:
        out.show("Starting a server ...")
        async with asyncio.timeout(SECONDS_MAX):
            return await Play(out, Path(folder)).perform()


if __name__ == "__main__":
    sys.exit(main())
