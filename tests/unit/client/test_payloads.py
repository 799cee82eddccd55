"""Plain values and messages, in and out of an Any."""

import math

import pytest
from google.protobuf import any_pb2, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from stretto.client import InvalidInput, StrettoError, unpack
from stretto.client._payloads import pack, parse
from tests.protos.generated.orders_pb2 import Everything, Item, OrderRequest

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_plain_values_come_back_as_they_were(value) -> None:
    assert unpack(pack(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_as_the_same_number(number: float) -> None:
    assert unpack(pack([number])) == [number]


def test_the_keys_of_a_struct_come_back_in_one_order() -> None:
    keys = [f"key{number}" for number in range(9)]
    assert list(unpack(pack(dict.fromkeys(reversed(keys), 1)))) == keys


@pytest.mark.parametrize(
    ("value", "kind"),
    [({}, "Struct"), ({"a": 1}, "Struct"), ([], "Value"), (None, "Value"), ("text", "Value"), (3, "Value")],
)
def test_a_mapping_travels_as_a_struct_and_all_else_as_a_value(value, kind: str) -> None:
    assert pack(value).type_url == f"type.googleapis.com/google.protobuf.{kind}"


def test_a_message_travels_as_itself_and_comes_back_as_its_class() -> None:
    item = Item(sku="ABC-1", quantity=2)
    assert unpack(pack(item)) == item
    assert unpack(pack(item), Item) == item
    assert pack(pack(item)) == pack(item)


@pytest.mark.parametrize(
    ("value", "field", "what"),
    [
        ({"a": [1, {"b": {1, 2}}]}, "a[1].b", "is of type set, which JSON does not have"),
        ({"a": b"bytes"}, "a", "is of type bytes, which JSON does not have"),
        ({"a": {1: 2}}, "a", "has the key 1, which is no text"),
        ({"a": 2**53 + 1}, "a", "is a whole number beyond 2**53, which JSON's numbers do not hold; send it as text"),
        ({"a": math.nan}, "a", "is nan, which JSON does not have"),
        ([math.inf], "[0]", "is inf, which JSON does not have"),
        ({"a": "\ud800"}, "a", "holds half of a surrogate pair, which is no text"),
    ],
)
def test_what_would_not_survive_the_way_is_refused_with_its_path(value, field: str, what: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        pack(value)
    assert [(violation.field, violation.description) for violation in refused.value.violations] == [(field, what)]


def test_values_nested_too_deeply_are_refused() -> None:
    value: list = []
    for _ in range(70):
        value = [value]
    with pytest.raises(InvalidInput, match="more than 64 levels"):
        pack(value)


def test_another_type_than_the_one_asked_for_is_an_error() -> None:
    with pytest.raises(StrettoError, match=r"of type tests\.orders\.v1\.Item, not tests\.orders\.v1\.OrderRequest"):
        unpack(pack(Item()), OrderRequest)
    with pytest.raises(StrettoError, match=r"No generated class of some\.where\.Else"):
        unpack(any_pb2.Any(type_url="type.googleapis.com/some.where.Else"))


def test_bytes_that_are_no_such_message_are_an_error() -> None:
    broken = any_pb2.Any(type_url=f"x/{Item.DESCRIPTOR.full_name}", value=b"\xff")
    with pytest.raises(StrettoError, match=r"The payload is no tests\.orders\.v1\.Item"):
        unpack(broken)


def test_a_struct_can_be_had_as_the_message_that_it_is() -> None:
    made = struct_pb2.Struct()
    made["a"] = 1
    assert unpack(pack({"a": 1}), struct_pb2.Struct) == made


@pytest.mark.parametrize(
    ("kind", "fields", "field", "what"),
    [
        (OrderRequest, {"customr": 1}, "customr", "is no field of the contract, which has customer, items, priority"),
        (OrderRequest, {"items": [{}, {"qty": 1}]}, "items[1].qty", "is no field of the contract, which has sku"),
        (OrderRequest, {"items": [{"quantity": -1}]}, "items.quantity", "does not fit: Value out of range"),
        (OrderRequest, {"customer": 5}, "customer", "does not fit: expected string"),
        (OrderRequest, {"priority": "FAST"}, "priority", "does not fit: Invalid enum value FAST"),
        (OrderRequest, {"deliver_by": "tomorrow"}, "deliver_by", "does not fit"),
        (Everything, {"nested": {"huge": 1.5}}, "nested.huge", "does not fit: Couldn't parse integer: 1.5"),
        (OrderRequest, ["a list"], "", "must have fields with names"),
    ],
)
def test_a_wrong_field_of_a_contract_is_named(kind, fields, field: str, what: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(fields, kind)
    (violation,) = refused.value.violations
    assert violation.field == field
    assert violation.description.startswith(what)
    assert kind.DESCRIPTOR.full_name in str(refused.value)


def test_fields_of_a_contract_become_its_message() -> None:
    made = parse(
        {"customer": "Ada", "items": [{"sku": "ABC-1", "quantity": 2}], "priority": "PRIORITY_HIGH"}, OrderRequest
    )
    assert made == OrderRequest(customer="Ada", items=[Item(sku="ABC-1", quantity=2)], priority=2)
