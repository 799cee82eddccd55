"""Membership: keeps this process a member of those that share a store, and knows the others."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from stretto.server.domain.clock import SECOND
from stretto.server.domain.errors import MemberNotFound, Overloaded, StoreUnavailable
from stretto.server.domain.member import Member, Presence
from stretto.server.store.port import Store

_log = structlog.get_logger(__name__)

RENEWALS_PER_LEASE = 4
"""So that a lease outlives two renewals that fail, and a third that is late."""

RETRY_SECONDS_MAX = 1.0
"""Pause before a renewal is tried again that the store did not take."""

LEAVE_SECONDS_MAX = 2.0
"""Time for signing off; after that the lease ends by itself."""

FORGET_LEASES = 60
"""Silence, in leases, after which a member that never left is shown no more."""


Renewed = Callable[[], Awaitable[None]]


class Membership:
    """Renews the lease of this process, and reads who else is there, several times in each lease."""

    def __init__(self, store: Store, member: Member) -> None:
        self._store = store
        self._member = member
        self._lease_seconds = member.lease / SECOND
        self._presences: tuple[Presence, ...] = ()
        self._contact_at = self._steady_since = time.monotonic()
        self._task: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None
        self.load: Callable[[], int] = lambda: 0
        """How many workflows run here."""
        self.on_drain: Callable[[], None] = lambda: None
        """Called once when somebody asks this member to drain."""
        self.on_renewed: Renewed = _nothing
        """Called after each renewal; the next one does not wait for it."""

    @property
    def member(self) -> Member:
        """This process, as it told of itself last."""
        return self._member

    @property
    def presences(self) -> tuple[Presence, ...]:
        """All members, as they were at the last renewal."""
        return self._presences

    @property
    def in_contact(self) -> bool:
        """Whether this member renewed within the last lease; if not, what it runs may be another's by now."""
        return time.monotonic() - self._contact_at < self._lease_seconds

    @property
    def may_judge(self) -> bool:
        """Whether the silence of others says something about them.

        The store was there for a whole lease, and so was this process: after an outage or a pause of its own, others
        have had no time yet to renew theirs.
        """
        return self.in_contact and time.monotonic() - self._steady_since >= self._lease_seconds

    async def join(self) -> None:
        """Renew for the first time, and go on in the background."""
        await self.renew()
        self._task = asyncio.create_task(self._keep())

    async def leave(self) -> None:
        """Renew no more; what this process owned is adrift at once."""
        tasks = [task for task in (self._task, self._following) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            async with asyncio.timeout(LEAVE_SECONDS_MAX):
                await self._store.leave(self._member.member_id)
        except (StoreUnavailable, Overloaded, TimeoutError):
            _log.info("member_not_signed_off", reason="The store does not answer; the lease will end by itself.")

    def announce(self, address: str) -> None:
        """Tell the others with the next renewal where this member takes calls."""
        self._member = replace(self._member, address=address)

    def drain(self) -> None:
        """Tell the others with the next renewal that this member takes nothing more."""
        self._member = replace(self._member, draining=True)

    async def ask_to_drain(self, member_id: str) -> Presence:
        """Leave word for a member, or MemberNotFound with those that there are."""
        try:
            return await self._store.ask_to_drain(member_id)
        except MemberNotFound:
            known = ", ".join(presence.member.member_id for presence in await self._store.members()) or "none"
            raise MemberNotFound(f"There is no member {member_id!r}; there are: {known}.") from None

    async def renew(self) -> None:
        """Renew the lease once, and read who is there."""
        self._member = replace(self._member, running=self.load())
        asked = await self._store.renew(self._member)
        self._presences = await self._store.members()
        self._note_contact()
        if asked and not self._member.draining:
            self.drain()
            self.on_drain()

    def _note_contact(self) -> None:
        """A gap of half a lease is an outage: others, who renew at other moments, may have missed a whole one."""
        now = time.monotonic()
        if now - self._contact_at >= self._lease_seconds / 2:
            self._steady_since = now
        self._contact_at = now

    async def _keep(self) -> None:
        pause = self._lease_seconds / RENEWALS_PER_LEASE
        seconds = pause
        while True:
            await asyncio.sleep(seconds * random.uniform(0.8, 1.0))  # noqa: S311 - Members shall not renew in step.
            seconds = pause
            try:
                await self.renew()
            except (StoreUnavailable, Overloaded):
                seconds = min(pause, RETRY_SECONDS_MAX)
                continue
            except Exception:  # noqa: BLE001 - The edge of a loop that must go on: without it, all would be taken away.
                _log.exception("lease_not_renewed")
                continue
            if self._following is None or self._following.done():
                self._following = asyncio.create_task(self._follow_up())

    async def _follow_up(self) -> None:
        try:
            await self._store.forget_members(FORGET_LEASES * self._member.lease)
            await self.on_renewed()
        except (StoreUnavailable, Overloaded):
            return  # The next renewal is followed up, too.
        except Exception:  # noqa: BLE001 - as above.
            _log.exception("renewal_not_followed_up")


async def _nothing() -> None:
    """What follows a renewal as long as nobody says what."""
