"""`stretto state ID`."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from cyclopts import Parameter
from google.protobuf.json_format import MessageToDict
from rich.text import Text

from stretto.cli._arguments import WorkflowId
from stretto.cli._json import plain, readable, whole
from stretto.cli._options import COMMON, Common
from stretto.cli._output import Output, clean
from stretto.cli._questions import ask_text, show_questions
from stretto.cli._tables import cell, indented, pairs, table
from stretto.cli._words import ago, clock, failure, length, percent, pretty, short, status
from stretto.client import Client
from stretto.workflow.v1.workflow_pb2 import OriginKind, Workflow, WorkflowMetrics
from stretto.workflow.v1.workflow_service_pb2 import GetStateResponse

CHANNEL_CHARS_MAX: Final = 400
"""Shown of one channel value: the snapshot of a long conversation should not hide everything else."""


async def state(
    workflow_id: WorkflowId,
    /,
    *,
    snapshot: Annotated[bool, Parameter(negative="--no-snapshot", help="Show the graph's values too.")] = True,
    metrics: Annotated[bool, Parameter(negative="", help="Show where its time went too, step by step.")] = False,
    common: Common = COMMON,
) -> None:
    """Show where a workflow stands, and its open questions.

    All parts belong to one moment. With --json: one document.
    """
    async with common.connected() as (client, out):
        found = await client.handle(workflow_id).state(snapshot=snapshot, include_metrics=metrics)
        out.document(await readable(found, client))
        await _show(out, found, client, common.again)


async def _show(out: Output, found: GetStateResponse, client: Client, again: str) -> None:
    workflow = found.workflow
    out.show(
        Text.assemble((workflow.workflow_id, "bold"), "  ", cell(workflow.workflow_type), "  ", status(workflow.status))
    )
    out.show(pairs(_about(workflow)))
    _show_steps(out, workflow)
    if found.pending_interrupts:
        _heading(out, "Open questions")
        show_questions(out, found.pending_interrupts)
        out.show(indented(Text(f"Answer: {ask_text(workflow.workflow_id, again)}", style="dim")))
    if found.HasField("result"):
        _heading(out, "Result")
        out.show(indented(Text(clean(pretty(plain(await client.decode(found.result)))))))
    if found.HasField("error"):
        _heading(out, "Error")
        out.show(indented(Text(clean(failure(found.error)), style="red")))
    if found.HasField("metrics"):
        _show_metrics(out, found.metrics)
    if found.snapshot.fields:
        _heading(out, f"Values after event {found.as_of_sequence}")
        out.show(pairs(_channels(whole(MessageToDict(found.snapshot)))))


def _about(workflow: Workflow) -> Iterator[tuple[str, Text | str]]:
    """What is known of the workflow as a whole."""
    if workflow.fraction or workflow.headline:
        share = percent(workflow.fraction) if workflow.fraction else ""
        yield "progress", f"{share}  {workflow.headline}".strip()
    yield "created", f"{clock(workflow.created_at)}  ({ago(workflow.created_at)})"
    for name, moment in (("ended", workflow.ended_at), ("deadline", workflow.deadline)):
        if workflow.HasField("ended_at" if name == "ended" else "deadline"):
            yield name, clock(moment)
    if workflow.HasField("cancel_requested_at"):
        yield "cancel asked", clock(workflow.cancel_requested_at)
    if workflow.session_id:
        yield "session", workflow.session_id
    if workflow.labels:
        yield "labels", "  ".join(f"{key}={value}" for key, value in sorted(workflow.labels.items()))
    if workflow.HasField("origin"):
        verb = OriginKind.Name(workflow.origin.kind).removeprefix("ORIGIN_KIND_").lower()
        yield "made by", f"{verb} of {workflow.origin.workflow_id}"
    if workflow.retried_as:
        yield "retried as", workflow.retried_as
    if workflow.crash_count:
        yield "crashes", str(workflow.crash_count)
    yield "events", str(workflow.last_sequence)


def _show_steps(out: Output, workflow: Workflow) -> None:
    if not workflow.current_steps:
        return
    _heading(out, "Current steps")
    shown = table("step", "attempt", "since", "done", "message", gives_way="message")
    for step in workflow.current_steps:
        shown.add_row(
            cell(step.step),
            str(step.attempt),
            ago(step.started_at),
            percent(step.fraction) if step.fraction else "",
            cell(step.message),
        )
    out.show(indented(shown))


def _show_metrics(out: Output, metrics: WorkflowMetrics) -> None:
    """Where the time went: of the whole workflow, then of each step."""
    _heading(out, "Metrics")
    spans = (("in the queue", metrics.queued_for), ("running", metrics.ran_for), ("waiting", metrics.waited_for))
    counts = (("retries", metrics.retry_count), ("events", metrics.event_count))
    out.show(pairs([*((name, length(span)) for name, span in spans), *((name, str(count)) for name, count in counts)]))
    if not metrics.steps:
        return
    shown = table("step", "started", "completed", "retries", "failed", "total", "longest")
    for step in metrics.steps:
        numbers = (step.started_count, step.completed_count, step.retry_count, step.failed_count)
        shown.add_row(cell(step.step), *map(str, numbers), length(step.total), length(step.longest))
    out.show("", indented(shown))


def _channels(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(values.items()):
        text = short(value)
        left = len(text) - CHANNEL_CHARS_MAX
        more = f" … ({left} more characters; --json shows them)"
        yield name, text if left <= 0 else text[:CHANNEL_CHARS_MAX] + more


def _heading(out: Output, title: str) -> None:
    out.show("", Text(title, style="bold"))
