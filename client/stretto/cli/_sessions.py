"""Sessions as people see them: what was said, what is asked, and how their workflows are."""

import textwrap
from collections.abc import Iterator
from typing import Final

from google.protobuf.json_format import MessageToDict
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stretto.cli._contract import DYNAMIC, short_name
from stretto.cli._json import whole
from stretto.cli._output import clean
from stretto.cli._tables import cell, indented, table
from stretto.cli._words import age, failure, percent, short, status
from stretto.client import Session
from stretto.session.v1.session_pb2 import Message, MessageRole, Notice, NoticeKind, Reply, TouchKind, TurnKind
from stretto.session.v1.session_pb2 import WorkflowContext as Context
from stretto.session.v1.session_service_pb2 import GetSessionContextResponse
from stretto.workflow.v1.workflow_pb2 import Interrupt

__all__ = ["PROMPT", "context_table", "last_messages", "message_lines", "question_lines"]

PROMPT: Final = "you> "
MESSAGES_MAX: Final = 20
"""Messages of a session that are shown again; `--json` and the API have all."""

FIELD_CHARACTERS_MAX: Final = 600
"""Shown of one field of a question; `stretto state` shows all of it."""

_SIGNS: Final = {
    NoticeKind.NOTICE_KIND_WAITING: ("?", "bold yellow"),
    NoticeKind.NOTICE_KIND_SUCCEEDED: ("✓", "green"),
    NoticeKind.NOTICE_KIND_FAILED: ("✗", "red"),
    NoticeKind.NOTICE_KIND_CANCELLED: ("■", "magenta"),
    NoticeKind.NOTICE_KIND_QUARANTINED: ("✗", "bold red"),
    NoticeKind.NOTICE_KIND_TIMED_OUT: ("✗", "red"),
}
_TOUCHES: Final = {
    TouchKind.TOUCH_KIND_LAUNCHED: "started",
    TouchKind.TOUCH_KIND_DECIDED: "decided",
    TouchKind.TOUCH_KIND_CANCELLED: "cancelled",
}
_SAID_ALREADY: Final = frozenset({"question", "prompt", "message", "text", "title", "options", "editable"})
"""Fields of a question that its notice says already, or that are for programs."""


async def last_messages(session: Session, *, until: int = 0, most: int = MESSAGES_MAX) -> list[Message]:
    """The newest messages up to a sequence, oldest first."""
    found: list[Message] = []
    async for message in session.messages(newest_first=True, page_size=most):
        if not until or message.sequence <= until:
            found.append(message)
        if len(found) >= most:
            break
    return found[::-1]


def message_lines(said: Message) -> Iterator[Text | Padding]:
    """One message, as it stays on the screen."""
    if said.role == MessageRole.MESSAGE_ROLE_USER:
        yield Text(PROMPT + clean(said.text), "dim")
    elif said.role == MessageRole.MESSAGE_ROLE_NOTICE:
        yield from _notice(said.text, said.notice)
    else:
        yield from _reply(said.text, said.reply)


def _reply(text: str, reply: Reply) -> Iterator[Padding]:
    yield indented(Text(clean(text), "red" if reply.kind == TurnKind.TURN_KIND_FAILED else ""))
    for touched in reply.workflows:
        if touched.kind in _TOUCHES:
            yield indented(
                Text(clean(f"{_TOUCHES[touched.kind]} {touched.workflow_type} {touched.workflow_id}"), "dim")
            )
    if reply.note:
        yield indented(Text(clean(f"({reply.note})"), "dim"))


def _notice(text: str, notice: Notice) -> Iterator[Padding]:
    sign, style = _SIGNS.get(notice.kind, ("·", "dim"))
    yield indented(Text.assemble((f"{sign} ", style), clean(text), (f"  {clean(notice.workflow_id)}", "dim")), depth=0)
    if notice.kind == NoticeKind.NOTICE_KIND_WAITING:
        yield from question_lines(notice.interrupt)


def question_lines(interrupt: Interrupt) -> Iterator[Padding]:
    """What a question has beside its sentence, and how to answer it."""
    asked = whole(MessageToDict(interrupt.question))
    for name, value in asked.items() if isinstance(asked, dict) else ():
        if name not in _SAID_ALREADY:
            told = textwrap.shorten(short(value), FIELD_CHARACTERS_MAX, placeholder=" …")
            yield indented(Text.assemble((f"{clean(name)}: ", "dim"), clean(told)))
    wanted = "" if interrupt.decision_type in DYNAMIC else f" ({short_name(interrupt.decision_type)})"
    yield indented(
        Text(f"Answer in your own words, or exactly: /decide yes, /decide no REASON, /decide JSON{wanted}", "dim")
    )


def context_table(found: GetSessionContextResponse) -> Table:
    """How the workflows of a session are, as the orchestrator reads it."""
    shown = table("workflow", "type", "status", "done", "age", "doing", gives_way="doing")
    for one in found.workflows:
        shown.add_row(
            cell(one.workflow_id, "bold"),
            cell(one.workflow_type),
            status(one.status),
            cell(percent(one.fraction) if one.fraction else ""),
            cell(age(one.created_at)),
            cell(_doing(one), cut=True),
        )
    return shown


def _doing(one: Context) -> str:
    """What there is to know first: what it asks, why it fails, or where it is."""
    asks = len(one.open_interrupts)
    if asks:
        return f"asks {asks} question{'s' * (asks > 1)}"
    if one.HasField("last_error"):
        return failure(one.last_error)
    return ": ".join(filter(None, (", ".join(one.phases), one.headline)))
