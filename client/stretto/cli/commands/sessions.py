"""`stretto sessions [SESSION]`."""

from typing import Annotated

from cyclopts import Parameter, validators
from rich.text import Text

from stretto.cli._exits import CommandError
from stretto.cli._json import readable
from stretto.cli._options import COMMON, Common
from stretto.cli._output import Output
from stretto.cli._sessions import context_table, last_messages, message_lines
from stretto.cli._tables import cell, indented, pairs, table
from stretto.cli._when import before_now
from stretto.cli._words import age, ago, clock
from stretto.client import Client, Session

PAGE_MAX = 500


async def sessions(
    session: Annotated[str, Parameter(name="SESSION", help="Show this session instead of a list.")] = "",
    /,
    *,
    delete: Annotated[
        bool, Parameter(help="Delete SESSION: its messages, and its workflows with their journals.")
    ] = False,
    cancel: Annotated[bool, Parameter(help="With --delete: cancel its workflows that have not ended first.")] = False,
    active: Annotated[bool, Parameter(help="List only those with workflows that have not ended.")] = False,
    since: Annotated[
        str, Parameter(help="List only those begun since then: a time ago such as 30m or 7d, or a moment.")
    ] = "",
    limit: Annotated[
        int, Parameter(show_default=True, validator=validators.Number(gte=1), help="How many to list at most.")
    ] = 50,
    common: Common = COMMON,
) -> None:
    """List sessions, newest first; show one, or delete it.

    With SESSION: its counts, how its workflows are, and its last messages. With --json: one session on each line; of
    SESSION, one document.
    """
    if (delete or cancel) and not session:
        raise CommandError("sessions: say which one to delete: stretto sessions SESSION --delete")
    if cancel and not delete:
        raise CommandError("sessions: --cancel is for --delete; `stretto cancel ID` cancels a workflow")
    async with common.connected() as (client, out):
        if delete:
            await _delete(client.session(session), out, cancel=cancel)
        elif session:
            await _show(client.session(session), client, out, common.again)
        else:
            await _list(client, out, active=active, since=since, limit=limit)


async def _list(client: Client, out: Output, *, active: bool, since: str, limit: int) -> None:
    shown = table("session", "messages", "workflows", "active", "questions", "age", "last heard")
    after = before_now(since, "--since") if since else None
    count = 0
    async for one in client.sessions(active_only=active, created_after=after, page_size=min(limit + 1, PAGE_MAX)):
        count += 1
        if count > limit:
            break
        numbers = (one.message_count, one.workflow_count, one.active_workflow_count, one.pending_interrupt_count)
        shown.add_row(
            cell(one.session_id, "bold"), *(str(number) for number in numbers), age(one.created_at), ago(one.updated_at)
        )
        out.line(await readable(one, client))
    if count:
        out.show(shown)
    else:
        out.note("There is no such session." if active or since else "There are no sessions: stretto chat begins one.")
    if count > limit:
        out.note(f"There are more: --limit {limit * 2} shows older ones.")


async def _show(session: Session, client: Client, out: Output, again: str) -> None:
    context = await session.context()
    messages = await last_messages(session, until=context.as_of_sequence)
    if out.json:
        document = await readable(context, client)
        out.document({**document, "messages": [await readable(one, client) for one in messages]})
        return
    row = context.session
    out.show(Text(row.session_id, "bold"))
    begun = f"{clock(row.created_at)}  ({ago(row.created_at)})"
    counts = f"{row.message_count} messages, {row.workflow_count} workflows, {row.active_workflow_count} of them active"
    out.show(pairs([("begun", begun), ("last heard", ago(row.updated_at)), ("has", counts)]))
    if context.workflows:
        _heading(out, "Workflows")
        out.show(indented(context_table(context)))
    if messages:
        _heading(out, "Last messages")
        out.show(*(line for said in messages for line in message_lines(said)))
    out.note(f"Go on with it: stretto chat {row.session_id}{again}")


async def _delete(session: Session, out: Output, *, cancel: bool) -> None:
    await session.delete(cancel_workflows=cancel)
    out.document({"session_id": session.id, "deleted": True})
    out.show(f"{session.id} is deleted")


def _heading(out: Output, title: str) -> None:
    out.show("", Text(title, style="bold"))
