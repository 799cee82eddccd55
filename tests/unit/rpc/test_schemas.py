import itertools

import pytest
from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.message_factory import GetMessageClass

from stretto.server.domain.errors import ContractViolation
from stretto.server.domain.workflow_type import Contract, WorkflowType
from stretto.server.rpc._descriptors import new_pool
from stretto.server.rpc._schema_rules import RULES_NUMBER, _classes
from stretto.server.rpc.contracts import Contracts, contract_of
from stretto.server.rpc.schemas import schema_of
from stretto.workflow.v1 import workflow_service_pb2
from tests.protos.generated.orders_pb2 import Everything, Item, OrderRequest, ReviewDecision

STRING, UINT32, INT32, DOUBLE, BOOL, MESSAGE, ENUM = 9, 13, 5, 1, 8, 11, 14
TIMESTAMP = "google.protobuf.Timestamp"
NUMBERS = itertools.count()  # The validator remembers files by their names, so no two may share one.


def tagged(number: int, body: bytes) -> bytes:
    """A length-delimited field on the wire; both lengths here take one byte at most two."""
    size = bytes([len(body)]) if len(body) < 128 else bytes([len(body) % 128 | 128, len(body) // 128])
    tag = number << 3 | 2
    return bytes([tag % 128 | 128, tag // 128]) + size + body


def rules(name: str, text: str) -> bytes:
    """Options that carry rules, as bytes that protobuf itself does not know."""
    parsed = text_format.Parse(text, _classes()[name]())
    return tagged(RULES_NUMBER, parsed.SerializeToString())


def message_with(*fields: tuple[str, int, str], repeated: bool = False, kind: str = "", whole: str = ""):
    """A message class with these fields (name, type, rules)."""
    name = f"Made{next(NUMBERS)}"
    proto = DescriptorProto(name=name)
    for number, (field_name, type_, text) in enumerate(fields, 1):
        label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
        field = proto.field.add(name=field_name, number=number, type=type_, label=label, type_name=kind or None)
        if text:
            field.options.MergeFromString(rules("FieldRules", text))
    if whole:
        proto.options.MergeFromString(rules("MessageRules", whole))
    file = FileDescriptorProto(name=f"{name}.proto", package="made", syntax="proto3", message_type=[proto])
    file.dependency.extend(["google/protobuf/timestamp.proto", "google/protobuf/duration.proto"])
    pool = new_pool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"made.{name}"))


def field_schema(type_: int, text: str, **how):
    return schema_of(message_with(("it", type_, text), **how).DESCRIPTOR)["properties"]["it"]


def required(type_: int, text: str, **how) -> bool:
    return "it" in schema_of(message_with(("it", type_, text), **how).DESCRIPTOR)["required"]


def test_a_message_is_an_object_with_its_full_name_fields_and_rules() -> None:
    schema = schema_of(OrderRequest.DESCRIPTOR)
    assert (schema["type"], schema["title"]) == ("object", "tests.orders.v1.OrderRequest")
    assert schema["required"] == ["customer", "items"]
    fields = schema["properties"]
    assert fields["customer"] == {"type": "string", "minLength": 1, "maxLength": 64}
    assert (fields["items"]["minItems"], fields["items"]["maxItems"]) == (1, 10)
    assert fields["items"]["items"]["properties"]["sku"] == {"type": "string", "pattern": "^[A-Z]{3}-[0-9]+$"}
    assert fields["notes"] == {"type": "object", "additionalProperties": {"type": "string"}}
    assert fields["deliver_by"] == {"type": "string", "format": "date-time"}


def test_an_enum_names_its_values_but_zero_and_their_common_prefix() -> None:
    verdict = schema_of(ReviewDecision.DESCRIPTOR)["properties"]["verdict"]
    assert verdict == {"type": "string", "enum": ["VERDICT_APPROVE", "VERDICT_REJECT"], "x-prefix": "VERDICT_"}
    assert schema_of(ReviewDecision.DESCRIPTOR)["required"] == ["verdict"]


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("small", {"type": "integer"}),
        ("huge", {"type": "integer", "minimum": 0}),
        ("single", {"type": "number"}),
        ("flag", {"type": "boolean"}),
        ("data", {"type": "string", "contentEncoding": "base64"}),
        ("maybe", {"type": "integer"}),
        ("numbers", {"type": "array", "items": {"type": "integer"}}),
        ("names", {"type": "object", "additionalProperties": {"type": "string"}}),
        ("span", {"type": "string", "format": "duration"}),
        ("struct", {"type": "object"}),
        ("value", {}),
        ("list", {"type": "array"}),
        ("wrapped", {"type": "integer"}),
        ("wrapped_data", {"type": "string", "contentEncoding": "base64"}),
        ("any", {"type": "object"}),
        ("nested", {"type": "object"}),
    ],
)
def test_every_kind_of_field_has_its_form(name: str, schema: dict) -> None:
    assert schema_of(Everything.DESCRIPTOR)["properties"][name] == schema


