"""`make chaos`: kill the server, or cut connections to it, and count what was lost; writes build/chaos.json."""

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
from benchmarks.chaos import cuts
from benchmarks.chaos.checker import check
from benchmarks.chaos.run import Outcome, Plan, run

SHOWN_MAX = 10
CUTS_PER_KILL = 40


def main() -> None:
    """Run what the command line asks for; the exit code says whether every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="how often to kill the server (300)")
    parser.add_argument("--cuts", type=int, default=0, help="cut connections of watchers so often instead")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="of the dice; printed")
    parser.add_argument("--keep", type=Path, help="a folder to leave the ledgers and the server's log in")
    options = parser.parse_args()
    what = f"{options.cuts} cuts" if options.cuts else f"{options.kills} kills"
    print(f"{what}, seed {options.seed}", flush=True)
    began = time.perf_counter()
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=ROOT / "build") as temporary:
        directory = (options.keep or Path(temporary)).resolve()
        directory.mkdir(parents=True, exist_ok=True)
        if options.cuts:
            figures, file = (
                _cut(cuts.Plan(options.cuts, options.cuts // CUTS_PER_KILL, options.seed, directory)),
                "cuts",
            )
        else:
            figures, file = _kill(Plan(options.kills, options.seed, directory)), "chaos"
    print(as_table(figures))
    print(f"{what} in {time.perf_counter() - began:.0f} s; ", end="")
    print(f"a loss in more than {3 / (options.cuts or options.kills):.1%} of them is ruled out (95 %)")
    write_json(figures, ROOT / "build" / f"{file}.json")
    sys.exit(any(figure.met is False for figure in figures))


def _kill(plan: Plan) -> list[Figure]:
    """Kill as planned, and tell what is wrong."""
    outcome = asyncio.run(run(plan))
    broken = check(outcome.ledgers)
    for name, details in broken.items():
        for detail in details[:SHOWN_MAX]:
            print(f"{name}: {detail}")
    return as_figures(outcome, broken)


def _cut(plan: cuts.Plan) -> list[Figure]:
    """Cut as planned, and tell what is wrong."""
    outcome = asyncio.run(cuts.run(plan))
    wrong = cuts.check(outcome)
    for detail in wrong[:SHOWN_MAX]:
        print(detail)
    watchers = outcome.watchers
    return [
        Figure("cuts", outcome.cuts, ""),
        *(Figure(f"cuts_{fault.name.lower()}", count, "") for fault, count in sorted(outcome.faults.items(), key=str)),
        Figure("kills", outcome.kills, ""),
        Figure("watchers", len(watchers), ""),
        Figure("events_watched", sum(len(watcher.events) for watcher in watchers), ""),
        Figure("breaks", sum(watcher.watch.breaks for watcher in watchers), ""),
        Figure("longest_wait_for_an_event", max(watcher.longest_wait for watcher in watchers), "s"),
        Figure("watchers_that_missed_doubled_or_mixed_up_events", len(wrong), "", at_most(0)),
    ]


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
