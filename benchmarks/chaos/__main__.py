"""`make chaos`: kill a server, inflict faults on a cluster, or cut connections; count what was lost.

Writes build/chaos.json, build/chaos-cluster.json and build/cuts.json.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks._processes import ROOT
from benchmarks._report import as_table, write_json
from benchmarks._stats import Figure, at_least, at_most, percentile
from benchmarks.chaos import cluster, cuts
from benchmarks.chaos.checker import check
from benchmarks.chaos.ledgers import Ledgers
from benchmarks.chaos.ownership import belated_steps, marks_of
from benchmarks.chaos.run import Outcome, Plan, run

SHOWN_MAX = 10
CUTS_PER_KILL = 40


def main() -> None:
    """Run what the command line asks for; the exit code says whether every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="how often to kill a lone server (300)")
    parser.add_argument("--faults", type=int, default=300, help="how many faults to inflict on a cluster (300)")
    parser.add_argument("--cuts", type=int, default=0, help="cut connections of watchers so often instead of both")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="of the dice; printed")
    parser.add_argument("--keep", type=Path, help="a folder to leave the ledgers and the logs in")
    options = parser.parse_args()
    # Whoever ends this ends what it started, too.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=ROOT / "build") as temporary:
        directory = (options.keep or Path(temporary)).resolve()
        wrong = [
            _run(number, what, file, options.seed, directory / file, do)
            for number, what, file, do in (
                (0 if options.cuts else options.kills, "kills", "chaos", _kill),
                (0 if options.cuts else options.faults, "faults", "chaos-cluster", _inflict),
                (options.cuts, "cuts", "cuts", _cut),
            )
            if number
        ]
    sys.exit(any(wrong))


def _run(
    number: int, what: str, file: str, seed: int, directory: Path, do: Callable[[int, int, Path], list[Figure]]
) -> bool:
    """Do one of the three, and print and write what came of it; says whether a promise was broken."""
    print(f"{number} {what}, seed {seed}", flush=True)
    directory.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    figures = do(number, seed, directory)
    print(as_table(figures))
    print(f"{number} {what} in {time.perf_counter() - began:.0f} s; ", end="")
    print(f"a loss in more than {3 / number:.1%} of them is ruled out (95 %)")
    write_json(figures, ROOT / "build" / f"{file}.json")
    return any(figure.met is False for figure in figures)


def _broken(ledgers: Ledgers) -> dict[str, list[str]]:
    """What is wrong, told."""
    broken = check(ledgers)
    for name, details in broken.items():
        for detail in details[:SHOWN_MAX]:
            print(f"{name}: {detail}")
    return broken


def _kill(kills: int, seed: int, directory: Path) -> list[Figure]:
    """Kill as planned, and tell what is wrong."""
    outcome = asyncio.run(run(Plan(kills, seed, directory)))
    return as_figures(outcome, _broken(outcome.ledgers))


def _inflict(faults: int, seed: int, directory: Path) -> list[Figure]:
    """Inflict faults as planned, and tell what is wrong."""
    outcome = asyncio.run(cluster.run(cluster.ClusterPlan(faults, seed, directory)))
    return as_figures_of_cluster(outcome, _broken(outcome.ledgers))


def _cut(number: int, seed: int, directory: Path) -> list[Figure]:
    """Cut as planned, and tell what is wrong."""
    outcome = asyncio.run(cuts.run(cuts.Plan(number, number // CUTS_PER_KILL, seed, directory)))
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
    """What was done to a lone server, and how often each promise was broken."""
    return [
        Figure("kills", outcome.kills, ""),
        *_of_ledgers(outcome.ledgers),
        Figure("restart_to_ready_p50", percentile(outcome.ready_seconds, 0.5), "s"),
        Figure("restart_to_ready_max", max(outcome.ready_seconds), "s"),
        Figure("exit_code_of_the_last_server", outcome.exit_code, "", at_most(0)),
        *_of_rules(broken),
    ]


def as_figures_of_cluster(outcome: cluster.ClusterOutcome, broken: dict[str, list[str]]) -> list[Figure]:
    """What was done to a cluster, and how often each promise was broken."""
    cut = sorted(outcome.cuts.items(), key=lambda item: item[0].name)
    return [
        Figure("faults", outcome.faults.total(), ""),
        *(Figure(name, count, "") for name, count in sorted(outcome.faults.items())),
        *(Figure(f"commits_cut_{where.name.lower()}", count, "") for where, count in cut),
        *_of_ledgers(outcome.ledgers),
        Figure("streams_broken_off_by_watchers", outcome.ledgers.client.cuts, ""),
        Figure("steps_that_a_pause_held_back", len(list(belated_steps(outcome.ledgers))), ""),
        Figure("workflows_taken_over_from_the_living", outcome.takeovers, ""),
        Figure("starts_of_members", len(outcome.ready_seconds), ""),
        Figure("starts_of_members_that_failed", outcome.failed_starts, ""),
        Figure("start_to_ready_p50", percentile(outcome.ready_seconds, 0.5), "s"),
        Figure("start_to_ready_max", max(outcome.ready_seconds), "s"),
        Figure("last_fault_to_last_end", outcome.finish_seconds, "s", at_most(cluster.FINISH_SECONDS_MAX)),
        Figure("exit_codes_other_than_0", sum(code != 0 for code in outcome.exit_codes), "", at_most(0)),
        Figure("stale_writes_refused", outcome.refused_writes, "", at_least(1)),
        *_of_rules(broken),
    ]


def _of_ledgers(ledgers: Ledgers) -> list[Figure]:
    """How much was done."""
    ran = Counter((effect.request_id, effect.step) for effect in ledgers.effects)
    ends = Counter(row.events[-1].WhichOneof("kind") for row in ledgers.rows if row.events)
    marks = {mark for row in ledgers.rows for event in row.events for mark in marks_of(event)}
    return [
        Figure("starts_acknowledged", len(ledgers.client.acknowledged), ""),
        Figure("workflows", len(ledgers.rows), ""),
        *(Figure(f"workflows_{kind}", count, "") for kind, count in sorted(ends.items()) if kind),
        Figure("events_watched", len(ledgers.client.seen), ""),
        Figure("decisions_accepted", len(ledgers.client.decided), ""),
        Figure("steps_run", len(ledgers.effects), ""),
        Figure("steps_run_again_after_a_fault", len(ledgers.effects) - len(ran), ""),
        Figure("steps_told_of_in_journals", len(marks), "", at_least(1)),
    ]


def _of_rules(broken: dict[str, list[str]]) -> list[Figure]:
    return [Figure(name, len(details), "", at_most(0)) for name, details in broken.items()]


if __name__ == "__main__":
    main()
