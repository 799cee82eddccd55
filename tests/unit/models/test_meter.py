import asyncio

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from stretto.models import ChatModel, Meter, ModelUnavailable, Reason, Tokens, estimated
from stretto.models._breaker import new_breaker
from stretto.models._guard import Guard
from stretto.models._meter import Attempt
from tests.simulators.openai_api.completions import count_of
from tests.unit.models.making import PATIENCE, messages_of, model_at

SYSTEM, PROMPT, ANSWER = "Be short.", "How are you today?", "Quite well, thank you."
COUNTED = Tokens(prompt=8, answer=6, attempts=1, attempts_counted=1)
"""As the simulator counts, to which each word and each sign is a token."""


class Pick(BaseModel):
    colour: str


async def spent(model, prompt=PROMPT):
    meter = Meter()
    assert await model.write(SYSTEM, prompt, meter=meter) == ANSWER
    return meter.tokens


async def spent_in_vain(call, *more, **fields):
    meter = Meter()
    with pytest.raises(ModelUnavailable) as caught:
        await call(SYSTEM, PROMPT, *more, meter=meter, **fields)
    return caught.value.reason, meter.tokens


async def test_tokens_are_as_the_provider_counted_them(api):
    api.script({"text": ANSWER})
    tokens = await spent(model_at(api))
    assert tokens == COUNTED
    assert tokens.counted


async def test_tokens_are_estimated_where_the_provider_does_not_count_them(api):
    api.script({"text": ANSWER, "counts": False})
    tokens = await spent(model_at(api))
    assert tokens == Tokens(prompt=7, answer=6, attempts=1)  # 27 and 22 characters
    assert not tokens.counted


async def test_a_server_that_refuses_to_count_is_asked_without_and_never_again(api):
    api.script({"text": ANSWER, "refuses_field": "stream_options", "repeat": 0})
    model = model_at(api)
    assert await spent(model) == Tokens(prompt=7, answer=6, attempts=1)
    assert await spent(model) == Tokens(prompt=7, answer=6, attempts=1)
    assert ["stream_options" in request["body"] for request in api.requests()] == [True, False, False]


async def test_a_request_that_is_refused_in_any_case_is_asked_to_be_counted_again(api):
    api.script({"status": 400, "repeat": 2}, {"text": ANSWER})
    model = model_at(api)
    reason, tokens = await spent_in_vain(model.write)
    assert (reason, tokens.attempts) == (Reason.REFUSED, 1)
    assert (await spent(model)).counted


async def test_a_wrong_key_is_not_tried_twice(api):
    api.script({"status": 401, "repeat": 0})
    reason, _ = await spent_in_vain(model_at(api).write)
    assert reason is Reason.REFUSED
    assert api.count() == 1


async def test_nobody_is_asked_to_count_for_nobody(api):
    await model_at(api).write(SYSTEM, PROMPT)
    assert "stream_options" not in api.requests()[0]["body"]


async def test_an_attempt_that_failed_had_a_prompt_too(api, at_once):
    api.script({"status": 500}, {"text": ANSWER})
    tokens = await spent(model_at(api))
    assert tokens == Tokens(prompt=7, attempts=1) + COUNTED
    assert not tokens.counted


async def test_a_call_that_fails_costs_what_was_sent_and_heard(api, at_once):
    api.script({"text": ANSWER, "cut_after": 2})
    reason, tokens = await spent_in_vain(model_at(api).write)
    assert (reason, tokens.prompt, tokens.attempts) == (Reason.CUT_OFF, 7, 1)


async def test_a_call_that_is_given_up_costs_its_prompt(api):
    api.script({"hang": True, "repeat": 0})
    reason, tokens = await spent_in_vain(model_at(api).write, seconds_max=0.2)
    assert (reason, tokens) == (Reason.TIMEOUT, Tokens(prompt=7, attempts=1))


async def test_a_call_that_is_cancelled_costs_its_prompt(api):
    api.script({"text": "One two", "token_seconds": PATIENCE})
    meter, heard = Meter(), asyncio.Event()
    call = asyncio.create_task(model_at(api).write(SYSTEM, PROMPT, meter=meter, seen=lambda _: heard.set()))
    await heard.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert meter.tokens == Tokens(prompt=7, answer=1, attempts=1)


