"""What a server that has its store to itself says of its members."""

import pytest

from stretto.server.app.membership import LoneMembership
from stretto.server.domain.diagnosis import Sharing
from stretto.server.domain.errors import MemberNotFound
from stretto.server.domain.member import MemberKind
from stretto.server.domain.settings import Settings
from stretto.server.domain.workflow_type import RESERVED, WorkflowType
from stretto.server.engine.catalog import Catalog
from stretto.testing import ManualClock


class Counting:
    """What the membership asks of a dispatcher."""

    running_count = 4
    draining = False


class Alone:
    """A membership, and how often it asked its process to stop."""

    def __init__(self, **settings) -> None:
        self.stops = 0
        types = (WorkflowType(name="orders", version="7"), WorkflowType(name=f"{RESERVED}turn"))
        self.dispatcher = Counting()
        self.membership = LoneMembership(
            "server-1",
            settings=Settings(**settings),
            catalog=Catalog(types),
            dispatcher=self.dispatcher,  # type: ignore[arg-type]  # All that is asked of it.
            clock=ManualClock(),
            address=lambda: "127.0.0.1:7",
            stop=self.stop,
        )

    def stop(self) -> None:
        self.stops += 1

    async def member(self):
        (presence,) = await self.membership.members()
        return presence.member


async def test_the_server_is_its_only_member_and_never_silent() -> None:
    alone = Alone(concurrency_max=9, lease_seconds=3)
    (presence,) = await alone.membership.members()
    member = presence.member
    assert (presence.silent_for, presence.is_alive, member.lease) == (0, True, 3_000_000)
    assert (member.kind, member.address, member.types) == (MemberKind.SERVER, "127.0.0.1:7", (("orders", "7"),))
    assert (member.running, member.concurrency_max, member.draining) == (4, 9, False)
    assert alone.membership.sharing() == Sharing("server-1")


async def test_a_drain_stops_the_process_and_is_told_of_from_then_on() -> None:
    alone = Alone()
    for named in ("", alone.membership.member_id):
        assert (await alone.membership.drain(named)).member.draining
    assert alone.stops == 2
    assert (await alone.member()).draining


async def test_a_server_that_drains_by_a_signal_says_so() -> None:
    alone = Alone()
    alone.dispatcher.draining = True
    assert (await alone.member()).draining


async def test_another_id_is_no_member_and_stops_nothing() -> None:
    alone = Alone()
    with pytest.raises(MemberNotFound, match="'other'; there are: server-1"):
        await alone.membership.drain("other")
    assert alone.stops == 0
    assert not (await alone.member()).draining
