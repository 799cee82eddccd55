import base64

import pytest
from google.protobuf import descriptor_pb2, struct_pb2
from google.protobuf.any_pb2 import Any
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from examples.generated.shop.v1.refund_pb2 import RefundVerdict
from stretto.server.domain.errors import (
    ContractViolation,
    InvalidPayload,
    RegistrationError,
    TooLarge,
    WrongPayloadType,
)
from stretto.server.domain.payload import STRUCT, VALUE, Payload
from stretto.server.domain.workflow_type import Contract, WorkflowType
from stretto.server.rpc.contracts import NULL, Contracts, contract_of
from tests.protos.generated.orders_pb2 import (
    PRIORITY_HIGH,
    Everything,
    Item,
    OrderProgress,
    OrderRequest,
    Priority,
    Report,
    ReviewDecision,
)

ORDER = "tests.orders.v1.OrderRequest"
EVERYTHING = "tests.orders.v1.Everything"


def order_contract() -> Contract:
    return contract_of(input=OrderRequest, result=Report, progress=OrderProgress, decision={"review": ReviewDecision})


@pytest.fixture
def contracts() -> Contracts:
    return Contracts(
        [
            WorkflowType(name="order", contract=order_contract()),
            WorkflowType(name="all", contract=contract_of(input=Everything)),
            WorkflowType(name="dynamic"),
        ]
    )


def packed(message) -> Any:
    made = Any()
    made.Pack(message)
    return made


def good_order() -> OrderRequest:
    return OrderRequest(customer="Ada", items=[Item(sku="ABC-1", quantity=2, price=1.5)], priority=PRIORITY_HIGH)


def test_a_contract_names_its_messages_and_carries_their_descriptors() -> None:
    contract = order_contract()
    assert (contract.input_type, contract.decision_type) == (ORDER, STRUCT)
    assert contract.decision_type_of("review") == "tests.orders.v1.ReviewDecision"
    files = descriptor_pb2.FileDescriptorSet.FromString(contract.file_descriptor_set)
    pool = DescriptorPool()
    for file in files.file:  # Dependencies come first, so a client can add them one by one.
        pool.Add(file)
    assert pool.FindMessageTypeByName(ORDER)


def test_a_contract_refuses_what_is_no_message_class() -> None:
    with pytest.raises(RegistrationError, match="input of a contract must be a generated protobuf message class"):
        contract_of(input=dict)


def test_a_good_payload_comes_back_canonical(contracts: Contracts) -> None:
    order = good_order()
    for key in "zyxwv":
        order.notes[key] = key
    payload = contracts.check(ORDER, packed(order))
    reordered = good_order()
    for key in "vwxyz":
        reordered.notes[key] = key
    assert payload == contracts.check(ORDER, packed(reordered))
    assert OrderRequest.FromString(payload.value) == order


def test_a_wrong_type_is_told_with_both_names(contracts: Contracts) -> None:
    with pytest.raises(WrongPayloadType, match=r"tests\.orders\.v1\.Item.*tests\.orders\.v1\.OrderRequest") as caught:
        contracts.check(ORDER, packed(Item()))
    assert caught.value.metadata == {"got": "tests.orders.v1.Item", "expected": ORDER}


def test_a_type_that_nobody_knows_is_wrong_too(contracts: Contracts) -> None:
    with pytest.raises(WrongPayloadType):
        contracts.check(ORDER, Any(type_url="type.googleapis.com/no.Such", value=b"\xff"))
    with pytest.raises(WrongPayloadType, match="none"):
        contracts.check(ORDER, Any(value=b"\x01"))


def test_every_broken_rule_is_told_with_its_path(contracts: Contracts) -> None:
    order = OrderRequest(
        customer="", items=[Item(sku="ABC-1", quantity=1, price=1), Item(sku="x", quantity=0, price=-1)]
    )
    with pytest.raises(InvalidPayload) as caught:
        contracts.check(ORDER, packed(order))
    assert [(violation.field, violation.rule_id) for violation in caught.value.violations] == [
        ("customer", "string.min_len"),
        ("items[1].sku", "string.pattern"),
        ("items[1].quantity", "uint32.gte_lte"),
        ("items[1].price", "double.gt"),
    ]
    assert "customer must be at least 1 characters" in str(caught.value)


