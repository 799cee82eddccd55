"""The executors of a server: a crew for its workflows, and one executor of its own for the turns of conversations."""

import asyncio
from collections.abc import Callable, Sequence

from stretto.server.app.background import side_by_side
from stretto.server.app.supervisor import Supervisor
from stretto.server.domain.settings import Settings
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.engine.desk import Desk
from stretto.server.engine.ledger import Ledger
from stretto.server.engine.process import STALL_SECONDS
from stretto.server.engine.runner import Runner

ORCHESTRATOR = "stretto.server.app.orchestrator:app"
"""What the executor of turns loads. By name: this process does without LangGraph."""


class Crews:
    """Starts and ends all executors. No code of users runs where turns do, so that none can hold an answer up."""

    def __init__(
        self,
        settings: Settings,
        targets: Sequence[str],
        ledger: Ledger,
        changed: Callable[[], None],
        desk: Desk,
    ) -> None:
        count = settings.executors if settings.run_workflows else 0
        self._workflows = Supervisor(settings, targets, ledger, changed, count=count)
        self._all = [self._workflows]
        if settings.orchestrator:
            self._all.append(Supervisor(_of_turns(settings), [ORCHESTRATOR], ledger, changed, count=1, desk=desk))

    @property
    def alive_count(self) -> int:
        """How many executors can be given workflows now."""
        return self._workflows.alive_count

    @property
    def type_names(self) -> frozenset[str]:
        """Names of the workflow types that run here."""
        return frozenset().union(*(crew.type_names for crew in self._all))

    async def start(self) -> tuple[WorkflowType, ...]:
        """Start all executors side by side; the workflow types that they can run."""
        started = await side_by_side(crew.start() for crew in self._all)
        return tuple(info for types in started for info in types)

    def give_to(self, dispatcher: Runner) -> None:
        """Let the dispatcher have the executors that there are and all that will come."""
        for crew in self._all:
            crew.give_to(dispatcher)

    def retire(self) -> None:
        """Replace no executor any more."""
        for crew in self._all:
            crew.retire()

    async def close(self) -> None:
        """End all executors."""
        await asyncio.gather(*(crew.close() for crew in self._all))


def _of_turns(settings: Settings) -> Settings:
    """The settings for the executor of turns. No step may block it, so when it hangs that is not for its own good.

    It is replaced as soon as the turns that it had are lost, though steps of workflows may block for much longer.
    """
    patience = max(STALL_SECONDS, settings.turn_seconds_max)
    longest = min(patience, settings.executor_stall_seconds_max or patience)
    return settings.model_copy(update={"executor_stall_seconds_max": longest, "types": ()})
