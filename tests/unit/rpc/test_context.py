"""How workflows are told to a conversation: what is a fact, and what fits into a budget."""

import ormsgpack
import pytest

from stretto.server.domain.change import Blob, Checkpoint, StoredCheckpoint
from stretto.server.domain.payload import STRUCT, Payload
from stretto.server.domain.workflow import Failure, Interrupt, Reason, Status, Step, Workflow
from stretto.server.rpc.context import fit, reading_of, to_context
from stretto.server.rpc.contracts import Contracts
from stretto.server.store.port import WorkflowState

CONTRACTS = Contracts()


def a_workflow(**fields) -> Workflow:
    given = {
        "project": "red",
        "workflow_id": "wf_1",
        "workflow_type": "trip",
        "type_version": "1",
        "status": Status.RUNNING,
        "request_id": "",
        "input": CONTRACTS.encode(STRUCT, {"city": "Rome", "days": 3}),
        "created_at": 1_000,
        "updated_at": 2_000,
    }
    return Workflow(**{**given, **fields})


def saved(**channels) -> StoredCheckpoint:
    body = Blob("msgpack", ormsgpack.packb({"channel_values": channels}))
    checkpoint = Checkpoint(
        namespace="",
        checkpoint_id="c1",
        parent_id="",
        superstep=1,
        source="loop",
        created_at=1,
        body=body,
        metadata=Blob("msgpack", ormsgpack.packb({})),
    )
    return StoredCheckpoint(checkpoint, (), ())


def question(interrupt_id: str = "q1") -> Interrupt:
    return Interrupt(interrupt_id, "key", "asking", "s1", {"question": "Book?"}, STRUCT, 1_500)


def facts(checkpoint=None, **fields) -> dict:
    return dict(reading_of(WorkflowState(a_workflow(**fields), (), checkpoint), CONTRACTS).facts)


def test_facts_are_short_values_of_result_state_and_input_the_newest_first():
    told = facts(
        saved(days=4, hotels=[{"name": "A"}] * 7, tags=["old", "town"], note="", plan={"nights": 2, "deep": {"no": 1}}),
        result=CONTRACTS.encode(STRUCT, {"days": 5}),
    )
    assert told == {"days": 5, "hotels_count": 7, "tags": ["old", "town"], "plan.nights": 2, "city": "Rome"}


def test_what_cannot_be_shown_is_no_fact():
    assert facts(saved(big="x" * 70_000, small="yes")).keys() >= {"city", "days"}
    assert not [value for value in facts(saved(big=["x" * 70_000], small="yes")).values() if "left out" in str(value)]


def test_an_input_of_a_type_that_is_not_served_has_no_facts():
    assert facts(input=Payload("gone.Order", b"\x0a\x01x")) == {}


@pytest.mark.parametrize(
    ("status", "interrupts", "phases"),
    [(Status.RUNNING, (), ("searching",)), (Status.WAITING, (question(),), ("asking",))],
)
def test_phases_are_what_runs_or_what_asks(status, interrupts, phases):
    steps = (Step("s0", "searching", 1, 1), Step("s2", "searching", 1, 1)) if not interrupts else ()
    reading = reading_of(WorkflowState(a_workflow(status=status, steps=steps), interrupts, None), CONTRACTS)
    assert reading.phases == phases
    assert len(reading.open_interrupts) == len(interrupts)


def test_the_last_error_of_a_running_workflow_is_its_newest_failed_attempt():
    trouble = Failure(Reason.STEP_FAILED, "no rooms")
    context = to_context(reading_of(WorkflowState(a_workflow(trouble=trouble), (), None), CONTRACTS), 7)
    assert (context.last_error.message, context.age_ms) == ("no rooms", 7)


def test_a_budget_takes_facts_first_and_open_questions_last():
    waiting = reading_of(WorkflowState(a_workflow(status=Status.WAITING), (question(),), None), CONTRACTS)
    ended = [
        reading_of(WorkflowState(a_workflow(workflow_id=f"wf_{number}", status=Status.FAILED), (), None), CONTRACTS)
        for number in range(5)
    ]
    kept, tokens, left_out = fit([waiting, *ended], 10_000)
    assert (len(kept), left_out) == (6, 0)
    assert not any(reading.shortened for reading in kept)
    kept, fewer, left_out = fit([waiting, *ended], tokens - 1)
    assert (len(kept), left_out, kept[-1].shortened, kept[0].shortened) == (6, 0, True, False)
    assert fewer < tokens
    kept, _, left_out = fit([waiting, *ended], 1)
    assert ([len(reading.open_interrupts) for reading in kept], left_out) == ([1], 5)
