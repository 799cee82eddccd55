"""`stretto list`."""

from typing import Annotated

from cyclopts import Parameter, validators
from rich.table import Table

from stretto.cli._arguments import Labels
from stretto.cli._input import labels_of
from stretto.cli._json import readable
from stretto.cli._options import COMMON, Common
from stretto.cli._tables import cell, table
from stretto.cli._when import before_now
from stretto.cli._words import age, percent, status
from stretto.workflow.v1.workflow_pb2 import Workflow

PAGE_MAX = 500


async def list(  # noqa: A001 - A command is named after what it does.
    *,
    types: Annotated[
        tuple[str, ...],
        Parameter(name="--type", help="Only of this workflow type; may be given several times."),
    ] = (),
    statuses: Annotated[
        tuple[str, ...],
        Parameter(
            name="--status",
            help="Only in this status: queued, running, waiting, succeeded, failed, timed_out, cancelled or "
            "quarantined; may be given several times.",
        ),
    ] = (),
    session: Annotated[str, Parameter(help="Only of this session.")] = "",
    labels: Labels = (),
    since: Annotated[
        str, Parameter(help="Only if started since then: a time ago such as 30m or 7d, or a moment.")
    ] = "",
    limit: Annotated[
        int, Parameter(show_default=True, validator=validators.Number(gte=1), help="How many to list at most.")
    ] = 50,
    common: Common = COMMON,
) -> None:
    """List workflows, newest first. All conditions must hold.

    With --json: one workflow on each line.
    """
    shown = table("workflow", "type", "status", "done", "age", "headline", gives_way="headline")
    count = 0
    async with common.connected() as (client, out):
        found = client.workflows(
            types=types,
            statuses=statuses,
            session_id=session,
            labels=labels_of(labels),
            created_after=before_now(since, "--since") if since else None,
            page_size=min(limit + 1, PAGE_MAX),
        )
        async for workflow in found:
            count += 1
            if count > limit:
                break
            _add(shown, workflow)
            out.line(await readable(workflow, client))
    if count:
        out.show(shown)
    else:
        out.note(
            "There is no such workflow."
            if types or statuses or session or labels or since
            else "There are no workflows."
        )
    if count > limit:
        out.note(f"There are more: --limit {limit * 2} shows older ones.")


def _add(shown: Table, workflow: Workflow) -> None:
    asks = workflow.pending_interrupt_count
    headline = f"asks {asks} question{'s' * (asks > 1)}" if asks else workflow.headline
    shown.add_row(
        cell(workflow.workflow_id, "bold"),
        cell(workflow.workflow_type),
        status(workflow.status),
        cell(percent(workflow.fraction) if workflow.fraction else ""),
        cell(age(workflow.created_at)),
        cell(headline, cut=True),
    )
