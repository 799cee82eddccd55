import pytest
from google.protobuf import struct_pb2

from stretto.server.domain import event as happenings
from stretto.server.domain.event import Event, StoredEvent
from stretto.server.domain.payload import STRUCT, Payload, Violation
from stretto.server.domain.workflow import Failure, Interrupt, InterruptStatus, Origin, OriginKind, Reason
from stretto.server.rpc.events import encode_event, to_event
from stretto.workflow.v1 import error_reason_pb2, workflow_pb2
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

AT = 1_700_000_000_123_456
FAILURE = Failure(Reason.RESULT_INVALID, "no good", "ValueError", "a/b", "id", 3, (Violation("f", "bad", "r"),))
QUESTION = Interrupt("q1", "key", "ask", "s1", {"why": 1}, STRUCT, AT)


def shown(what: happenings.Happening, sequence: int = 7) -> ProgressEvent:
    event = Event(AT, what, step="outer/inner", step_id="step-1", attempt=2)
    return to_event(StoredEvent(sequence, encode_event("wf_1", event)))


ALL = {
    "accepted": happenings.Accepted("order", "2", Origin(OriginKind.FORK, "wf_0", "c1")),
    "started": happenings.Started(1_500_000),
    "step_started": happenings.StepStarted(),
    "step_progress": happenings.StepProgress(0.0, "half", Payload(STRUCT, b"")),
    "step_retrying": happenings.StepRetrying(FAILURE, AT + 1),
    "step_completed": happenings.StepCompleted(2_000_001, {"a": [1, None]}),
    "step_failed": happenings.StepFailed(FAILURE, 5),
    "token_delta": happenings.TokenDelta("m1", "text \ud800"),
    "interrupt_raised": happenings.InterruptRaised(QUESTION),
    "interrupt_decided": happenings.InterruptDecided(QUESTION),
    "cancel_requested": happenings.CancelRequested("why"),
    "completed": happenings.Completed(Payload("x.Y", b"\x01")),
    "failed": happenings.Failed(FAILURE),
    "cancelled": happenings.Cancelled(""),
    "quarantined": happenings.Quarantined(FAILURE),
    "timed_out": happenings.TimedOut(FAILURE),
}


@pytest.mark.parametrize("kind", ALL)
def test_every_happening_has_its_own_kind_and_the_common_fields(kind: str) -> None:
    event = shown(ALL[kind])
    assert event.WhichOneof("kind") == kind
    assert (event.sequence, event.workflow_id, event.step, event.step_id, event.attempt) == (
        7,
        "wf_1",
        "outer/inner",
        "step-1",
        2,
    )
    assert (event.occurred_at.seconds, event.occurred_at.nanos) == (1_700_000_000, 123_456_000)


def test_every_kind_of_the_protos_can_happen() -> None:
    assert set(ALL) == {field.name for field in ProgressEvent.DESCRIPTOR.oneofs_by_name["kind"].fields}


def test_the_numbers_of_the_domain_are_those_of_the_protos() -> None:
    for reason in Reason:
        assert error_reason_pb2.ErrorReason.Name(reason) == f"ERROR_REASON_{reason.name}"
    for kind in OriginKind:
        assert workflow_pb2.OriginKind.Name(kind) == f"ORIGIN_KIND_{kind.name}"


def test_what_happened_is_told_whole() -> None:
    assert shown(ALL["accepted"]).accepted.origin.checkpoint_id == "c1"
    assert shown(ALL["started"]).started.queued_for.ToMicroseconds() == 1_500_000
    assert shown(ALL["step_completed"]).step_completed.duration.nanos == 1_000
    assert shown(ALL["step_retrying"]).step_retrying.next_attempt_at.ToMicroseconds() == AT + 1
    error = shown(ALL["failed"]).failed.error
    assert (error.reason, error.error_class, error.attempt) == (31, "ValueError", 3)
    assert error.violations[0].field == "f"
    assert shown(ALL["completed"]).completed.result.type_url == "type.googleapis.com/x.Y"


def test_an_update_that_writes_nothing_is_unset_and_progress_may_be_untold() -> None:
    assert not shown(happenings.StepCompleted(1, None)).step_completed.HasField("update")
    assert not shown(happenings.StepProgress(None, "m", None)).step_progress.HasField("fraction")
    assert shown(ALL["step_progress"]).step_progress.HasField("fraction")


def test_text_that_utf8_lacks_is_replaced_and_not_an_error() -> None:
    assert shown(ALL["token_delta"]).token_delta.text == "text ?"


def test_a_question_without_a_type_says_so_and_a_decided_one_shows_the_decision() -> None:
    raised = shown(ALL["interrupt_raised"]).interrupt_raised.interrupt
    assert raised.decision_type == ""
    assert not raised.HasField("decided_at")
    assert raised.question == struct_pb2.Value(
        struct_value=struct_pb2.Struct(fields={"why": struct_pb2.Value(number_value=1)})
    )
    applied = Interrupt("q", "k", "s", "i", None, "x.Y", AT, InterruptStatus.APPLIED, Payload("x.Y", b""), AT)
    decided = shown(happenings.InterruptDecided(applied)).interrupt_decided.interrupt
    assert decided.status == workflow_pb2.INTERRUPT_STATUS_DECIDED
    assert decided.decision.type_url.endswith("/x.Y")


def test_a_deeply_nested_update_can_still_be_read_by_everybody() -> None:
    deep: dict = {}
    for _ in range(200):
        deep = {"deeper": deep}
    event = shown(happenings.StepCompleted(1, deep))
    assert "nested too deeply" in str(event)
