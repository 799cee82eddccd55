"""Entries of a session's journal in their public form: what stores keep, and what watchers and readers get."""

from collections.abc import Callable
from typing import Any, Final

from stretto.server.domain import session as domain
from stretto.server.domain.clock import Micros
from stretto.server.domain.event import StoredEvent
from stretto.server.domain.session import Encoders, EntryKind, SessionHappening, StoredSessionEvent
from stretto.server.domain.workflow import Failure, Reason
from stretto.server.rpc._convert import interrupt_to_proto, set_timestamp, text
from stretto.server.rpc.events import encode_event, to_event
from stretto.session.v1 import session_pb2 as protos
from stretto.session.v1.session_event_pb2 import SessionEvent

__all__ = ["ENCODERS", "encode_session_event", "to_message", "to_session_event"]

_CAUSES = {
    Reason.DEADLINE_EXCEEDED: "it took too long",
    Reason.POISONED: "my work on it broke off again and again",
    Reason.LIMIT_EXCEEDED: "it became too large",
}
"""Why a turn failed, in words for the user; anything else is the server's own affair."""


def encode_session_event(session_id: str, at: Micros, what: SessionHappening) -> bytes:
    """An entry with words of its own as a serialized SessionEvent, all but its sequence."""
    made = SessionEvent(session_id=session_id)
    set_timestamp(made.occurred_at, at)
    _FILL[type(what)](made, what)
    if made.HasField("message"):
        made.message.sent_at.CopyFrom(made.occurred_at)
    return made.SerializeToString(deterministic=True)


ENCODERS: Final = Encoders(encode_event, encode_session_event)
"""The public forms of the journals that stores keep."""


def to_session_event(session_id: str, stored: StoredSessionEvent) -> SessionEvent:
    """A journal's entry as watchers get it."""
    if stored.event_sequence:
        return _of_workflow(session_id, stored)
    event = SessionEvent.FromString(stored.body)
    event.sequence = stored.sequence
    if event.HasField("message"):
        event.message.sequence = stored.sequence
    return event


def to_message(stored: StoredSessionEvent) -> protos.Message:
    """A message or notice as readers get it."""
    message = SessionEvent.FromString(stored.body).message
    message.sequence = stored.sequence
    return message


def _of_workflow(session_id: str, stored: StoredSessionEvent) -> SessionEvent:
    progress = to_event(StoredEvent(stored.event_sequence, stored.body))
    event = SessionEvent(sequence=stored.sequence, session_id=session_id, occurred_at=progress.occurred_at)
    if stored.kind is EntryKind.REPLY_DELTA:
        event.reply_delta.turn_id = stored.workflow_id
        event.reply_delta.try_id = progress.token_delta.message_id
        event.reply_delta.text = progress.token_delta.text
    else:
        event.progress.CopyFrom(progress)
    return event


def _user_said(made: SessionEvent, what: domain.UserSaid) -> None:
    turn = protos.Turn.FromString(what.turn.value)
    made.message.MergeFrom(
        protos.Message(role=protos.MESSAGE_ROLE_USER, text=turn.text, turn_id=what.turn_id),
    )


def _replied(made: SessionEvent, what: domain.Replied) -> None:
    _reply(made, what.turn_id, protos.Reply.FromString(what.reply.value))


def _reply_failed(made: SessionEvent, what: domain.ReplyFailed) -> None:
    words = f"I could not answer that: {_cause(what.failure)}; please say it again."
    _reply(made, what.turn_id, protos.Reply(text=words, kind=protos.TURN_KIND_FAILED))


def _reply(made: SessionEvent, turn_id: str, reply: protos.Reply) -> None:
    made.message.MergeFrom(
        protos.Message(role=protos.MESSAGE_ROLE_ASSISTANT, text=reply.text, turn_id=turn_id, reply=reply),
    )


def _cause(failure: Failure | None) -> str:
    """Why there is no reply. A failure's own message may tell of the server's insides, so it is not repeated."""
    if failure is None:
        return "the work on it was cancelled"
    return _CAUSES.get(failure.reason, "something went wrong on my side")


def _noticed(made: SessionEvent, what: domain.Noticed) -> None:
    notice = protos.Notice(
        kind=what.kind.value,  # type: ignore[arg-type]  # The numbers are those of the protos.
        workflow_id=what.workflow_id,
        workflow_type=what.workflow_type,
        interrupt=interrupt_to_proto(what.interrupt) if what.interrupt else None,
    )
    made.message.MergeFrom(protos.Message(role=protos.MESSAGE_ROLE_NOTICE, text=text(what.text), notice=notice))


def _deleted(made: SessionEvent, _: domain.Deleted) -> None:
    made.deleted.SetInParent()


_FILL: Final[dict[type[object], Callable[[SessionEvent, Any], None]]] = {
    domain.UserSaid: _user_said,
    domain.Replied: _replied,
    domain.ReplyFailed: _reply_failed,
    domain.Noticed: _noticed,
    domain.Deleted: _deleted,
}
