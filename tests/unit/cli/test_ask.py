"""Asking a person for a message, field by field."""

import pytest
from google.protobuf.json_format import ParseDict

from stretto.cli._ask import Asker
from tests.protos.generated.orders_pb2 import Everything, OrderRequest, ReviewDecision


class Person:
    """Answers by the beginning of the prompt, and notes what was said."""

    def __init__(self, **answers) -> None:
        self.answers = {name: [given] if isinstance(given, str) else list(given) for name, given in answers.items()}
        self.prompts: list[str] = []
        self.told: list[str] = []

    def read(self, prompt: str) -> str:
        self.prompts.append(prompt)
        left = self.answers.get(prompt.split(":", maxsplit=1)[0].split(" ", maxsplit=1)[0], [])
        return left.pop(0) if left else ""


def asked(message, **answers) -> tuple[dict, Person]:
    person = Person(**answers)
    fields = Asker(person.read, person.told.append).message(message.DESCRIPTOR)
    ParseDict(fields, message())
    return fields, person


@pytest.mark.parametrize("answer", ["1", "approve", "APPROVE", "VERDICT_APPROVE", " approve "])
def test_a_choice_is_made_by_name_or_number(answer) -> None:
    assert asked(ReviewDecision, verdict=answer)[0] == {"verdict": "VERDICT_APPROVE"}


def test_a_wrong_choice_is_asked_for_again() -> None:
    fields, person = asked(ReviewDecision, verdict=["3", "UNSPECIFIED", "2"])
    assert fields == {"verdict": "VERDICT_REJECT"}
    assert person.told == ["must be one of APPROVE, REJECT"] * 2


def test_empty_answers_leave_fields_unset() -> None:
    assert asked(Everything)[0] == {}


def test_scalars_are_read_as_what_they_are() -> None:
    fields, person = asked(
        Everything,
        small=["x", "1.5", "-3"],
        huge=["-1", "18446744073709551615"],
        number=["a", "1.5"],
        flag=["maybe", "y"],
        text="  hello there ",
        data="YQ==",
        maybe="0",
    )
    assert fields == {
        "small": -3,
        "huge": 18446744073709551615,
        "number": 1.5,
        "flag": True,
        "text": "hello there",
        "data": "YQ==",
        "maybe": 0,
    }
    assert person.told == [
        "'x' is no whole number",
        "'1.5' is no whole number",
        "must not be negative",
        "'a' is no number",
        "must be yes or no",
    ]


def test_lists_end_with_an_empty_answer() -> None:
    fields, person = asked(Everything, **{"numbers[0]": "1", "numbers[1]": "2", "priorities[0]": "high"})
    assert fields == {"numbers": [1, 2], "priorities": ["PRIORITY_HIGH"]}
    assert "numbers[2] (int64; empty ends the list)" in person.prompts


def test_nested_messages_are_asked_for_first() -> None:
    fields, person = asked(
        OrderRequest,
        **{"customer": "Ann", "items[0]": "y", "items[0].sku": "A", "items[0].quantity": "2", "items[1]": "n"},
    )
    assert fields == {"customer": "Ann", "items": [{"sku": "A", "quantity": 2}]}
    assert "items[0].quantity (uint32, >= 1, <= 100)" in person.prompts


def test_of_a_oneof_one_is_chosen() -> None:
    assert asked(Everything, choice="left", left="here")[0] == {"left": "here"}
    assert asked(Everything, choice="2", right="y", **{"right.sku": "A"})[0] == {"right": {"sku": "A"}}


def test_well_known_types_are_asked_for_in_their_own_way() -> None:
    fields, person = asked(
        Everything,
        at="2030-01-01T12:00:00Z",
        span="30s",
        struct=["{", '{"a": 1}'],
        value="[1]",
        wrapped="5",
        names=["[1]", '{"true": "x"}'],
    )
    assert fields == {
        "at": "2030-01-01T12:00:00Z",
        "span": "30s",
        "struct": {"a": 1},
        "value": [1],
        "wrapped": 5,
        "names": {"true": "x"},
    }
    assert person.told[0] == "must be a JSON object"


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        (["yes"], "yes"),
        (["true"], True),
        (["3"], 3),
        (["", "x"], "x"),
        (['{"a"', '{"a": 1}'], {"a": 1}),
        (["null"], None),
    ],
)
def test_anything_is_json_or_else_a_text(answers, value) -> None:
    left = list(answers)
    assert Asker(lambda _: left.pop(0), lambda _: None).anything() == value
    assert not left
