"""The processes that share the store, with leases that Redis's clock judges."""

from stretto.server.domain.clock import Micros
from stretto.server.domain.errors import MemberNotFound
from stretto.server.domain.member import Member, Presence
from stretto.server.store.redis import _encoding
from stretto.server.store.redis._keys import MEMBERS
from stretto.server.store.redis._link import Link


def renew(link: Link, member: Member) -> bool:
    """Note a member as it is now; says whether it was asked to drain."""
    return bool(link.ask("members", MEMBERS, "renew", member.member_id, _encoding.member_row(member)))


def everybody(link: Link) -> tuple[Presence, ...]:
    """All members, in the order of their ids."""
    found = [_encoding.to_presence(parts) for parts in link.ask("members", MEMBERS, "all")]
    return tuple(sorted(found, key=lambda presence: presence.member.member_id))


def ask_to_drain(link: Link, member_id: str) -> Presence:
    """Leave word for a member, or MemberNotFound."""
    parts = link.ask("members", MEMBERS, "drain", member_id)
    if parts is None:
        raise MemberNotFound(f"There is no member {member_id!r}.", member_id=member_id)
    return _encoding.to_presence(parts, draining=True)


def leave(link: Link, member_id: str) -> None:
    """Forget a member."""
    link.ask("members", MEMBERS, "leave", member_id)


def forget(link: Link, silent_for: Micros) -> int:
    """Forget members that were silent for so long; says how many."""
    return int(link.ask("members", MEMBERS, "forget", silent_for))
