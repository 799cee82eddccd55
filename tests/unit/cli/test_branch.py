"""What a watcher knows of branches: how it is read out of details, and folded."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.protobuf import any_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from stretto.cli._live import BranchReader, BranchStatus, WorkflowView
from stretto.cli._live._branch import after, branch_in
from stretto.client.errors import NotFound
from stretto.fanout.v1 import fanout_pb2
from stretto.fanout.v1.fanout_pb2 import BranchFailureReason, BranchProgress
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent, StepProgress
from tests.unit.cli.telling import BEGAN, ID, Teller, branch, result_of


def made_elsewhere() -> Any:
    """A contract's progress message whose classes came from a server: none of them is generated code."""
    pool = descriptor_pool.DescriptorPool()
    for needed in (*fanout_pb2.DESCRIPTOR.dependencies, fanout_pb2.DESCRIPTOR):
        pool.AddSerializedFile(needed.serialized_pb)
    file = FileDescriptorProto(name="own.proto", package="own", syntax="proto3")
    file.dependency.append("stretto/fanout/v1/fanout.proto")
    fields = file.message_type.add(name="Progress").field
    fields.add(name="branch", number=3, type=11, label=1, type_name=".stretto.fanout.v1.BranchProgress")
    fields.add(name="note", number=4, type=9, label=1)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("own.Progress"))


def test_a_contract_that_no_code_was_generated_of_tells_of_branches() -> None:
    told = branch("metrics", "job-a", succeeded={"latency": "0.31s", "attempts": 2})
    theirs = made_elsewhere()(note="n")
    theirs.branch.MergeFromString(told.SerializeToString())
    assert branch_in(theirs) == told


def test_plain_fields_of_the_same_form_tell_of_branches() -> None:
    fields = {"source": "metrics", "failed": {"reason": "BRANCH_FAILURE_REASON_TIMEOUT", "latency": "5s", "more": 1}}
    told = branch_in({"branch": fields, "other": 1})
    assert told == branch("metrics", failed={"reason": "BRANCH_FAILURE_REASON_TIMEOUT", "latency": "5s"})


@pytest.mark.parametrize(
    "detail",
    [
        None,
        "text",
        [1],
        {"rows": 3},
        {"branch": "main"},
        {"branch": {"source": 5, "started": {}}},
        {"branch": {"source": "metrics"}},
        {"branch": {"started": {}}},
        {"branch": {"source": "metrics", "started": {"timeout": "soon"}}},
        {"branch": {"source": "metrics", "failed": {"reason": "NOBODY_KNOWS", "message": []}}},
        ProgressEvent(step="branch"),
        made_elsewhere()(note="n"),
    ],
)
def test_other_details_are_about_no_branch(detail: Any) -> None:
    assert branch_in(detail) is None


def test_a_branch_is_asked_gets_on_and_answers() -> None:
    seen = after(None, branch("logs", "job-a", started={"timeout": "2.5s"}), 7.0)
    assert (seen.name, seen.status, seen.asked_at, seen.timeout) == ("logs · job-a", BranchStatus.RUNNING, 7.0, 2.5)
    seen = after(seen, branch("logs", "job-a", advanced={"fraction": 0.4}), 8.0)
    assert (seen.fraction, seen.asked_at) == (0.4, 7.0)
    seen = after(seen, branch("logs", "job-a", succeeded={"latency": "1.25s", "attempts": 2}), 9.0)
    assert (seen.status, seen.latency, seen.attempts) == (BranchStatus.SUCCEEDED, 1.25, 2)


def test_a_branch_fails_with_its_reason() -> None:
    failed = {"reason": "BRANCH_FAILURE_REASON_WRONG_TYPE", "message": "a list", "latency": "0.5s", "attempts": 1}
    seen = after(None, branch("logs", failed=failed), 7.0)
    assert (seen.status, seen.message, seen.latency) == (BranchStatus.FAILED, "a list", 0.5)
    assert seen.reason == BranchFailureReason.BRANCH_FAILURE_REASON_WRONG_TYPE


@pytest.mark.parametrize(("told", "known"), [(-1.0, 0.0), (7.0, 1.0), (float("nan"), 0.0)])
def test_a_share_is_one(told: float, known: float) -> None:
    progress = BranchProgress(source="logs")
    progress.advanced.fraction = told
    assert after(None, progress, 0.0).fraction == known


def test_a_source_that_is_asked_again_begins_anew() -> None:
    seen = after(None, branch("logs", advanced={"fraction": 0.4}), 1.0)
    assert after(seen, branch("logs", started={}), 2.0).fraction is None


def test_a_step_that_is_tried_again_stays_its_branch_and_has_told_nothing() -> None:
    tell, view = Teller(), WorkflowView(ID)
    view.apply(tell.starts("ask/logs", "s1"))
    assert view.open_steps["s1"].branch is None
    view.apply(tell.tells("ask/logs", "s1"), branch("logs", started={"timeout": "5s"}))
    assert view.open_steps["s1"].branch.asked_at == BEGAN + 2
    view.apply(tell.tells("ask/logs", "s1", message="still"))
    assert view.open_steps["s1"].branch.asked_at == BEGAN + 2
    view.apply(tell.starts("ask/logs", "s1", attempt=2))
    seen = view.open_steps["s1"].branch
    assert (seen.name, seen.status, seen.timeout) == ("logs", BranchStatus.WAITING, 0)


def test_the_share_of_the_workflow_outlives_the_branch_that_told_it() -> None:
    tell, view = Teller(), WorkflowView(ID)
    view.apply(tell.starts("ask/logs", "s1"))
    view.apply(tell.tells("ask/logs", "s1", 0.6, "logs answered"), branch("logs", succeeded={"latency": "1s"}))
    view.apply(tell.finishes("ask/logs", "s1"))
    assert (view.fraction, view.headline) == (0.6, "")
    assert view.closed_steps[0].branch.status is BranchStatus.SUCCEEDED


def progress(detail: any_pb2.Any | None = None) -> ProgressEvent:
    return ProgressEvent(step_progress=StepProgress(message="m", detail=detail))


class Catalog(SimpleNamespace):
    """As much of a client as decoding needs: it counts how often it is asked."""

    asked = 0

    async def decode(self, payload: any_pb2.Any) -> Any:
        self.asked += 1
        if payload.type_url.endswith("Gone"):
            raise NotFound("nobody has it")
        return {"branch": {"source": "metrics", "started": {}}}


async def test_only_details_are_decoded() -> None:
    catalog = Catalog()
    reader = BranchReader(cast("Any", catalog))
    assert await reader.read(progress(result_of({"a": 1}))) == branch("metrics", started={})
    assert await reader.read(progress()) is None
    assert await reader.read(Teller().accepted()) is None
    assert catalog.asked == 1


async def test_a_contract_that_is_gone_is_asked_for_once() -> None:
    catalog = Catalog()
    reader = BranchReader(cast("Any", catalog))
    gone = any_pb2.Any(type_url="type.googleapis.com/own.Gone", value=b"")
    assert [await reader.read(progress(gone)) for _ in range(100)] == [None] * 100
    assert catalog.asked == 1