def test_oneofs_are_told_and_optional_fields_are_none() -> None:
    assert schema_of(Everything.DESCRIPTOR)["x-oneof"] == {"choice": ["left", "right"]}
    assert "x-oneof" not in schema_of(Item.DESCRIPTOR)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("priority", "PRIORITY_HIGH"),
        ("data", "aGVsbG8="),
        ("at", "2026-01-31T12:00:00Z"),
        ("span", "PT1.5S"),
        ("struct", {"a": [1]}),
        ("value", [1, "b"]),
        ("list", [1]),
        ("wrapped", 7),
        ("wrapped_data", "aGVsbG8="),
        ("any", {"@type": "type.googleapis.com/x.Y", "value": ""}),
        ("names", {"true": "yes"}),
        ("items", {"1": {"sku": "ABC-1", "quantity": 1, "price": 2}}),
        ("nested", {"small": 1}),
        ("priorities", ["PRIORITY_NORMAL"]),
    ],
)
def test_values_in_the_form_of_the_schema_are_taken_by_contracts(name: str, value: object) -> None:
    contracts = Contracts([WorkflowType(name="all", contract=contract_of(input=Everything))])
    read = contracts.decode(contracts.encode("tests.orders.v1.Everything", {name: value}))
    assert read[name] != contracts.decode(contracts.encode("tests.orders.v1.Everything", {}))[name]


@pytest.mark.parametrize(
    ("type_", "text", "schema"),
    [
        (INT32, "int32 { gte: 1 lte: 7 }", {"type": "integer", "minimum": 1, "maximum": 7}),
        (INT32, "int32 { gt: 1 lt: 7 }", {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 7}),
        (
            INT32,
            "int32 { gt: 7 lt: 1 }",
            {"type": "integer", "anyOf": [{"exclusiveMinimum": 7}, {"exclusiveMaximum": 1}]},
        ),
        (INT32, "int32 { in: 1 in: 2 }", {"type": "integer", "enum": [1, 2]}),
        (INT32, "int32 { not_in: 3 }", {"type": "integer", "not": {"enum": [3]}}),
        (DOUBLE, "double { const: 0.5 }", {"type": "number", "const": 0.5}),
        (BOOL, "bool { const: true }", {"type": "boolean", "const": True}),
        (STRING, "string { min_len: 2 max_len: 9 }", {"type": "string", "minLength": 2, "maxLength": 9}),
        (STRING, "string { len: 3 }", {"type": "string", "minLength": 3, "maxLength": 3}),
        (STRING, 'string { pattern: "^a+$" }', {"type": "string", "pattern": "^a+$"}),
        (STRING, 'string { prefix: "a." }', {"type": "string", "pattern": r"^a\."}),
        (
            STRING,
            'string { prefix: "a" suffix: "b" contains: "c" }',
            {"type": "string", "pattern": "^a", "allOf": [{"pattern": "b$"}, {"pattern": "c"}]},
        ),
        (STRING, "string { email: true }", {"type": "string", "format": "email"}),
        (STRING, "string { uuid: true }", {"type": "string", "format": "uuid"}),
        (STRING, 'string { in: "a" in: "b" }', {"type": "string", "enum": ["a", "b"]}),
        (
            STRING,
            'cel { id: "x" message: "be kind" expression: "true" }',
            {"type": "string", "description": "be kind."},
        ),
        (STRING, "cel_expression: \"this != 'x'\"", {"type": "string", "description": "this != 'x'."}),
    ],
)
def test_rules_become_the_words_of_json_schema(type_: int, text: str, schema: dict) -> None:
    assert field_schema(type_, text) == schema


