"""`make bench`: run the suites, print the table, write build/bench.json."""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from benchmarks import (
    acknowledge,
    audit,
    chain3,
    cluster,
    concurrency,
    fan_out,
    first_event,
    reading,
    replay,
    session_watch,
    sessions,
    start_up,
    stores,
    troubleshooting,
    waiting,
    watchers,
)
from benchmarks._bench import Bench
from benchmarks._processes import ROOT
from benchmarks._report import as_table, write_json
from benchmarks._stats import Figure

SUITES: dict[str, Callable[[Bench], Awaitable[list[Figure]]]] = {
    "acknowledge": acknowledge.measure,
    "first_event": first_event.measure,
    "chain3": chain3.measure,
    "fan_out": fan_out.measure,
    "reading": reading.measure,
    "replay": replay.measure,
    "watchers": watchers.measure,
    "waiting": waiting.measure,
    "sessions": sessions.measure,
    "session_watch": session_watch.measure,
    "concurrency": concurrency.measure,
    "audit": audit.measure,
    "troubleshooting": troubleshooting.measure,
    "stores": stores.measure,
    "cluster": cluster.measure,
    "start_up": start_up.measure,
}


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=SUITES, help="run this suite only; may be repeated")
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples, for trying things out")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench.json", help="where to write the figures")
    options = parser.parse_args()
    machine = f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} CPUs"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}")
    figures, broken = asyncio.run(_run(options.only or list(SUITES), quick=options.quick))
    print(as_table(figures))
    write_json(figures, options.output)
    missed = [figure.name for figure in figures if figure.met is False]
    print(f"{len(figures)} figures in {options.output}; targets missed: {', '.join(missed) or 'none'}")
    sys.exit(f"no figures from: {', '.join(broken)}" if broken else 0)


async def _run(names: Sequence[str], *, quick: bool) -> tuple[list[Figure], list[str]]:
    """The figures of some suites, each on servers of its own, and the names of those that broke."""
    figures: list[Figure] = []
    broken: list[str] = []
    (ROOT / "build").mkdir(exist_ok=True)
    for name in names:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "build") as directory:
            try:
                figures += await SUITES[name](Bench(Path(directory), quick=quick))
            except Exception:  # noqa: BLE001 - the other suites took minutes, and their figures stand
                broken.append(name)
                traceback.print_exc()
                print(Bench(Path(directory)).server_log())
        print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    return figures, broken


if __name__ == "__main__":
    main()
