"""`stretto fork ID`."""

from typing import Annotated

from cyclopts import Parameter

from stretto.cli._arguments import Deadline, RequestId, WatchIt, WorkflowId
from stretto.cli._input import mapping_of
from stretto.cli._made import hand_over
from stretto.cli._options import COMMON, Common
from stretto.cli._when import after_now


async def fork(
    workflow_id: WorkflowId,
    /,
    *,
    checkpoint: Annotated[
        str,
        Parameter(help="Checkpoint to go on from; `stretto history ID --checkpoints` lists them. The newest if none."),
    ] = "",
    values: Annotated[
        str, Parameter(help="Values to write into the state first, as a JSON object, @FILE, or - for stdin.")
    ] = "",
    as_step: Annotated[str, Parameter(help="Step that the values count as written by.")] = "",
    request_id: RequestId = "",
    deadline: Deadline = "",
    watch: WatchIt = False,
    common: Common = COMMON,
) -> int:
    """Go on from any checkpoint of a workflow, with other values.

    Makes a new workflow and prints its id; the old one may be in any status and is not changed. With --json: the new
    workflow; with --watch, one event on each line.
    """
    written = mapping_of(values, "--values") if values else None
    until = after_now(deadline, "--deadline") if deadline else None
    async with common.connected() as (client, out):
        handle = await client.handle(workflow_id).fork(
            checkpoint_id=checkpoint,
            values=written,
            as_step=as_step,
            request_id=request_id or None,
            deadline=until,
        )
        told = f"Forked from {workflow_id}"
        return await hand_over(handle, client, out, told=told, again=common.again, watch=watch)