def test_rules_of_lists_and_of_their_items_stand_where_they_belong() -> None:
    text = "repeated { min_items: 1 max_items: 3 unique: true items { string { max_len: 5 } } }"
    assert field_schema(STRING, text, repeated=True) == {
        "type": "array",
        "items": {"type": "string", "maxLength": 5},
        "minItems": 1,
        "maxItems": 3,
        "uniqueItems": True,
    }


def test_rules_of_maps_stand_on_keys_and_values() -> None:
    request = workflow_service_pb2.StartWorkflowRequest.DESCRIPTOR
    labels = schema_of(request)["properties"]["labels"]
    assert labels["maxProperties"] == 32
    assert labels["propertyNames"] == {"minLength": 1, "maxLength": 63}
    assert labels["additionalProperties"] == {"type": "string", "maxLength": 256}


def test_rules_of_times_are_told_in_words() -> None:
    schema = field_schema(MESSAGE, "timestamp { gt_now: true }", kind=TIMESTAMP)
    assert schema == {"type": "string", "format": "date-time", "description": "Must be in the future."}


def test_rules_of_a_whole_message_are_its_description() -> None:
    made = message_with(("it", STRING, ""), whole='cel { id: "x" message: "say why" expression: "this.it != \'\'" }')
    assert schema_of(made.DESCRIPTOR)["description"] == "say why."


@pytest.mark.parametrize(
    ("type_", "text", "needed"),
    [
        (STRING, "", False),
        (STRING, "required: true", True),
        (STRING, "string { min_len: 1 }", True),
        (STRING, "string { max_len: 1 }", False),
        (STRING, 'string { pattern: "^a+$" }', True),
        (STRING, 'string { pattern: "^a*$" }', False),
        (STRING, "string { min_len: 1 } ignore: IGNORE_IF_ZERO_VALUE", False),
        (INT32, "int32 { gte: 1 lte: 7 }", True),
        (INT32, "int32 { gte: 0 }", False),
        (INT32, "int32 { not_in: 0 }", True),
        (STRING, 'cel { id: "x" message: "not empty" expression: "this != \'\'" }', True),
    ],
)
def test_a_field_is_required_when_a_rule_refuses_its_absence(type_: int, text: str, needed: bool) -> None:  # noqa: FBT001 - A table.
    assert required(type_, text) is needed


def test_required_agrees_with_what_contracts_refuse() -> None:
    made = message_with(("a", STRING, "string { min_len: 1 }"), ("b", INT32, "int32 { gte: 1 }"), ("c", INT32, ""))
    file = FileDescriptorProto()
    made.DESCRIPTOR.file.CopyToProto(file)
    name = made.DESCRIPTOR.full_name
    contract = Contract(input_type=name, file_descriptor_set=FileDescriptorSet(file=[file]).SerializeToString())
    contracts = Contracts([WorkflowType(name="made", contract=contract)])
    full = {"a": "x", "b": 1}
    assert schema_of(made.DESCRIPTOR)["required"] == [*full]
    contracts.encode(name, full)
    for field in full:
        with pytest.raises(ContractViolation, match=field):
            contracts.encode(name, {key: value for key, value in full.items() if key != field})