async def test_a_repair_is_paid_for_with_all_that_it_quotes(api):
    api.script({"text": "Blue."}, {"answer": {"colour": "blue"}})
    meter = Meter()
    await model_at(api).structured(SYSTEM, PROMPT, Pick, meter=meter)
    sent = [sum(count_of(text) for _, text in messages_of(api, number)) for number in (0, 1)]
    answers = count_of("Blue.") + count_of('{"colour": "blue"}')
    assert meter.tokens == Tokens(prompt=sum(sent), answer=answers, attempts=2, attempts_counted=2)
    assert sent[1] > sent[0]


async def test_an_answer_that_is_wrong_twice_is_paid_for_twice(api):
    api.script({"text": "Blue.", "repeat": 0})
    reason, tokens = await spent_in_vain(model_at(api).structured, Pick)
    assert (reason, tokens.attempts, tokens.answer) == (Reason.BAD_ANSWER, 2, 2 * 2)


async def test_a_meter_adds_up_calls(api):
    api.script({"text": ANSWER, "repeat": 0})
    model, meter = model_at(api), Meter()
    for _ in range(3):
        await model.write(SYSTEM, PROMPT, meter=meter)
    assert meter.tokens == COUNTED + COUNTED + COUNTED


async def test_a_model_of_another_library_is_metered_without_being_asked_to_count():
    fake = GenericFakeChatModel(messages=iter([AIMessage(ANSWER)]))
    model = ChatModel(fake, Guard(PATIENCE, 1, new_breaker("test")), says_why_it_ends=False)
    assert await spent(model) == Tokens(prompt=7, answer=6, attempts=1)


@pytest.mark.parametrize(("read", "wrote"), [(-5, 3), (5, -3), (0, 3), (2**40, 3), (5, 2**40)])
def test_counts_that_cannot_be_are_no_counts(read, wrote):
    attempt = Attempt([("user", PROMPT)])
    attempt.hear(ANSWER, {"input_tokens": read, "output_tokens": wrote})
    assert attempt.tokens == Tokens(prompt=5, answer=6, attempts=1)


def test_counts_that_come_in_parts_add_up():
    attempt = Attempt([("user", PROMPT)])
    attempt.hear("", {"input_tokens": 12, "output_tokens": 0})
    attempt.hear(ANSWER, {"input_tokens": 0, "output_tokens": 5})
    assert attempt.tokens == Tokens(prompt=12, answer=5, attempts=1, attempts_counted=1)


async def test_an_estimate_is_of_the_very_texts_that_a_call_would_send(api):
    answer = '{"colour": "blue"}'
    api.script({"text": answer, "counts": False})
    meter = Meter()
    await model_at(api).structured(SYSTEM, PROMPT, Pick, meter=meter)
    assert estimated(SYSTEM, PROMPT, answer, shape=Pick) == meter.tokens


async def test_an_estimate_of_a_text_knows_no_shape(api):
    api.script({"text": ANSWER, "counts": False})
    assert estimated(SYSTEM, PROMPT, ANSWER) == await spent(model_at(api))


def test_nothing_that_was_not_asked_is_counted():
    assert not Meter().tokens.counted


async def test_text_is_seen_while_it_is_written(api):
    api.script({"text": ANSWER})
    seen = []
    await model_at(api).write(SYSTEM, PROMPT, seen=seen.append)
    assert seen == ["Quite", "Quite well,", "Quite well, thank", ANSWER]


async def test_a_structured_answer_is_seen_by_who_asks_and_begins_anew_with_a_repair(api):
    api.script({"text": "Blue it is."}, {"text": '{"colour": "blue"}'})
    seen = []
    await model_at(api).structured(SYSTEM, PROMPT, Pick, seen=seen.append)
    assert seen == ["Blue", "Blue it", "Blue it is.", '{"colour":', '{"colour": "blue"}']


async def test_an_error_of_who_watches_is_no_fault_of_the_model(api):
    class Broken(Exception):
        """Raised by the caller's own code."""

    def seen(text):
        raise Broken(text)

    with pytest.raises(Broken, match="You"):
        await model_at(api).write(SYSTEM, PROMPT, seen=seen)
