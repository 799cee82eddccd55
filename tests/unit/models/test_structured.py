from typing import Literal

import pytest
from pydantic import BaseModel

from stretto.models import ModelUnavailable, Reason
from tests.unit.models.making import messages_of, model_at


class Pick(BaseModel):
    colour: Literal["red", "blue"]
    count: int = 1


RIGHT = '{"colour": "blue", "count": 2}'


@pytest.mark.parametrize(
    "text",
    [
        RIGHT,
        f"```json\n{RIGHT}\n```",
        f"```\n{RIGHT}```\nIs there anything else?",
        f"Here you are: {RIGHT}",
        f'<think>Maybe {{"colour": "red"}}?</think>{RIGHT}',
        f"With {{braces}} before. {RIGHT}",
    ],
)
async def test_an_object_is_found_whatever_stands_around_it(api, text):
    api.script({"text": text})
    assert await model_at(api).structured("Pick.", "One", Pick) == Pick(colour="blue", count=2)
    assert api.count() == 1


async def test_the_model_is_told_the_schema(api):
    api.script({"text": RIGHT})
    await model_at(api).structured("Pick.", "One", Pick, history=[("user", "Hi"), ("assistant", "Hello")])
    (_, system), *rest = messages_of(api, 0)
    assert system.startswith("Pick.")
    assert '"enum":["red","blue"]' in system
    assert rest == [("user", "Hi"), ("assistant", "Hello"), ("user", "One")]


async def test_the_model_is_told_the_form_in_the_callers_words_instead(api):
    api.script({"text": RIGHT})
    await model_at(api).structured("Pick.", "One", Pick, form='{"colour": "red" | "blue"}')
    system = messages_of(api, 0)[0][1]
    assert system.startswith("Pick.")
    assert system.endswith('{"colour": "red" | "blue"}')
    assert "schema" not in system


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('{"colour": "green"}', "colour: Input should be 'red' or 'blue'"),
        ("I would take blue.", "there is no JSON object in it"),
        ('{"colour": "blue", "count": NaN}', "there is no JSON object in it"),
        ('{"colour": "blue"', "there is no JSON object in it"),
        ('{"colour": "blue", "note": "\\ud800"}', "surrogates"),
        ("{" * 5_000, "there is no JSON object in it"),
        ('{"a":' * 20_000, "there is no JSON object in it"),
    ],
)
async def test_a_wrong_answer_is_shown_to_the_model_with_what_is_wrong(api, wrong, told):
    api.script({"text": wrong}, {"text": RIGHT})
    assert await model_at(api).structured("Pick.", "One", Pick) == Pick(colour="blue", count=2)
    shown, complaint = messages_of(api, 1)[-2:]
    assert shown == ("assistant", wrong)
    assert told in complaint[1]


async def test_what_the_caller_finds_wrong_is_wrong_too(api):
    api.script({"answer": {"colour": "red"}}, {"answer": {"colour": "blue"}})
    picked = await model_at(api).structured("Pick.", "One", Pick, check=_no_red)
    assert picked.colour == "blue"
    assert "Red is sold out." in messages_of(api, 1)[-1][1]


@pytest.mark.parametrize("wrong", [{"colour": "green"}, {"colour": "red"}])
async def test_an_answer_that_is_wrong_twice_is_a_bad_one(api, wrong):
    api.script({"answer": wrong, "repeat": 0})
    with pytest.raises(ModelUnavailable) as caught:
        await model_at(api).structured("Pick.", "One", Pick, check=_no_red)
    assert caught.value.reason is Reason.BAD_ANSWER
    assert api.count() == 2


async def test_an_answer_that_breaks_off_is_repeated_as_nobody_saw_it(api, at_once):
    api.script({"text": RIGHT, "cut_after": 2}, {"text": RIGHT})
    assert await model_at(api).structured("Pick.", "One", Pick) == Pick(colour="blue", count=2)


async def test_the_repair_has_what_is_left_of_the_time(api):
    api.script({"text": "Blue."}, {"hang": True})
    with pytest.raises(ModelUnavailable) as caught:
        await model_at(api, seconds_max=1.5).structured("Pick.", "One", Pick)
    assert caught.value.reason is Reason.TIMEOUT


def _no_red(pick: Pick) -> list[str]:
    return ["Red is sold out."] if pick.colour == "red" else []
