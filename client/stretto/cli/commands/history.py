"""`stretto history ID`."""

from contextlib import aclosing
from typing import Annotated, Any, Final

from cyclopts import Parameter, validators
from rich.table import Table
from rich.text import Text

from stretto.cli._arguments import WorkflowId
from stretto.cli._events import columns
from stretto.cli._json import plain, readable
from stretto.cli._live import BranchReader, branch_line
from stretto.cli._options import COMMON, Common
from stretto.cli._output import Output
from stretto.cli._tables import cell, table
from stretto.cli._words import clock
from stretto.client import Client, WorkflowHandle
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

ROWS_MAX = 200
"""Rows in one table: a long journal is printed as it comes, and takes no memory for all of it."""

_BRANCH_STYLES: Final = {"succeeded": "green", "failed": "red"}


async def history(
    workflow_id: WorkflowId,
    /,
    *,
    checkpoints: Annotated[
        bool, Parameter(help="List the checkpoints instead, newest first: where `fork` can go on from.")
    ] = False,
    snapshots: Annotated[
        bool, Parameter(help="With --checkpoints and --json: the graph's values at each one too.")
    ] = False,
    after: Annotated[
        int, Parameter(validator=validators.Number(gte=0), help="Only the events after this sequence.")
    ] = 0,
    common: Common = COMMON,
) -> None:
    """Print a workflow's journal, or its checkpoints.

    The journal as it is now; `stretto watch` goes on with what happens next. With --json: one event, or one
    checkpoint, on each line.
    """
    async with common.connected() as (client, out):
        handle = client.handle(workflow_id)
        if checkpoints:
            await _checkpoints(handle, client, out, snapshots=snapshots)
        else:
            await _events(handle, client, out, after)


async def _events(handle: WorkflowHandle[Any], client: Client, out: Output, after: int) -> None:
    last = (await handle.state(snapshot=False)).as_of_sequence
    shown, branches = _page(), BranchReader(client)
    if after < last:
        async with aclosing(handle.watch(after)) as watch:
            async for event in watch:
                if out.json:
                    out.line(await readable(event, client))
                else:
                    shown.add_row(*await _row(event, client, branches))
                if shown.row_count >= ROWS_MAX:
                    out.show(shown)
                    shown = _page()
                if event.sequence >= last:
                    break
        if shown.row_count:
            out.show(shown)
    else:
        out.note(f"There are no events after {after}; the last one is {last}.")


async def _row(event: ProgressEvent, client: Client, branches: BranchReader) -> tuple[Text, ...]:
    """An event in the words of `columns`, or where it is about a branch in those that the branch has elsewhere."""
    row = columns(event, await _payload(event, client))
    if (branch := await branches.read(event)) is None:
        return row
    style = _BRANCH_STYLES.get(branch.WhichOneof("kind") or "", "cyan")
    return *row[:-1], cell(branch_line(branch, event.step_progress.message), style)


def _page() -> Table:
    return table("#", "time", "step", "what happened", gives_way="what happened", head=False)


async def _payload(event: ProgressEvent, client: Client) -> Any:
    """The result or the decision that an event carries."""
    if event.HasField("completed"):
        return plain(await client.decode(event.completed.result))
    if event.HasField("interrupt_decided"):
        return plain(await client.decode(event.interrupt_decided.interrupt.decision))
    return None


async def _checkpoints(handle: WorkflowHandle[Any], client: Client, out: Output, *, snapshots: bool) -> None:
    shown = table("checkpoint", "superstep", "source", "saved at")
    async for checkpoint in handle.checkpoints(snapshots=snapshots and out.json):
        shown.add_row(
            cell(checkpoint.checkpoint_id, "bold"),
            str(checkpoint.superstep),
            cell(checkpoint.source),
            clock(checkpoint.created_at),
        )
        out.line(await readable(checkpoint, client))
    if shown.row_count:
        out.show(shown)
    else:
        out.note("There are no checkpoints yet.")
