"""Messages as JSON for programs."""

from google.protobuf.struct_pb2 import Struct

from stretto.cli._json import plain, readable, whole
from stretto.client import Client
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_service_pb2 import GetStateResponse
from tests.protos.generated.orders_pb2 import Item, OrderRequest, Report


def struct(**fields) -> Struct:
    made = Struct()
    made.update(fields)
    return made


def test_json_without_an_order_is_sorted_and_its_whole_numbers_are_whole() -> None:
    value = whole({"b": [1.0, 1.5, {"d": 2.0**60, "c": True}], "a": "1.0"})
    assert list(value) == ["a", "b"]
    assert list(value["b"][2]) == ["c", "d"]
    assert repr(value) == "{'a': '1.0', 'b': [1, 1.5, {'c': True, 'd': 1.152921504606847e+18}]}"


def test_a_message_keeps_the_order_of_its_fields_and_has_them_all() -> None:
    order = OrderRequest(items=[Item(sku="A")], notes={"z": "1", "b": "2"})
    made = plain(order)
    assert list(made) == ["customer", "items", "priority", "notes"]
    assert list(made["items"][0]) == ["sku", "quantity", "price"]
    assert list(made["notes"]) == ["b", "z"]
    assert plain(order, defaults=False) == {"items": [{"sku": "A"}], "notes": {"b": "2", "z": "1"}}


async def test_payloads_are_unpacked_where_they_stand() -> None:
    state = GetStateResponse(snapshot=struct(b=1, a=2))
    state.result.Pack(Report(summary="fine", total_cents=3))
    state.pending_interrupts.add(interrupt_id="1")
    state.pending_interrupts.add(interrupt_id="2").decision.Pack(struct(yes=True))
    async with Client("nowhere:1") as client:
        made = await readable(state, client)
    assert made["result"] == {"summary": "fine", "total_cents": "3", "lines": []}
    assert [one.get("decision") for one in made["pending_interrupts"]] == [None, {"yes": True}]
    assert list(made["snapshot"]) == ["a", "b"]
    assert state.HasField("result")
    assert list(made) == ["snapshot", "pending_interrupts", "result", "as_of_sequence", "checkpoint_id"]


async def test_an_event_has_the_name_of_its_kind() -> None:
    event = ProgressEvent(sequence=3)
    event.step_progress.detail.Pack(struct(done=1))
    async with Client("nowhere:1") as client:
        made = await readable(event, client)
    assert made["sequence"] == "3"
    assert made["step_progress"] == {"message": "", "detail": {"done": 1}}
