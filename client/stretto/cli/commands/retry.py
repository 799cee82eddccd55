"""`stretto retry ID`."""

from stretto.cli._arguments import Deadline, RequestId, WatchIt, WorkflowId
from stretto.cli._made import hand_over
from stretto.cli._options import COMMON, Common
from stretto.cli._when import after_now


async def retry(
    workflow_id: WorkflowId,
    /,
    *,
    request_id: RequestId = "",
    deadline: Deadline = "",
    watch: WatchIt = False,
    common: Common = COMMON,
) -> int:
    """Go on with a failed, timed out or quarantined workflow from its last checkpoint.

    Makes a new workflow and prints its id; the old one stays as it ended. With --json: the new workflow; with --watch,
    one event on each line.
    """
    until = after_now(deadline, "--deadline") if deadline else None
    async with common.connected() as (client, out):
        handle = await client.handle(workflow_id).retry(request_id=request_id or None, deadline=until)
        told = f"Goes on from the last checkpoint of {workflow_id}"
        return await hand_over(handle, client, out, told=told, again=common.again, watch=watch)
