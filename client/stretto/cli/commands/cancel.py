"""`stretto cancel ID`."""

from typing import Annotated

from cyclopts import Parameter

from stretto.cli._arguments import RequestId, WorkflowId
from stretto.cli._json import readable
from stretto.cli._options import COMMON, Common
from stretto.workflow.v1.workflow_pb2 import WORKFLOW_STATUS_CANCELLED


async def cancel(
    workflow_id: WorkflowId,
    /,
    *,
    cause: Annotated[str, Parameter(help="Why, for the journal; at most 512 characters.")] = "",
    request_id: RequestId = "",
    common: Common = COMMON,
) -> None:
    """Cancel a workflow.

    Once it returns, no step starts any more; steps that run now are stopped. With --json: the workflow.
    """
    async with common.connected() as (client, out):
        workflow = await client.handle(workflow_id).cancel(cause, request_id=request_id or None)
        out.document(await readable(workflow, client))
    ended = workflow.status == WORKFLOW_STATUS_CANCELLED
    out.show(f"{workflow_id} is cancelled" if ended else f"{workflow_id} is being cancelled: its steps are stopping")
