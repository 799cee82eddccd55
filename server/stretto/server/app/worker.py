"""The worker process: runs workflows, and answers no calls."""

from collections.abc import Callable

from stretto.server.app.facts import Facts
from stretto.server.app.host import ExecutorsFor, Host
from stretto.server.domain.clock import SystemClock
from stretto.server.domain.errors import Misconfigured
from stretto.server.domain.member import MemberKind
from stretto.server.domain.settings import Settings


class Worker:
    """One worker with its executors. It knows of work through Redis, so it needs one."""

    def __init__(self, settings: Settings, executors: ExecutorsFor, stop: Callable[[], None]) -> None:
        if not settings.redis:
            raise Misconfigured("A worker shares a store with servers: name their Redis or Valkey with --redis.")
        of_workers = settings.model_copy(update={"orchestrator": False, "run_workflows": True})
        facts = Facts(MemberKind.WORKER, of_workers, SystemClock(), stop)
        self.host = Host(facts, executors, changed=lambda: None)

    async def start(self) -> None:
        """Open the store, load the graphs, and begin to take work."""
        await self.host.open()
        try:
            self.host.count()
            await self.host.begin()
        except BaseException:
            await self.host.close()
            raise

    async def stop(self) -> None:
        """Take nothing more, let steps finish, hand everything back."""
        await self.host.drain()
        await self.host.close()
