"""Membership, over a store that is away when it is told to be."""

import asyncio
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from stretto.server.cluster import membership as module
from stretto.server.cluster.membership import Membership
from stretto.server.domain.clock import SECOND
from stretto.server.domain.errors import StoreUnavailable
from stretto.server.domain.member import Member, MemberKind

LEASE_SECONDS = 40.0


class Leases:
    """What the membership asks of a store."""

    def __init__(self) -> None:
        self.away = False
        self.left: list[str] = []

    async def renew(self, member: Member) -> bool:
        if self.away:
            raise StoreUnavailable
        return False

    async def members(self) -> tuple[()]:
        return ()

    async def forget_members(self, silent_for: int) -> int:
        return 0

    async def leave(self, member_id: str) -> None:
        self.left.append(member_id)


class Sleeps:
    """Time that passes as soon as somebody sleeps, for so many times."""

    def __init__(self, count: int) -> None:
        self.seconds: list[float] = []
        self._count = count
        self._sleep = asyncio.sleep

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if len(self.seconds) > self._count:
            await asyncio.get_running_loop().create_future()
        await self._sleep(0)


@pytest.fixture
def leases() -> Leases:
    return Leases()


def membership_over(leases: Leases) -> Membership:
    member = Member(member_id="m", kind=MemberKind.WORKER, lease=round(LEASE_SECONDS * SECOND), version="1")
    return Membership(cast("Any", leases), member)


async def test_a_renewal_that_the_store_does_not_take_is_tried_again_soon(leases, monkeypatch):
    sleeps = Sleeps(4)
    monkeypatch.setattr(module.asyncio, "sleep", sleeps)
    membership = membership_over(leases)
    await membership.join()
    leases.away = True
    while len(sleeps.seconds) <= 4:
        await sleeps._sleep(0)
    first, *others = sleeps.seconds
    assert first > module.RETRY_SECONDS_MAX
    assert max(others) <= module.RETRY_SECONDS_MAX
    await membership.leave()


async def test_what_follows_a_renewal_ends_with_the_membership(leases, monkeypatch):
    monkeypatch.setattr(module.asyncio, "sleep", Sleeps(1))
    membership = membership_over(leases)
    begun, ended = asyncio.Event(), asyncio.Event()

    async def follow_up() -> None:
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    membership.on_renewed = follow_up
    await membership.join()
    await begun.wait()
    await membership.leave()
    assert ended.is_set()
    assert leases.left == ["m"]


async def test_a_store_that_hangs_does_not_hold_up_a_member_that_leaves(leases, monkeypatch):
    monkeypatch.setattr(module, "LEAVE_SECONDS_MAX", 0.01)
    membership = membership_over(leases)
    await membership.join()
    monkeypatch.setattr(leases, "leave", lambda _: asyncio.get_running_loop().create_future())
    with capture_logs() as logs:
        await membership.leave()
    assert logs[-1]["event"] == "member_not_signed_off"
