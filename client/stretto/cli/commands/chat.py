"""`stretto chat [SESSION]`."""

import shlex
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from stretto.cli._chat import Face, Story, Talk, face_for
from stretto.cli._exits import CommandError, Exit
from stretto.cli._options import COMMON, Common
from stretto.cli._sessions import last_messages, message_lines, question_lines
from stretto.cli._tables import indented
from stretto.client import Client, Session
from stretto.client.errors import NotFound

CONTEXT_TOKENS = 32_000
"""As much as the server gives: only workflows that have not ended are asked for."""

TYPES_MAX = 8
"""Workflow types that the greeting names; `stretto types` lists all."""


async def chat(
    session: Annotated[
        str, Parameter(name="SESSION", help="A session to go on with; `stretto sessions` lists them.")
    ] = "",
    /,
    *,
    new: Annotated[bool, Parameter(help="Begin the session SESSION when there is none of this id.")] = False,
    say: Annotated[tuple[str, ...], Parameter(help="Say this, and end; may be given several times.")] = (),
    wait: Annotated[
        bool,
        Parameter(
            negative="--no-wait",
            help="Through a pipe: end only when what was started, decided or cancelled has ended or waits.",
        ),
    ] = True,
    common: Common = COMMON,
) -> Exit:
    """Talk to your workflows: start them, ask how they are, decide and cancel, in your own words.

    In a terminal: replies and notices scroll by above the prompt, with a line for each workflow that runs; /help
    shows what can be typed beside words, Ctrl-D leaves. Piped: each line of stdin is a message, replies and notices
    are lines. With --json: one event of the session on each line. It goes on through breaks of the connection and
    restarts of the server, and leaving it stops no workflow.
    """
    if any(not text.strip() for text in say):
        raise CommandError("chat: --say has nothing to say; see stretto chat --help")
    async with common.connected() as (client, out):
        types = [workflow_type.name async for workflow_type in client.types()]
        known = bool(session) and await _is_there(client.session(session), new=new)
        story, handle = Story(), client.session(session)
        face = face_for(out, client, story, say)
        if face.live:
            await _greet(face, handle, types, known=known)
        if known:
            await _catch_up(client, handle, story, face)
        code = await Talk(client, handle, story, face).run(wait=wait)
        if (face.live or not session) and not story.deleted:
            out.note(_goodbye(handle, common.again, said=story.sequence > 0))
    return code


async def _is_there(session: Session, *, new: bool) -> bool:
    """Whether there is such a session; one that is to be begun need not be."""
    try:
        await session.get()
    except NotFound:
        if new:
            return False
        text = f"there is no session {session.id}; `stretto sessions` lists those that there are, --new begins this one"
        raise CommandError(text, Exit.NOT_FOUND) from None
    return True


async def _greet(face: Face, session: Session, types: Sequence[str], *, known: bool) -> None:
    begun = "You are back in" if known else "This is a new session,"
    said = Text.assemble(f"{begun} ", (session.id, "bold"), ". Say what you want done; /help says more.")
    await face.show(indented(said, depth=0))
    if types and not known:
        more = " …" if len(types) > TYPES_MAX else ""
        await face.note(f"Here you can start: {', '.join(types[:TYPES_MAX])}{more}")


async def _catch_up(client: Client, session: Session, story: Story, face: Face) -> None:
    """Show what was said last, and take over how the workflows are; the watch goes on from there."""
    context = await session.context(token_budget=CONTEXT_TOKENS, ended_max=0)
    story.sequence = context.as_of_sequence
    for one in context.workflows:
        story.seed(await client.handle(one.workflow_id).state(snapshot=False))
    if not face.live:
        return
    messages = await last_messages(session, until=story.sequence)
    for said in messages:
        await face.show(*message_lines(said))
    shown = {said.notice.interrupt.interrupt_id for said in messages}
    for one in context.workflows:
        for interrupt in one.open_interrupts:
            if interrupt.interrupt_id not in shown:
                await face.show(Text(f"? {one.workflow_type} still asks", "yellow"), *question_lines(interrupt))


def _goodbye(session: Session, again: str, *, said: bool) -> str:
    if not said:
        return "Nothing was said, so there is no session to come back to."
    return f"Session {session.id}. Come back: stretto chat {shlex.quote(session.id)}{again}"
