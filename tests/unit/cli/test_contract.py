"""A contract's messages as people see them."""

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FieldOptions, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from examples.generated.shop.v1.refund_pb2 import RefundRequest, RefundVerdict
from stretto.cli._contract import choices, rows, skeleton
from stretto.cli._rules import FIELD_RULES, hints, sentences
from tests.protos.generated.orders_pb2 import Everything, OrderRequest, Priority, ReviewDecision


def test_fields_have_types_and_nested_messages_stand_below() -> None:
    found = [(row.depth, row.name, row.type) for row in rows(OrderRequest.DESCRIPTOR)]
    assert found == [
        (0, "customer", "string"),
        (0, "items", "list of Item"),
        (1, "sku", "string"),
        (1, "quantity", "uint32"),
        (1, "price", "double"),
        (0, "priority", "PRIORITY_NORMAL | PRIORITY_HIGH"),
        (0, "notes", "map of string to string"),
        (0, "deliver_by", "time"),
    ]


def test_a_message_that_holds_itself_is_shown_once() -> None:
    found = {row.name: row for row in rows(Everything.DESCRIPTOR)}
    assert found["nested"].type == "Everything"
    assert [row.name for row in rows(Everything.DESCRIPTOR)].count("small") == 1
    assert found["left"].type == "string (or another of choice)"
    assert found["maybe"].type == "int32"
    assert found["items"].type == "map of int32 to Item"
    assert found["priorities"].type == "list of PRIORITY_NORMAL | PRIORITY_HIGH"
    assert (found["struct"].type, found["any"].type, found["span"].type) == ("JSON object", "any message", "duration")


def test_a_skeleton_is_an_input_of_the_message() -> None:
    made = skeleton(OrderRequest.DESCRIPTOR)
    assert made == {
        "customer": "...",
        "items": [{"sku": "...", "quantity": 1, "price": 1.5}],
        "priority": "PRIORITY_NORMAL",
        "deliver_by": "2030-01-01T12:00:00Z",
    }


def test_choices_lose_what_they_have_in_common() -> None:
    assert choices(Priority.DESCRIPTOR) == {"NORMAL": "PRIORITY_NORMAL", "HIGH": "PRIORITY_HIGH"}
    verdicts = ReviewDecision.DESCRIPTOR.enum_types_by_name["Verdict"]
    assert choices(verdicts) == {"APPROVE": "VERDICT_APPROVE", "REJECT": "VERDICT_REJECT"}


def test_rules_of_a_contract_are_told() -> None:
    told = {row.name: row.hints for row in rows(OrderRequest.DESCRIPTOR)}
    assert told["customer"] == "1 to 64 characters"
    assert told["items"] == "1 to 10 items"
    assert told["sku"] == "matches ^[A-Z]{3}-[0-9]+$"
    assert told["quantity"] == ">= 1, <= 100"
    assert told["price"] == "> 0"


# Rules on the wire, as field numbers of buf.validate.FieldRules: varints, and bodies with their length before them.
def body(number: int, *parts: bytes) -> bytes:
    inside = b"".join(parts)
    return varint(number << 3 | 2) + varint(len(inside)) + inside


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value & (1 << 64) - 1)


def varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])


def told_of(rules: bytes, kind: FieldDescriptorProto.Type.ValueType = FieldDescriptorProto.TYPE_STRING) -> str:
    """The hints of a field that has these rules."""
    file = FileDescriptorProto(name="a.proto", package="a", syntax="proto3")
    field = file.message_type.add(name="A").field.add(name="a", number=1, type=kind, label=1)
    field.options.CopyFrom(FieldOptions.FromString(body(FIELD_RULES, rules)))
    pool = DescriptorPool()
    pool.Add(file)
    return hints(pool.FindMessageTypeByName("a.A").fields[0])


def test_rules_are_read_from_the_wire() -> None:
    assert told_of(number(25, 1)) == "required"
    assert told_of(body(14, number(2, 1))) == "at least 1 character"
    assert told_of(body(14, number(2, 2))) == "at least 2 characters"
    assert told_of(body(14, number(3, 5))) == "at most 5 characters"
    assert told_of(body(14, number(19, 3))) == "3 characters"
    assert told_of(body(14, number(12, 1))) == "e-mail address"
    assert told_of(body(14, body(10, b"a"), body(10, b"b"))) == "one of a, b"
    assert told_of(body(14, body(7, b"x"), body(8, b"y"), body(9, b"z"))) == "begins with x, ends with y, contains z"
    assert told_of(body(15, number(3, 9))) == "at most 9 bytes"
    assert told_of(body(19, number(2, 4))) == "at most 4 pairs"
    assert (
        told_of(body(18, number(3, 1), body(4, body(14, number(3, 5))))) == "no item twice, each at most 5 characters"
    )


def test_numbers_are_told_as_what_they_are() -> None:
    assert told_of(body(3, number(4, -5))) == "> -5"
    assert told_of(body(4, number(2, -5), number(5, -7))) == ">= -7, < -5"
    assert told_of(body(8, number(5, 3))) == ">= -2"
    assert told_of(body(6, number(3, (1 << 64) - 1))) == f"<= {(1 << 64) - 1}"
    assert told_of(body(2, varint(4 << 3 | 1) + b"\x00\x00\x00\x00\x00\x00\xf8\x3f")) == "> 1.5"
    assert told_of(body(1, varint(3 << 3 | 5) + b"\x00\x00\x20\x40")) == "<= 2.5"
    assert told_of(body(11, varint(5 << 3 | 5) + b"\xff\xff\xff\xff")) == ">= -1"
    assert told_of(body(5, number(6, 1), number(6, 2))) == "one of 2 numbers"


def test_rules_that_are_not_known_are_passed_over() -> None:
    assert told_of(b"") == ""
    assert told_of(body(23, b"\x0a\x01x")) == ""
    assert told_of(body(14, body(200, b"x"))) == ""


def test_the_rules_of_a_whole_message_are_its_authors_sentences() -> None:
    assert sentences(RefundVerdict.DESCRIPTOR) == ["a refusal needs a reason"]
    assert sentences(RefundRequest.DESCRIPTOR) == []
