import asyncio

from stretto.models import Reason
from stretto.models._breaker import ATTEMPTS_MIN, OPEN_SECONDS, new_breaker
from stretto.models._chat import ChatModel
from stretto.models._guard import Guard
from tests.unit.models.making import PATIENCE, model_at, reason_of_writing


class HandClock:
    now = 0.0

    def monotonic(self):
        return self.now


def model_by(clock, api):
    """A model whose circuit goes by this clock, with one attempt a call."""
    plain = model_at(api)
    return ChatModel(plain._model, Guard(PATIENCE, 1, new_breaker("test", clock)), says_why_it_ends=True)


async def open_circuit(api, clock):
    api.script({"status": 500, "repeat": 0})
    model = model_by(clock, api)
    for _ in range(ATTEMPTS_MIN):
        assert await reason_of_writing(model) is Reason.SERVER_ERROR
    return model


async def test_a_model_that_keeps_failing_is_left_alone(api):
    model = await open_circuit(api, HandClock())
    for _ in range(3):
        assert await reason_of_writing(model) is Reason.CIRCUIT_OPEN
    assert api.count() == ATTEMPTS_MIN


async def test_a_model_that_is_back_is_asked_again(api):
    clock = HandClock()
    model = await open_circuit(api, clock)
    api.script({"text": "Back."}, {"text": "Again."})
    clock.now += OPEN_SECONDS
    assert await model.write("", "Hello") == "Back."
    assert await model.write("", "Hello") == "Again."


async def test_a_model_that_fails_when_it_is_tried_is_left_alone_again(api):
    clock = HandClock()
    model = await open_circuit(api, clock)
    clock.now += OPEN_SECONDS
    assert await reason_of_writing(model) is Reason.SERVER_ERROR
    assert await reason_of_writing(model) is Reason.CIRCUIT_OPEN
    assert api.count() == ATTEMPTS_MIN + 1


async def test_one_call_tries_while_others_are_still_refused(api):
    clock = HandClock()
    model = await open_circuit(api, clock)
    api.script({"text": "One two three", "token_seconds": 0.05, "repeat": 0})
    clock.now += OPEN_SECONDS
    answers = await asyncio.gather(*(model.write("", "Hello") for _ in range(5)), return_exceptions=True)
    assert answers.count("One two three") == 1
    assert [answer.reason for answer in answers if answer != "One two three"] == [Reason.CIRCUIT_OPEN] * 4
    assert api.count() == ATTEMPTS_MIN + 1


async def test_a_call_that_is_given_up_while_it_tries_lets_the_next_one_try(api):
    clock = HandClock()
    model = await open_circuit(api, clock)
    clock.now += OPEN_SECONDS
    api.script({"hang": True}, {"text": "Back."})
    attempt = asyncio.create_task(model.write("", "Hello"))
    while api.count() == ATTEMPTS_MIN:
        await asyncio.sleep(0.01)
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)
    assert await model.write("", "Hello") == "Back."


async def test_refused_requests_and_bad_answers_speak_of_a_healthy_model(api):
    model = model_by(HandClock(), api)
    api.script({"status": 401, "repeat": ATTEMPTS_MIN}, {"text": "", "repeat": ATTEMPTS_MIN}, {"text": "Fine."})
    for _ in range(ATTEMPTS_MIN):
        assert await reason_of_writing(model) is Reason.REFUSED
    for _ in range(ATTEMPTS_MIN):
        assert await reason_of_writing(model) is Reason.BAD_ANSWER
    assert await model.write("", "Hello") == "Fine."


async def test_timeouts_open_the_circuit(api):
    clock = HandClock()
    slow = model_at(api)
    model = ChatModel(slow._model, Guard(0.1, 1, new_breaker("test", clock)), says_why_it_ends=True)
    api.script({"hang": True, "repeat": 0})
    for _ in range(ATTEMPTS_MIN):
        assert await reason_of_writing(model) is Reason.TIMEOUT
    assert await reason_of_writing(model) is Reason.CIRCUIT_OPEN


async def test_models_of_one_name_and_address_share_their_circuit(api):
    api.script({"status": 500, "repeat": 0})
    first = model_at(api, attempts_max=1)
    second = model_at(api, attempts_max=1)
    assert first._guard.breaker is not second._guard.breaker
    twin = ChatModel(first._model, first._guard, says_why_it_ends=True)
    for _ in range(ATTEMPTS_MIN):
        await reason_of_writing(first)
    assert await reason_of_writing(twin) is Reason.CIRCUIT_OPEN
    assert await reason_of_writing(second) is Reason.SERVER_ERROR
