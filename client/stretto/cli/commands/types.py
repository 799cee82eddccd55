"""`stretto types`."""

from stretto.cli._contract import short_name
from stretto.cli._json import readable
from stretto.cli._options import COMMON, Common
from stretto.cli._tables import cell, table


async def types(*, common: Common = COMMON) -> None:
    """List what can be started.

    With --json: one workflow type on each line.
    """
    shown = table("name", "version", "input → result", "description", gives_way="description")
    name = ""
    async with common.connected() as (client, out):
        async for one in client.types():
            name = name or one.name
            messages = f"{short_name(one.contract.input_type)} → {short_name(one.contract.result_type)}"
            shown.add_row(cell(one.name, "bold"), cell(one.version), cell(messages), cell(one.description))
            out.line(await readable(one, client))
    if name:
        out.show(shown)
        out.note(f"More on one: stretto describe {name}{common.again}")
    else:
        out.note("The server has no workflow types.")
