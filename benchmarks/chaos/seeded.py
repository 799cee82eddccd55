"""Starts `stretto` with a bug of its own, to prove that the checker finds it. The product itself has no such code.

`python -m benchmarks.chaos.seeded BUG serve …` or `… worker …`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from stretto.cli import main as stretto
from stretto.server.domain import transitions
from stretto.server.domain.change import Change, Committed, Request, RunCommit
from stretto.server.domain.errors import StrettoError
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.workflow import Interrupt, Workflow
from stretto.server.engine.journal import Journal
from stretto.server.store.postgres import PostgresStore


def acknowledge_before_commit() -> None:
    """Answer a start while its transaction is still under way."""
    create, under_way = PostgresStore.create, set[asyncio.Task[Any]]()

    async def created(self: PostgresStore, change: Change, request: Request | None = None) -> Committed:
        task = asyncio.create_task(_unheard(create(self, change, request)))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        return Committed(replace(change.workflow, last_sequence=len(change.events)), fresh=True)

    PostgresStore.create = created  # type: ignore[method-assign]


def no_epoch_predicate() -> None:
    """Take what a run writes whoever owns the workflow now."""
    commit_run = transitions.commit_run

    def unfenced(
        workflow: Workflow, interrupts: tuple[Interrupt, ...], commit: RunCommit, owner: str = ""
    ) -> tuple[Change, ...]:
        if commit.claims and workflow.epoch + 1 == commit.epoch:
            return commit_run(workflow, interrupts, commit, owner)
        return commit_run(workflow, interrupts, replace(commit, epoch=workflow.epoch), workflow.owner)

    transitions.commit_run = unfenced


def resume_off_by_one() -> None:
    """Leave out the event after the one that a watcher has seen last."""
    follow = Journal.follow

    def skipping(
        self: Journal, project: str, workflow_id: str, after: int, limit: int
    ) -> AsyncIterator[tuple[StoredEvent, ...]]:
        return follow(self, project, workflow_id, after + 1 if after else 0, limit)

    Journal.follow = skipping  # type: ignore[method-assign]


async def _unheard(work: Any) -> None:
    """What fails here, nobody hears of."""
    try:
        await work
    except StrettoError:
        return


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__: bug for bug in (acknowledge_before_commit, no_epoch_predicate, resume_off_by_one)
}


def main() -> None:
    """Put the bug in, and go on as `stretto`."""
    BUGS[sys.argv.pop(1)]()
    stretto()


if __name__ == "__main__":
    main()
