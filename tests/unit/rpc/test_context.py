"""How workflows are told to a conversation: what is a fact, and what fits into a budget."""

import ormsgpack
import pytest
from google.protobuf.duration_pb2 import Duration

from stretto.server.domain.change import Blob, Checkpoint, StoredCheckpoint
from stretto.server.domain.payload import STRUCT, Payload
from stretto.server.domain.workflow import Failure, Interrupt, Reason, Status, Step, Workflow
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.rpc._spoken import duration_in_words
from stretto.server.rpc.context import fit, reading_of, to_context
from stretto.server.rpc.contracts import Contracts, contract_of
from stretto.server.store.port import WorkflowState
from tests.protos.generated.orders_pb2 import Everything

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


STATE = saved(days=4, hotels=[{"name": "A"}] * 7, tags=["old", "town"], note="", plan={"nights": 2, "deep": {"no": 1}})


def found(**result) -> list[tuple]:
    return list(facts(result=CONTRACTS.encode(STRUCT, result), input=CONTRACTS.encode(STRUCT, {})).items())


def test_facts_of_a_workflow_that_runs_are_short_values_of_its_state_and_its_input():
    assert facts(STATE) == {"days": 4, "hotels_count": 7, "tags": ["old", "town"], "plan.nights": 2, "city": "Rome"}


def test_once_there_is_a_result_the_state_is_told_no_more():
    assert facts(STATE, result=CONTRACTS.encode(STRUCT, {"days": 5})) == {"days": 5, "city": "Rome"}


def test_sentences_come_first_then_lists_of_them_then_short_values_and_what_is_nested_last():
    told = found(
        cost={"total": 12},
        days=5,
        tips=["Take the early train.", "Book now."],
        kind="short",
        text="Rome is warm in May.",
    )
    assert [name for name, _ in told[:2]] == ["text", "tips"]
    assert {name for name, _ in told[2:4]} == {"days", "kind"}
    assert [name for name, _ in told[4:]] == ["cost.total"]


def test_of_a_list_of_messages_is_told_what_each_says_and_what_else_it_has():
    hotel = {"hotel_name": "Roma", "explanation": "It is near the station.", "hotel_id": "h1"}
    assert dict(found(hotels=[{**hotel, "advice": "Ask for a room to the yard."}, {**hotel, "hotel_name": "It"}])) == {
        "hotels": ["Roma: It is near the station.", "It is near the station."],
        "hotels.advice": ["Roma: Ask for a room to the yard."],
    }
    assert dict(found(sights=[{"name": "Forum", "price": 18, "opens": "9 am"}])) == {"sights": ["Forum, 9 am"]}
    assert dict(found(days=[{"sights": [1]}, {"sights": [2]}])) == {"days_count": 2}


def test_a_long_list_has_its_first_items_and_their_number():
    told = dict(found(tags=[f"t{number}" for number in range(30)]))
    assert (len(told["tags"]), told["tags_count"]) == (12, 30)


def test_a_long_text_ends_with_a_whole_sentence_or_else_a_whole_word():
    assert dict(found(text="It is warm. " * 30))["text"] == ("It is warm. " * 16).strip()
    [(_, told)] = found(text="warm " * 60)
    assert (told.removesuffix(" …").split(), len(told) <= 200, told.endswith(" …")) == (["warm"] * 39, True, True)


def test_facts_that_there_is_no_room_for_are_left_out_and_shorter_ones_are_not():
    told = dict(found(**{f"list_{number}": ["a long word " * 16] * 12 for number in range(9)}, days=5))
    assert len(told) == 3
    assert told["days"] == 5


def test_enums_and_durations_are_told_in_words():
    values = {"priority": "PRIORITY_HIGH", "span": "PT95S"}
    contracts = Contracts([WorkflowType(name="all", contract=contract_of(result=Everything))])
    result = contracts.encode(Everything.DESCRIPTOR.full_name, values)
    told = reading_of(WorkflowState(a_workflow(result=result), (), None), contracts).facts
    assert (told["priority"], told["span"]) == ("high", "95 seconds")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (0.0042, "4.2 milliseconds"), (-3, "-3 seconds"), (150, "2.5 minutes"), (7_200, "2 hours")],
)
def test_a_duration_has_the_unit_that_fits(seconds, words):
    made = Duration()
    made.FromNanoseconds(round(seconds * 1e9))
    assert duration_in_words(made) == words


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
