"""Errors that go from one process to another."""

import copy
import pickle

import grpc
import pytest

from stretto.client import (
    InvalidInput,
    NotFound,
    Overloaded,
    StrettoError,
    UndecidedChoice,
    Violation,
    WorkflowCancelled,
    WorkflowFailed,
    WorkflowQuarantined,
    WorkflowTimedOut,
)
from stretto.workflow.v1.workflow_pb2 import Interrupt, WorkflowError

BOOM = WorkflowError(message="boom", error_class="ValueError", step="pay")
OVERLOADED = Overloaded("full", code=grpc.StatusCode.RESOURCE_EXHAUSTED, reason="OVERLOADED")
OVERLOADED.retry_after = 1.5
ERRORS = [
    StrettoError("wrong", correlation_id="c1"),
    NotFound("gone", code=grpc.StatusCode.NOT_FOUND, reason="WORKFLOW_NOT_FOUND", metadata={"a": "b"}),
    InvalidInput("bad", violations=[Violation("a.b", "must be more", "int.gt")]),
    OVERLOADED,
    UndecidedChoice("which", interrupts=[Interrupt(interrupt_id="i1")]),
    WorkflowFailed(BOOM, workflow_id="wf_1", correlation_id="c1"),
    WorkflowQuarantined(BOOM, workflow_id="wf_1"),
    WorkflowTimedOut(BOOM, workflow_id="wf_1"),
    WorkflowCancelled("enough", workflow_id="wf_1"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_crosses_processes_whole(error: StrettoError) -> None:
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(other), str(other), vars(other)) == (type(error), str(error), vars(error))