def test_a_rule_of_a_whole_message_is_told_in_its_own_words() -> None:
    contracts = Contracts([WorkflowType(name="refund", contract=contract_of(decision=RefundVerdict))])
    with pytest.raises(InvalidPayload, match=r"RefundVerdict breaks its contract: a refusal needs a reason\.$"):
        contracts.check("shop.v1.RefundVerdict", packed(RefundVerdict()))


def test_an_unset_payload_is_an_empty_message(contracts: Contracts) -> None:
    assert contracts.check(EVERYTHING, None) == Payload(EVERYTHING, b"")
    assert contracts.check(STRUCT, Any()) == Payload(STRUCT, b"")
    with pytest.raises(InvalidPayload):
        contracts.check(ORDER, None)


def test_malformed_bytes_are_an_invalid_payload(contracts: Contracts) -> None:
    with pytest.raises(InvalidPayload, match="do not parse") as caught:
        contracts.check(ORDER, Any(type_url=f"x/{ORDER}", value=b"\xff\xff\xff"))
    assert caught.value.violations[0].rule_id == "parse"


def test_a_payload_that_is_nested_too_deeply_says_so(contracts: Contracts) -> None:
    deep = body = b""
    for _ in range(150):
        tag = b"\xc2\x01"  # Field 24, `nested`.
        deep = tag + _varint(len(deep)) + deep
    with pytest.raises(InvalidPayload) as caught:
        contracts.check(EVERYTHING, Any(type_url=f"x/{EVERYTHING}", value=deep))
    assert "100 messages deep" in caught.value.violations[0].description
    assert body == b""


def test_a_large_payload_is_refused_before_it_is_parsed() -> None:
    contracts = Contracts(payload_bytes_max=100)
    with pytest.raises(TooLarge, match="101 bytes; at most 100"):
        contracts.check(STRUCT, Any(type_url=f"x/{STRUCT}", value=b"\xff" * 101))


def test_a_large_result_breaks_the_contract() -> None:
    contracts = Contracts(payload_bytes_max=100)
    with pytest.raises(ContractViolation, match="which is too much"):
        contracts.encode(STRUCT, {"text": "x" * 200})


@pytest.mark.parametrize(
    ("message", "plain"),
    [
        (struct_pb2.Struct(), {}),
        (struct_pb2.Value(string_value="hi"), "hi"),
        (struct_pb2.Value(number_value=3), 3),
        (struct_pb2.Value(number_value=3.5), 3.5),
        (struct_pb2.Value(number_value=2.0**53), 2.0**53),
        (struct_pb2.Value(null_value=struct_pb2.NULL_VALUE), None),
        (struct_pb2.Value(), None),
    ],
)
def test_the_dynamic_lane_takes_a_struct_or_a_value(contracts: Contracts, message, plain) -> None:
    payload = contracts.check(STRUCT, packed(message))
    decoded = contracts.decode(payload)
    assert decoded == plain
    assert type(decoded) is type(plain)


def test_no_value_has_one_form(contracts: Contracts) -> None:
    assert contracts.check(STRUCT, packed(struct_pb2.Value())) == NULL


def test_unset_fields_read_as_defaults_or_none(contracts: Contracts) -> None:
    plain = contracts.decode(Payload(EVERYTHING, b""))
    assert plain == {
        "small": 0, "big": 0, "huge": 0, "single": 0.0, "number": 0.0, "flag": False, "text": "", "data": "",
        "priority": "PRIORITY_UNSPECIFIED", "maybe": None, "left": None, "right": None, "numbers": [], "items": {},
        "names": {}, "at": None, "span": None, "struct": None, "value": None, "list": None, "wrapped": None,
        "wrapped_data": None, "any": None, "nested": None, "priorities": [],
    }  # fmt: skip


def everything() -> dict:
    return {
        "small": -5, "big": -(2**63), "huge": 2**64 - 1, "single": 0.5, "number": 0.1, "flag": True, "text": "ü",
        "data": base64.b64encode(b"\x00\xff").decode(), "priority": "PRIORITY_HIGH", "maybe": 0, "left": None,
        "right": {"sku": "ABC-1", "quantity": 1, "price": 2.0}, "numbers": [2**60, -1],
        "items": {"7": {"sku": "XYZ-9", "quantity": 1, "price": 0.5}}, "names": {"true": "yes", "false": "no"},
        "at": "2026-01-31T12:00:00.123456Z", "span": "-PT90.500S",
        "struct": {"a": [1, 2.5, None, {"b": True}]}, "value": None, "list": ["x", 1], "wrapped": 2**62,
        "wrapped_data": "AA==", "any": {"@type": "x/y.Z", "value": "AQI="},
        "priorities": ["PRIORITY_NORMAL", 77],
    }  # fmt: skip


