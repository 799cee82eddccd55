import pytest

from stretto.server.domain import session as domain
from stretto.server.domain.event import Event, StepStarted, TokenDelta
from stretto.server.domain.payload import Payload
from stretto.server.domain.session import EntryKind, NoticeKind, StoredSessionEvent
from stretto.server.domain.workflow import Failure, Interrupt, Reason
from stretto.server.rpc.events import encode_event
from stretto.server.rpc.session_events import ENCODERS, encode_session_event, to_message, to_session_event
from stretto.session.v1 import session_event_pb2, session_pb2
from stretto.session.v1.session_event_pb2 import SessionEvent

AT = 1_700_000_000_123_456
TURN = Payload("stretto.session.v1.Turn", session_pb2.Turn(text="Hello \N{SNOWMAN}").SerializeToString())
REPLY = session_pb2.Reply(
    text="Done.",
    kind=session_pb2.TURN_KIND_LAUNCH,
    workflows=[session_pb2.TouchedWorkflow(workflow_id="wf_1", kind=session_pb2.TOUCH_KIND_LAUNCHED)],
)
ASKS = domain.Noticed(
    NoticeKind.WAITING, "wf_1", "orders", "Orders asks: \ud800?", Interrupt("q1", "k", "s", "i", 1, "", AT)
)


def entry(what: domain.SessionHappening, kind: EntryKind = EntryKind.MESSAGE, sequence: int = 7) -> StoredSessionEvent:
    return StoredSessionEvent(sequence, kind, encode_session_event("s1", AT, what), "wf_1")


def shown(what: domain.SessionHappening) -> SessionEvent:
    return to_session_event("s1", entry(what))


ALL = {
    "said": domain.UserSaid("turn_1", TURN),
    "replied": domain.Replied("turn_1", Payload("stretto.session.v1.Reply", REPLY.SerializeToString())),
    "reply_failed": domain.ReplyFailed("turn_1", None),
    "noticed": ASKS,
    "deleted": domain.Deleted(),
}


@pytest.mark.parametrize("name", ALL)
def test_every_entry_with_words_of_its_own_has_the_common_fields(name: str) -> None:
    event = shown(ALL[name])
    assert (event.sequence, event.session_id) == (7, "s1")
    assert event.occurred_at.ToMicroseconds() == AT
    assert event.WhichOneof("kind") == ("deleted" if name == "deleted" else "message")
    if name != "deleted":
        assert (event.message.sequence, event.message.sent_at) == (7, event.occurred_at)
        assert to_message(entry(ALL[name])) == event.message


def test_what_is_kept_has_no_sequence() -> None:
    for what in ALL.values():
        kept = SessionEvent.FromString(encode_session_event("s1", AT, what))
        assert (kept.sequence, kept.message.sequence) == (0, 0)


def test_a_users_message_has_the_words_and_its_turn() -> None:
    message = shown(ALL["said"]).message
    assert (message.role, message.text, message.turn_id) == (
        session_pb2.MESSAGE_ROLE_USER,
        "Hello \N{SNOWMAN}",
        "turn_1",
    )
    assert not message.HasField("reply")
    assert not message.HasField("notice")


def test_a_reply_is_told_whole() -> None:
    message = shown(ALL["replied"]).message
    assert (message.role, message.text, message.turn_id) == (session_pb2.MESSAGE_ROLE_ASSISTANT, "Done.", "turn_1")
    assert message.reply == REPLY


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (None, "the work on it was cancelled"),
        (Failure(Reason.DEADLINE_EXCEEDED, "The deadline passed."), "it took too long"),
        (Failure(Reason.POISONED, "Executors died"), "my work on it broke off again and again"),
        (
            Failure(Reason.STEP_FAILED, "KeyError: 'secret'", "KeyError", "understand"),
            "something went wrong on my side",
        ),
    ],
)
def test_a_missing_reply_is_a_sentence_that_tells_nothing_of_the_inside(failure, cause) -> None:
    message = shown(domain.ReplyFailed("turn_1", failure)).message
    assert message.role == session_pb2.MESSAGE_ROLE_ASSISTANT
    assert message.text == message.reply.text == f"I could not answer that: {cause}; please say it again."
    assert message.reply.kind == session_pb2.TURN_KIND_FAILED
    assert (message.turn_id, message.reply.note) == ("turn_1", "")
    assert "secret" not in str(message)


def test_a_notice_names_its_workflow_and_has_the_question() -> None:
    message = shown(ASKS).message
    assert (message.role, message.turn_id) == (session_pb2.MESSAGE_ROLE_NOTICE, "")
    assert message.text == "Orders asks: ??"
    assert message.notice.interrupt.interrupt_id == "q1"
    assert (message.notice.workflow_id, message.notice.workflow_type) == ("wf_1", "orders")
    done = shown(domain.Noticed(NoticeKind.SUCCEEDED, "wf_1", "orders", "Orders is done.")).message.notice
    assert done.kind == session_pb2.NOTICE_KIND_SUCCEEDED
    assert not done.HasField("interrupt")


def test_the_numbers_of_the_domain_are_those_of_the_protos() -> None:
    for kind in NoticeKind:
        assert session_pb2.NoticeKind.Name(kind) == f"NOTICE_KIND_{kind.name}"
    for sort in EntryKind:
        assert session_event_pb2.SessionEventKind.Name(sort) == f"SESSION_EVENT_KIND_{sort.name}"


def test_every_happening_of_sessions_has_a_form() -> None:
    assert {type(what) for what in ALL.values()} == set(domain.SessionHappening.__args__)


def test_a_workflows_event_keeps_its_own_sequence() -> None:
    body = encode_event("wf_1", Event(AT, StepStarted(), step="pick", step_id="i", attempt=2))
    event = to_session_event("s1", StoredSessionEvent(7, EntryKind.PROGRESS, body, "wf_1", 3))
    assert (event.sequence, event.session_id, event.occurred_at.ToMicroseconds()) == (7, "s1", AT)
    assert (event.progress.sequence, event.progress.workflow_id, event.progress.step) == (3, "wf_1", "pick")
    assert event.progress.HasField("step_started")


def test_text_of_a_turn_is_a_delta_of_its_reply() -> None:
    body = encode_event("turn_1", Event(AT, TokenDelta("try_1", "Hel"), step="write"))
    event = to_session_event("s1", StoredSessionEvent(8, EntryKind.REPLY_DELTA, body, "turn_1", 4))
    assert (event.sequence, event.session_id, event.occurred_at.ToMicroseconds()) == (8, "s1", AT)
    delta = event.reply_delta
    assert (delta.turn_id, delta.try_id, delta.text) == ("turn_1", "try_1", "Hel")


def test_stores_get_both_forms() -> None:
    assert ENCODERS.event("wf_1", Event(AT, StepStarted())) == encode_event("wf_1", Event(AT, StepStarted()))
    assert ENCODERS.session("s1", AT, domain.Deleted()) == encode_session_event("s1", AT, domain.Deleted())
