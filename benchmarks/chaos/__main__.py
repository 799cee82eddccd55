"""`make chaos`: kill the server, count what was lost, write build/chaos.json."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks._processes import ROOT
from benchmarks._report import as_table, write_json
from benchmarks._stats import Figure, at_most, percentile
from benchmarks.chaos.checker import check
from benchmarks.chaos.run import Outcome, Plan, run

SHOWN_MAX = 10


def main() -> None:
    """Run what the command line asks for; the exit code says whether every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="how often to kill the server (300)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="of the dice; printed")
    parser.add_argument("--keep", type=Path, help="a folder to leave the ledgers and the server's log in")
    options = parser.parse_args()
    print(f"{options.kills} kills, seed {options.seed}", flush=True)
    began = time.perf_counter()
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=ROOT / "build") as temporary:
        directory = options.keep or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        outcome = asyncio.run(run(Plan(options.kills, options.seed, directory.resolve())))
    broken = check(outcome.ledgers)
    for name, details in broken.items():
        for detail in details[:SHOWN_MAX]:
            print(f"{name}: {detail}")
    figures = as_figures(outcome, broken)
    print(as_table(figures))
    took, bound = time.perf_counter() - began, 3 / options.kills
    print(f"{options.kills} kills in {took:.0f} s; a loss in more than {bound:.1%} of kills is ruled out (95 %)")
    write_json(figures, ROOT / "build" / "chaos.json")
    sys.exit(any(figure.met is False for figure in figures))


def as_figures(outcome: Outcome, broken: dict[str, list[str]]) -> list[Figure]:
    """What was done, and how often each promise was broken."""
    client, effects = outcome.ledgers.client, outcome.ledgers.effects
    ran = Counter((effect.request_id, effect.step) for effect in effects)
    ends = Counter(row.events[-1].WhichOneof("kind") for row in outcome.ledgers.rows if row.events)
    return [
        Figure("kills", outcome.kills, ""),
        Figure("starts_acknowledged", len(client.acknowledged), ""),
        Figure("workflows", len(outcome.ledgers.rows), ""),
        *(Figure(f"workflows_{kind}", count, "") for kind, count in sorted(ends.items()) if kind),
        Figure("events_watched", len(client.seen), ""),
        Figure("decisions_accepted", len(client.decided), ""),
        Figure("steps_run", len(effects), ""),
        Figure("steps_run_again_after_a_kill", len(effects) - len(ran), ""),
        Figure("restart_to_ready_p50", percentile(outcome.ready_seconds, 0.5), "s"),
        Figure("restart_to_ready_max", max(outcome.ready_seconds), "s"),
        Figure("exit_code_of_the_last_server", outcome.exit_code, "", at_most(0)),
        *(Figure(name, len(details), "", at_most(0)) for name, details in broken.items()),
    ]


if __name__ == "__main__":
    main()
