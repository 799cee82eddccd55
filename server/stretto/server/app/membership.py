"""The members of a store that nobody shares: the one server that has it to itself."""

from collections.abc import Callable
from importlib.metadata import version

from stretto.server.domain.clock import SECOND, Clock
from stretto.server.domain.diagnosis import Sharing
from stretto.server.domain.errors import MemberNotFound
from stretto.server.domain.member import Member, MemberKind, Presence
from stretto.server.domain.settings import Settings
from stretto.server.engine.catalog import Catalog
from stretto.server.engine.runner import Runner


class LoneMembership:
    """Tells of this server alone, which needs no lease and so is never silent."""

    def __init__(
        self,
        member_id: str,
        *,
        settings: Settings,
        catalog: Catalog,
        dispatcher: Runner,
        clock: Clock,
        address: Callable[[], str],
        stop: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._types = tuple((info.name, info.version) for info in catalog)
        self._dispatcher = dispatcher
        self._address = address
        self._stop = stop
        self._drains = False
        self._joined_at = clock.now()
        self._version = version("stretto")
        self.member_id = member_id

    async def members(self) -> tuple[Presence, ...]:
        """This server."""
        return (self._presence(),)

    async def drain(self, member_id: str) -> Presence:
        """Have this server stop, as SIGTERM does; or MemberNotFound for any other."""
        if member_id not in ("", self.member_id):
            raise MemberNotFound(f"There is no member {member_id!r}; there are: {self.member_id}.")
        self._drains = True
        self._stop()
        return self._presence()

    def sharing(self) -> Sharing:
        """Nothing is shared."""
        return Sharing(self.member_id)

    def _presence(self) -> Presence:
        member = Member(
            member_id=self.member_id,
            kind=MemberKind.SERVER,
            lease=round(self._settings.lease_seconds * SECOND),
            version=self._version,
            types=self._types,
            address=self._address(),
            joined_at=self._joined_at,
            running=self._dispatcher.running_count,
            concurrency_max=self._settings.concurrency_max,
            draining=self._drains or self._dispatcher.draining,
        )
        return Presence(member, silent_for=0)
