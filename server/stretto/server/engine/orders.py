"""Workflows that turns have ordered: each starts in the transaction that ends its turn, or not at all."""

from stretto.server.domain.workflow import Workflow
from stretto.server.engine.desk import TurnName

Run = tuple[str, str, int]
"""Project, turn id and epoch: one run of a turn."""


class Orders:
    """Keeps what runs of turns have ordered. In memory only: a turn that runs again gives its orders again.

    So a turn that breaks off half-way has done nothing, and one that ends has done all of it, exactly once. Nothing is
    kept for longer than its run lasts here, whoever ends the turn and whether or not anybody tells of it.
    """

    def __init__(self) -> None:
        self._placed: dict[Run, dict[int, Workflow]] = {}

    def __len__(self) -> int:
        return len(self._placed)

    def begin(self, turn: TurnName) -> None:
        """Forget what the run has ordered: it gives its orders anew."""
        self._placed.pop(_run_of(turn), None)

    def place(self, turn: TurnName, number: int, workflow: Workflow) -> None:
        """Order a workflow; the same number replaces an earlier order."""
        self._placed.setdefault(_run_of(turn), {})[number] = workflow

    def of(self, project: str, turn_id: str, epoch: int) -> tuple[Workflow, ...]:
        """What a run of a turn has ordered, in the order of its numbers."""
        return tuple(workflow for _, workflow in sorted(self._placed.get((project, turn_id, epoch), {}).items()))

    def ended(self, project: str, turn_id: str, epoch: int) -> None:
        """Drop a run's orders: they are carried out, or nobody will."""
        self._placed.pop((project, turn_id, epoch), None)


def _run_of(turn: TurnName) -> Run:
    return turn.project, turn.turn_id, turn.epoch
