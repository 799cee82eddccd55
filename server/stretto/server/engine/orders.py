"""Workflows that turns have ordered: each starts in the transaction that ends its turn, or not at all."""

from collections.abc import Sequence

from stretto.server.domain.change import Publication
from stretto.server.domain.workflow import Workflow
from stretto.server.engine.desk import TurnName
from stretto.server.engine.news import WorkflowNews

Key = tuple[str, str]
"""Project and turn id."""


class Orders:
    """Keeps what turns have ordered until they end. In memory only: a turn that runs again gives its orders again.

    So a turn that breaks off half-way has done nothing, and one that ends has done all of it, exactly once.
    """

    def __init__(self) -> None:
        self._placed: dict[Key, dict[int, Workflow]] = {}

    def begin(self, turn: TurnName) -> None:
        """Forget what an earlier run of the turn has ordered."""
        self._placed.pop((turn.project, turn.turn_id), None)

    def place(self, turn: TurnName, number: int, workflow: Workflow) -> None:
        """Order a workflow; the same number replaces an earlier order."""
        self._placed.setdefault((turn.project, turn.turn_id), {})[number] = workflow

    def of(self, project: str, turn_id: str) -> tuple[Workflow, ...]:
        """What a turn has ordered, in the order of its numbers."""
        return tuple(workflow for _, workflow in sorted(self._placed.get((project, turn_id), {}).items()))

    def forget(self, project: str, turn_id: str) -> None:
        """Drop a turn's orders: they are carried out, or somebody else runs it."""
        self._placed.pop((project, turn_id), None)

    def hear(self, news: Sequence[WorkflowNews]) -> None:
        """Drop the orders of turns that were ended by another server."""
        for workflow in news:
            if workflow.status.terminal:
                self.forget(workflow.project, workflow.workflow_id)

    def on_publications(self, publications: Sequence[Publication]) -> None:
        """Drop the orders of turns that have ended, however: a deadline or a cancel asks no executor."""
        for workflow in (publication.workflow for publication in publications):
            if workflow.status.terminal:
                self.forget(workflow.project, workflow.workflow_id)
