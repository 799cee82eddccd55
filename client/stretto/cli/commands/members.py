"""`stretto members`."""

from stretto.cli._json import readable
from stretto.cli._members import member_table, standing
from stretto.cli._options import COMMON, Common
from stretto.cli._output import Output
from stretto.client import Client
from stretto.operations.v1.member_pb2 import Member


async def members(*, common: Common = COMMON) -> None:
    """List the servers and workers that share the store.

    Shows what each of them runs, and when it last renewed its lease: one that is silent for longer loses its workflows
    to the others. A server that has its store to itself is its only member. With --json: one member on each line.
    """
    async with common.connected() as (client, out):
        found = [member async for member in client.members()]
        for member in found:
            out.line(await readable(member, client))
        if found:
            out.show(member_table(found))
        if not out.json:
            await _explain(found, client, out)


async def _explain(found: list[Member], client: Client, out: Output) -> None:
    """What the table alone does not say."""
    silent = sum(standing(member) == "silent" for member in found)
    if silent:
        out.note(
            f"{silent} silent for longer than the lease: what they ran is taken over, and they are soon forgotten."
        )
    if len(found) < 2:  # noqa: PLR2004 - One member, or none yet.
        shared = (await client.diagnose()).diagnosis.sharing.store_shared
        alone = "No other server or worker shares its store now." if shared else "It has its store to itself."
        out.note(alone if found else "No server or worker has joined yet.")