def test_every_kind_of_field_comes_back_as_it_went_in(contracts: Contracts) -> None:
    values = everything()
    values["nested"] = {**everything(), "right": None, "left": "this one"}
    encoded = contracts.encode(EVERYTHING, values)
    decoded = contracts.decode(contracts.check(EVERYTHING, packed(Everything.FromString(encoded.value))))
    assert decoded == {**values, "nested": {**values["nested"], "nested": None}}


@pytest.mark.parametrize(
    ("field", "value", "path", "told"),
    [
        ("small", "5", "small", "must be a whole number, not '5'"),
        ("small", True, "small", "must be a whole number, not true"),
        ("small", 2**31, "small", "is out of its type's range"),
        ("huge", -1, "huge", "is out of its type's range"),
        ("big", 1.0, "big", "must be a whole number, not 1.0"),
        ("number", "1", "number", "must be a number, not '1'"),
        ("number", 10**400, "number", "is out of its type's range"),
        ("flag", 1, "flag", "must be true or false, not 1"),
        ("text", 1, "text", "must be text, not 1"),
        ("text", "\ud800", "text", "must be valid Unicode"),
        ("data", "%", "data", "must be base64 text, not '%'"),
        ("priority", "HI", "priority", f"must be one of {', '.join(Priority.keys())}, not 'HI'"),
        ("right", "x", "right", "must be an object with the fields of tests.orders.v1.Item, not 'x'"),
        ("right", {"sku": 1}, "right.sku", "must be text, not 1"),
        ("numbers", 1, "numbers", "must be a list, not 1"),
        ("numbers", [1, None], "numbers[1]", "must be a whole number, not null"),
        ("items", [], "items", "must be an object, not a list"),
        ("items", {"x": {}}, "items['x']", "must have a whole number as its key"),
        ("items", {"1": {"quantity": "x"}}, "items['1'].quantity", "must be a whole number, not 'x'"),
        ("names", {"TRUE": ""}, "names['TRUE']", "must have keys `true` or `false`"),
        ("at", "yesterday", "at", "must be a time such as `2026-01-31T12:00:00Z`, not 'yesterday'"),
        ("at", "2026-01-31T12:00:00", "at", "must be a time with a zone, such as `2026-01-31T12:00:00Z`"),
        ("span", "soon", "span", "must be a duration such as `PT1.5S`, or seconds, not 'soon'"),
        ("struct", [], "struct", "must be an object, not a list"),
        ("list", {}, "list", "must be a list, not an object"),
        ("wrapped", "1", "wrapped", "must be a whole number, not '1'"),
        ("any", {}, "any", "must be an object with `@type` and, in base64, `value`"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_is_told_with_its_field(contracts: Contracts, field, value, path, told) -> None:
    with pytest.raises(ContractViolation) as caught:
        contracts.encode(EVERYTHING, {field: value})
    assert [(violation.field, violation.description) for violation in caught.value.violations] == [(path, told)]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("1.5s", "PT1.500S"),
        (90, "PT90S"),
        (0.000000001, "PT0.000000001S"),
        ("P1DT1H1M1S", "PT90061S"),
        (-1.25, "-PT1.250S"),
    ],
)
def test_a_duration_may_be_written_in_three_ways(contracts: Contracts, given, read) -> None:
    decoded = contracts.decode(contracts.encode(EVERYTHING, {"span": given}))
    assert decoded["span"] == read


def test_a_graphs_state_may_hold_more_than_the_message(contracts: Contracts) -> None:
    payload = contracts.encode("tests.orders.v1.Report", {"summary": "done", "total_cents": 12, "messages": [1]})
    assert Report.FromString(payload.value) == Report(summary="done", total_cents=12)


def test_a_result_is_held_to_its_rules(contracts: Contracts) -> None:
    with pytest.raises(ContractViolation, match="total_cents must be greater than or equal to 0") as caught:
        contracts.encode("tests.orders.v1.Report", {"summary": "done", "total_cents": -1})
    assert caught.value.violations[0].field == "total_cents"


def test_a_result_that_is_no_object_breaks_a_typed_contract(contracts: Contracts) -> None:
    with pytest.raises(ContractViolation, match="the message must be an object"):
        contracts.encode("tests.orders.v1.Report", "done")


def test_the_dynamic_lane_writes_structs_and_values(contracts: Contracts) -> None:
    assert contracts.encode(STRUCT, {"a": 1}).type_name == STRUCT
    assert contracts.encode(STRUCT, [1]).type_name == VALUE
    deep: list = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(ContractViolation, match="nested too deeply"):
        contracts.encode(STRUCT, {"deep": deep})


def test_numbers_that_json_lacks_become_text(contracts: Contracts) -> None:
    values = {"nan": float("nan"), "inf": float("inf"), "big": 2**60, "text": "\ud800"}
    assert contracts.decode(contracts.encode(STRUCT, values)) == {
        "nan": "nan", "inf": "inf", "big": str(2**60), "text": "?",
    }  # fmt: skip


def test_a_time_that_no_calendar_has_is_refused_at_the_door(contracts: Contracts) -> None:
    bad = Everything()
    bad.nested.at.seconds = 10**15
    with pytest.raises(InvalidPayload) as caught:
        contracts.check(EVERYTHING, packed(bad))
    assert caught.value.violations[0].field == "nested.at"


def other_orders(**changes: int) -> bytes:
    file = descriptor_pb2.FileDescriptorProto()
    OrderRequest.DESCRIPTOR.file.CopyToProto(file)
    file.message_type[0].field[0].number = 99
    files = descriptor_pb2.FileDescriptorSet.FromString(order_contract().file_descriptor_set)
    kept = [each for each in files.file if each.name != file.name]
    return descriptor_pb2.FileDescriptorSet(file=[file, *kept]).SerializeToString()


def test_two_contracts_with_different_files_of_one_name_are_refused() -> None:
    types = [
        WorkflowType(name="one", contract=order_contract()),
        WorkflowType(name="two", contract=Contract(input_type=ORDER, file_descriptor_set=other_orders())),
    ]
    with pytest.raises(RegistrationError, match=r"'two' brings another definition of the file orders"):
        Contracts(types)


def test_two_contracts_with_the_same_files_agree_whatever_made_them() -> None:
    files = descriptor_pb2.FileDescriptorSet.FromString(order_contract().file_descriptor_set)
    for file in files.file:
        file.source_code_info.location.add(leading_comments="A comment.")
        for message in file.message_type:
            for field in message.field:
                field.ClearField("json_name")
    twin = Contract(input_type=ORDER, file_descriptor_set=files.SerializeToString())
    Contracts([WorkflowType(name="one", contract=order_contract()), WorkflowType(name="two", contract=twin)])


def test_a_message_that_two_files_define_is_refused() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="mine.proto", package="tests.orders.v1", syntax="proto3")
    file.message_type.add(name="Item")
    other = descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()
    types = [
        WorkflowType(name="one", contract=order_contract()),
        WorkflowType(name="two", contract=Contract(input_type="tests.orders.v1.Item", file_descriptor_set=other)),
    ]
    with pytest.raises(RegistrationError, match=r"'two' brings the file mine\.proto.*duplicate symbol"):
        Contracts(types)


def test_a_contract_without_its_descriptors_is_refused() -> None:
    with pytest.raises(RegistrationError, match=r"names the message no\.Such"):
        Contracts([WorkflowType(name="one", contract=Contract(input_type="no.Such"))])
    with pytest.raises(RegistrationError, match="no FileDescriptorSet"):
        Contracts([WorkflowType(name="one", contract=Contract(file_descriptor_set=b"\xff"))])


def test_rules_hold_for_classes_that_the_server_never_saw() -> None:
    """The executor and the API server know a contract by its descriptors only."""
    contracts = Contracts([WorkflowType(name="order", contract=order_contract())])
    found = GetMessageClass(contracts.pool.FindMessageTypeByName(ORDER))
    assert found is not OrderRequest
    with pytest.raises(InvalidPayload):
        contracts.check(ORDER, packed(OrderRequest()))


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])
