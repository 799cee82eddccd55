"""Every error of the client has a line and an exit code."""

import grpc
import pytest

from stretto.cli._errors import told
from stretto.cli._exits import Exit
from stretto.client import Client, errors
from stretto.workflow.v1.error_reason_pb2 import ErrorReason
from stretto.workflow.v1.workflow_pb2 import WorkflowError

SERVER = "somewhere:1"


def violations(*fields: str) -> list[errors.Violation]:
    return [errors.Violation(field, "is wrong", "rule") for field in fields]


FAILURE = WorkflowError(error_class="ValueError", message="no", step="a", attempt=2)
LATE = WorkflowError(reason=ErrorReason.ERROR_REASON_DEADLINE_EXCEEDED, message="too late")
CASES = [
    (errors.InvalidInput("Wrong: a is wrong", violations=violations("a")), Exit.USAGE, "Wrong: a is wrong"),
    (errors.InvalidInput("Wrong: a x; b y.", violations=violations("a", "b")), Exit.USAGE, "Wrong:\n  a: is wrong"),
    (errors.InvalidInput("Wrong.", violations=violations("", "b")), Exit.USAGE, "(whole): is wrong"),
    (errors.TooLarge("Too large."), Exit.USAGE, "Too large"),
    (errors.SequenceOutOfRange("Far off."), Exit.USAGE, "Far off"),
    (errors.UndecidedChoice("Which?", interrupts=()), Exit.USAGE, "Which?"),
    (errors.Denied("Who?"), Exit.USAGE, "--token or STRETTO_TOKEN"),
    (errors.NotFound("None."), Exit.NOT_FOUND, "None"),
    (errors.NotFound("None.", reason="WORKFLOW_NOT_FOUND"), Exit.NOT_FOUND, "`stretto list`"),
    (errors.WorkflowFailed(FAILURE, workflow_id="wf"), Exit.FAILED, "wf failed at step a, attempt 2"),
    (errors.WorkflowTimedOut(LATE, workflow_id="wf"), Exit.FAILED, "wf timed out: too late"),
    (errors.WorkflowQuarantined(FAILURE, workflow_id="wf"), Exit.FAILED, "ValueError: no"),
    (errors.WorkflowCancelled("why", workflow_id="wf"), Exit.CANCELLED, "wf was cancelled: why"),
    (errors.Unavailable("gRPC's words"), Exit.UNREACHABLE, f"nobody answers at {SERVER}"),
    (errors.Unavailable("Shuts down.", reason="DRAINING"), Exit.UNREACHABLE, "Shuts down; try again"),
    (errors.TimedOut("Late."), Exit.UNREACHABLE, "--timeout"),
    (errors.AlreadyStarted("Used."), Exit.REFUSED, "Used"),
    (errors.AlreadyDecided("Decided."), Exit.REFUSED, "Decided"),
    (errors.WorkflowEnded("Ended."), Exit.REFUSED, "Ended"),
    (errors.SessionBusy("Busy."), Exit.REFUSED, "Busy"),
    (errors.SessionDeleted("Deleted."), Exit.REFUSED, "Deleted"),
    (errors.NotRetryable("Not."), Exit.REFUSED, "Not"),
    (errors.Overloaded("Full."), Exit.OVERLOADED, "Full"),
    (errors.NotSupported("?"), Exit.FAULT, "older than this command"),
    (errors.ServerFault("Fault.", correlation_id="c1"), Exit.FAULT, "log has the rest under c1"),
    (errors.JournalBroken("Broken."), Exit.FAULT, "Broken"),
    (errors.ClientClosed("Closed."), Exit.FAULT, "Closed"),
    (errors.StrettoError("Anything."), Exit.FAULT, "Anything"),
    (errors.CallError("Anything.", code=grpc.StatusCode.DATA_LOSS), Exit.FAULT, "Anything"),
    (errors.OutcomeError("Anything.", workflow_id="wf"), Exit.FAULT, "Anything"),
]


@pytest.mark.parametrize(("error", "code", "line"), CASES, ids=lambda case: type(case).__name__)
async def test_an_error_has_a_line_and_an_exit_code(error, code, line) -> None:
    async with Client(SERVER) as client:
        said = await told(error, client, SERVER)
    assert said.code is code
    assert line in said.message
    assert said.details["kind"] == type(error).__name__


def test_no_error_of_the_client_is_left_out() -> None:
    assert {type(error).__name__ for error, *_ in CASES} == set(errors.__all__) - {"Violation"}


async def test_an_overloaded_server_says_when_to_come_back() -> None:
    error = errors.Overloaded("Full.")
    error.retry_after = 2.5
    async with Client(SERVER) as client:
        assert (await told(error, client, SERVER)).message == "Full; try again in 2.5 s"
