"""`stretto drain [MEMBER]`."""

import asyncio
import sys
from typing import Annotated, Final, Literal, TypeAlias

from cyclopts import Parameter

from stretto.cli._exits import CommandError, Exit
from stretto.cli._json import readable
from stretto.cli._options import COMMON, Common
from stretto.cli._output import Output, clean
from stretto.client import Client
from stretto.client.errors import TimedOut, Unavailable
from stretto.operations.v1.member_pb2 import Member

POLL_SECONDS: Final = 0.5

POLLS_IN_VAIN_MAX: Final = 20
"""How often in a row nobody may answer before the wait for another member is given up."""

_Outcome: TypeAlias = Literal["asked", "gone", "silent"]

_TOLD: Final[dict[_Outcome, str]] = {
    "asked": "{member} was asked to drain; `stretto members` lists it until it is gone",
    "gone": "{member} is gone",
    "silent": "{member} is silent, as if it had died: it drains nothing, and the others take its workflows over",
}


def drain(
    member: Annotated[
        str, Parameter(name="MEMBER", help="Id of the server or worker, as `stretto members` has it.")
    ] = "",
    /,
    *,
    yes: Annotated[bool, Parameter(help="Without MEMBER: drain the server that answers and do not ask first.")] = False,
    wait: Annotated[
        bool, Parameter(negative="--no-wait", help="Wait until it is gone, or return as soon as it was asked.")
    ] = True,
    common: Common = COMMON,
) -> Exit:
    """Have a server or worker finish its steps and end.

    It takes nothing more, lets running steps finish as long as its --drain-seconds-max allows, hands the rest back to
    the others and ends, as after SIGTERM; a supervisor that restarts whatever ends starts it again, under a new id.
    Without MEMBER it is the server that answers. Ctrl-C stops the wait, not the drain. The exit code is 0 when it is
    gone (or was asked, with --no-wait), and 1 when it went silent instead. With --json: the member, and the outcome
    `asked`, `gone` or `silent`.
    """
    # Nothing is connected while a person thinks.
    if not member:
        member = asyncio.run(_answering(common))
        _confirm(member, common, yes=yes)
    return asyncio.run(_drain(member, common, wait=wait))


async def _answering(common: Common) -> str:
    async with common.connected() as (client, _):
        member_id = await _own_id(client)
    if not member_id:
        raise CommandError(
            f"the server at {common.server} is older than this command and cannot be drained so", Exit.FAULT
        )
    return member_id


async def _own_id(client: Client) -> str:
    return (await client.diagnose()).diagnosis.sharing.member_id


def _confirm(member: str, common: Common, *, yes: bool) -> None:
    """A server ends for all its callers, and nobody has named this one: ask, or be told by --yes."""
    if yes:
        return
    if common.json or not sys.stdin.isatty():
        raise CommandError(f"drain: this would end {member} at {common.server}; name it, or add --yes")
    print(f"Drain {clean(member)} at {common.server}, which ends it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CommandError("drain: nothing was drained")


async def _drain(member_id: str, common: Common, *, wait: bool) -> Exit:
    async with common.connected() as (client, out):
        # Of several addresses, any one may fail to answer for reasons of its own.
        alone = "," not in common.server and await _own_id(client) == member_id
        member = await client.drain(member_id)
        outcome: _Outcome = "asked" if member.alive else "silent"
        if wait:
            outcome = await _until_gone(member_id, client, out, alone=alone)
        out.document({"outcome": outcome, "member": await readable(member, client)})
        out.show(_TOLD[outcome].format(member=member.member_id))
    return Exit.FAULT if outcome == "silent" else Exit.OK


async def _until_gone(member_id: str, client: Client, out: Output, *, alone: bool) -> _Outcome:
    """Look for it among the members until it is not there any more, and tell how many workflows it still runs.

    Where `alone` the drained server itself is the only one that is asked: it ends by not answering any more.
    """
    told, in_vain = -1, 0
    while True:
        try:
            found = await _find(member_id, client)
        except (Unavailable, TimedOut) as error:
            if alone and isinstance(error, Unavailable) and not error.reason:
                return "gone"
            in_vain += 1
            if in_vain == POLLS_IN_VAIN_MAX:
                raise
        else:
            if found is None or not found.alive:
                return "silent" if found else "gone"
            in_vain = 0
            if found.running_workflow_count != told:
                told = found.running_workflow_count
                out.note(f"{member_id} drains: {told} running")
        await asyncio.sleep(POLL_SECONDS)


async def _find(member_id: str, client: Client) -> Member | None:
    async for member in client.members():
        if member.member_id == member_id:
            return member
    return None
