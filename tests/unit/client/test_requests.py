"""What callers say, as requests."""

from typing import Any

from stretto.client._requests import list_request
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus

NOTHING: dict[str, Any] = {
    "session_id": "",
    "labels": None,
    "created_after": None,
    "created_before": None,
    "page_size": 0,
}


def test_one_name_is_not_taken_for_its_letters() -> None:
    request = list_request(types="digest", statuses="RUNNING", **NOTHING)
    assert list(request.workflow_types) == ["digest"]
    assert list(request.statuses) == [WorkflowStatus.WORKFLOW_STATUS_RUNNING]


def test_several_names_are_several() -> None:
    request = list_request(types=(name for name in "ab"), statuses=("failed", 2), **NOTHING)
    assert list(request.workflow_types) == ["a", "b"]
    assert list(request.statuses) == [WorkflowStatus.WORKFLOW_STATUS_FAILED, 2]
