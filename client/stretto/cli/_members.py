"""Members, as people see them."""

from collections.abc import Iterable
from typing import Final

from rich.table import Table
from rich.text import Text

from stretto.cli._tables import cell, table
from stretto.cli._words import span
from stretto.operations.v1.member_pb2 import Member, MemberKind, MemberType

__all__ = ["member_table", "standing"]

TYPES_MAX: Final = 3
"""Workflow types that are named of each member; --json has all."""

_STYLES: Final = {"alive": "green", "draining": "yellow", "silent": "bold red"}


def member_table(members: Iterable[Member]) -> Table:
    """One row for each member."""
    shown = table("member", "kind", "address", "state", "running", "renewed", "types", gives_way="types")
    for member in members:
        state = standing(member)
        shown.add_row(
            cell(member.member_id, "bold"),
            MemberKind.Name(member.kind).removeprefix("MEMBER_KIND_").lower(),
            cell(member.address or "-"),
            Text(state, _STYLES[state]),
            f"{member.running_workflow_count}/{member.concurrency_max}" if member.types else "-",
            _renewed(member),
            cell(_types(member.types)),
        )
    return shown


def standing(member: Member) -> str:
    """How it is, in a word. A silent one may have been asked to drain, but nobody knows whether it heard of it."""
    if not member.alive:
        return "silent"
    return "draining" if member.draining else "alive"


def _renewed(member: Member) -> str:
    """When its lease was renewed."""
    seconds = member.silent_for.ToTimedelta().total_seconds()
    return f"{span(round(seconds))} ago" if seconds >= 1 else "now"


def _types(types: Iterable[MemberType]) -> str:
    names = [f"{one.workflow_type} {one.type_version}" for one in types]
    more = len(names) - TYPES_MAX
    return ", ".join(names[:TYPES_MAX]) + f" and {more} more" * (more > 0) or "none"
