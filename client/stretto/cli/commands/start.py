"""`stretto start TYPE [INPUT]`."""

from typing import Annotated

from cyclopts import Parameter

from stretto.cli._arguments import Deadline, Labels, RequestId, WatchIt
from stretto.cli._exits import CommandError
from stretto.cli._input import json_of, labels_of
from stretto.cli._made import hand_over
from stretto.cli._options import COMMON, Common
from stretto.cli._when import after_now


async def start(
    name: Annotated[str, Parameter(name="TYPE", help="Name of a workflow type; `stretto types` lists them.")],
    payload: Annotated[
        str, Parameter(name="INPUT", help="The input as JSON; @FILE takes it from a file, - from stdin.")
    ] = "",
    /,
    *,
    request_id: RequestId = "",
    session: Annotated[str, Parameter(help="Session that the workflow belongs to.")] = "",
    labels: Labels = (),
    deadline: Deadline = "",
    watch: WatchIt = False,
    wait: Annotated[bool, Parameter(help="Wait for the end, and print the result.")] = False,
    common: Common = COMMON,
) -> int:
    """Start a workflow.

    Prints the new workflow's id once the start is durable. `stretto describe TYPE` shows what the input must be; a
    wrong field is named, and nothing is started then. With --json: the workflow; with --wait, the workflow and its
    result; with --watch, one event on each line.
    """
    if watch and wait:
        raise CommandError("start: --watch shows the result at the end; give it or --wait, not both")
    value = json_of(payload, "INPUT") if payload else None
    until = after_now(deadline, "--deadline") if deadline else None
    async with common.connected(name) as (client, out):
        handle = await client.start(
            name,
            value,
            request_id=request_id or None,
            session_id=session,
            labels=labels_of(labels),
            deadline=until,
        )
        return await hand_over(handle, client, out, told=f"Started {name}", again=common.again, watch=watch, wait=wait)
