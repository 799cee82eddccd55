"""A checker that finds nothing proves something only if it finds what is there: three bugs, put in on purpose."""

import asyncio
from dataclasses import replace
from pathlib import Path

from benchmarks.chaos.checker import check
from benchmarks.chaos.cluster import ClusterOutcome, ClusterPlan, run
from benchmarks.chaos.fleet import Shape


async def test_seeded_bugs_are_found(tmp_path: Path) -> None:
    # Many workflows of long steps, so that a worker that was frozen wakes while another one runs what it had.
    frozen = seeded("no_epoch_predicate", "stale_writes", tmp_path, "freeze_worker")
    unfencing = replace(frozen, shape=replace(frozen.shape, workers=1), callers=20, pause=1.5)
    early, unfenced, skipping = await asyncio.gather(
        run(seeded("acknowledge_before_commit", "lost_starts", tmp_path, "stop_database")),
        run(unfencing),
        run(seeded("resume_off_by_one", "broken_streams", tmp_path)),
    )
    assert "lost_starts" in broken(early)
    assert "stale_writes" in broken(unfenced)
    assert "broken_streams" in broken(skipping)


def broken(outcome: ClusterOutcome) -> dict[str, list[str]]:
    return {rule: details for rule, details in check(outcome.ledgers).items() if details}


def seeded(bug: str, rule: str, directory: Path, *kinds: str) -> ClusterPlan:
    """One server with a bug, and faults of these kinds until the checker sees a rule broken."""
    folder = directory / bug
    folder.mkdir()
    return ClusterPlan(
        0,
        seed=3,
        directory=folder,
        shape=Shape(1, 0, 1.0, ("-m", "benchmarks.chaos.seeded", bug)),
        callers=6,
        kinds=kinds,
        until_broken=rule,
        between_seconds_max=1.0,
        finish_seconds_max=0.0,
    )
