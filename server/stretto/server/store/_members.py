"""Members of a store that one process has for itself: kept in memory, since they go with it."""

import time
from dataclasses import replace

from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import MemberNotFound
from stretto.server.domain.member import Member, Presence


class Members:
    """Who renewed a lease, and when, by a clock that nobody sets."""

    def __init__(self) -> None:
        self._renewed: dict[str, tuple[Member, Micros]] = {}
        self._asked: set[str] = set()

    def renew(self, member: Member) -> bool:
        """Note a member as it is now; says whether it was asked to drain."""
        self._renewed[member.member_id] = (member, _now())
        return member.member_id in self._asked

    def all(self) -> tuple[Presence, ...]:
        """All members, in the order of their ids."""
        now = _now()
        return tuple(Presence(member, now - at) for _, (member, at) in sorted(self._renewed.items()))

    def alive(self) -> frozenset[str]:
        """The ids of those whose lease holds."""
        return frozenset(presence.member.member_id for presence in self.all() if presence.is_alive)

    def ask_to_drain(self, member_id: str) -> Presence:
        """Leave word for a member, or MemberNotFound."""
        if member_id not in self._renewed:
            raise MemberNotFound(f"There is no member {member_id!r}.", member_id=member_id)
        member, at = self._renewed[member_id]
        self._asked.add(member_id)
        return Presence(replace(member, draining=True), _now() - at)

    def leave(self, member_id: str) -> None:
        """Forget a member."""
        self._renewed.pop(member_id, None)
        self._asked.discard(member_id)

    def forget(self, silent_for: Micros) -> int:
        """Forget those that were silent for so long; says how many."""
        gone = [presence.member.member_id for presence in self.all() if presence.silent_for >= silent_for]
        for member_id in gone:
            self.leave(member_id)
        return len(gone)


def _now() -> Micros:
    return time.monotonic_ns() // 1_000
