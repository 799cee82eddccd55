"""Which question is meant, and what yes and no are in a contract's words."""

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from stretto.cli._chat._decisions import chosen, decision
from stretto.cli._exits import CommandError
from stretto.cli._live import WorkflowView
from tests.protos.generated.orders_pb2 import OrderRequest, ReviewDecision
from tests.unit.cli.telling import asked


def asking(workflow_id: str, workflow_type: str, *interrupt_ids: str) -> WorkflowView:
    view = WorkflowView(workflow_id)
    view.workflow_type = workflow_type
    view.questions = {interrupt_id: asked(interrupt_id, "go?") for interrupt_id in interrupt_ids}
    return view


def test_the_only_question_need_not_be_named() -> None:
    question, answer = chosen([asking("wf_1", "parcel", "i1"), asking("wf_2", "letter")], "no too dear")
    assert (question.workflow_id, question.interrupt.interrupt_id, answer) == ("wf_1", "i1", "no too dear")


@pytest.mark.parametrize("name", ["wf_2", "letter", "i2"])
def test_one_of_several_questions_is_named_by_its_id_or_its_type(name: str) -> None:
    views = [asking("wf_1", "parcel", "i1"), asking("wf_2", "letter", "i2")]
    question, answer = chosen(views, f"{name} yes")
    assert (question.workflow_id, answer) == ("wf_2", "yes")


@pytest.mark.parametrize(
    ("views", "words", "told"),
    [
        ([asking("wf_1", "parcel")], "yes", "nobody asks anything now"),
        ([asking("wf_1", "parcel", "i1"), asking("wf_2", "parcel", "i2")], "yes", "2 questions are open.*wf_1, wf_2"),
        ([asking("wf_1", "parcel", "i1"), asking("wf_2", "parcel", "i2")], "parcel yes", "say which: wf_1, wf_2"),
        ([asking("wf_1", "parcel", "i1", "i2")], "wf_1 yes", "say which: i1, i2"),
        ([asking("wf_1", "parcel", "i1"), asking("wf_2", "letter", "i2")], "yes", "open; say which: parcel, letter"),
        (
            [asking("wf_1", "parcel", "i1"), asking("wf_2", "letter", "i2")],
            "gift no",
            "'gift' is none of them; say whi",
        ),
        ([asking("wf_1", "parcel", "i1"), asking("wf_2", "letter", "i2")], '{"a": 1}', "open; say which: parcel, let"),
        ([asking("wf_1", "parcel", "i1")], "wf_1", "the answer is missing"),
        ([asking("wf_1", "parcel", "i1")], "", "the answer is missing"),
    ],
)
def test_what_is_not_clear_is_told(views, words: str, told: str) -> None:
    with pytest.raises(CommandError, match=told):
        chosen(views, words)


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("yes", {"verdict": "VERDICT_APPROVE"}),
        ("NO", {"verdict": "VERDICT_REJECT"}),
        ("no  far too dear ", {"verdict": "VERDICT_REJECT", "comment": "far too dear"}),
        ('{"verdict": 1}', {"verdict": 1}),
    ],
)
def test_an_answer_becomes_what_the_contract_wants(answer: str, value) -> None:
    assert decision(answer, ReviewDecision.DESCRIPTOR) == value


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("yes", {"approved": True}),
        ("no", {"approved": False}),
        ("no too dear", {"approved": False, "comment": "too dear"}),
        ("[1]", [1]),
    ],
)
def test_without_a_contract_yes_and_no_are_what_words_are_taken_for(answer: str, value) -> None:
    assert decision(answer, None) == value


def test_a_flag_says_yes_and_no() -> None:
    pool = DescriptorPool()
    made = FileDescriptorProto(name="flag.proto", package="t")
    message = made.message_type.add(name="Flag")
    message.field.add(name="note", number=1, type=9, label=1)
    message.field.add(name="go_on", number=2, type=8, label=1)
    pool.Add(made)
    flag = pool.FindMessageTypeByName("t.Flag")
    assert decision("yes", flag) == {"go_on": True}
    assert decision("no too late", flag) == {"go_on": False, "note": "too late"}


@pytest.mark.parametrize(
    ("answer", "told"), [("yes", "has no plain yes or no"), ("perhaps", "'perhaps' is neither yes nor no, no JSON")]
)
def test_what_cannot_be_decided_so_is_told(answer: str, told: str) -> None:
    with pytest.raises(CommandError, match=told):
        decision(answer, OrderRequest.DESCRIPTOR)
