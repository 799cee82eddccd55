import pytest

from stretto.models import Reason, _chat
from tests.unit.models.making import fault_of_writing, messages_of, model_at, reason_of_writing


async def test_text_comes_as_the_model_wrote_it(api):
    api.script({"text": "Twelve sessions,\nfour weeks."})
    assert await model_at(api).write("Be short.", "How long?") == "Twelve sessions,\nfour weeks."


async def test_the_model_reads_system_history_and_prompt_in_this_order(api):
    await model_at(api).write("Be short.", "And now?", history=[("user", "Hi {name}"), ("assistant", "Hello")])
    assert messages_of(api, 0) == [
        ("system", "Be short."),
        ("user", "Hi {name}"),
        ("assistant", "Hello"),
        ("user", "And now?"),
    ]


async def test_a_server_that_wants_no_key_gets_a_placeholder(api, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    await model_at(api).write("", "Hello")
    assert api.requests()[0]["authorization"] == "Bearer none"


async def test_the_providers_own_key_is_used_where_there_is_one(api, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    await model_at(api).write("", "Hello")
    assert api.requests()[0]["authorization"] == "Bearer sk-mine"


@pytest.mark.parametrize("behaviour", [{"status": 500}, {"status": 503}, {"status": 429}, {"status": 408}])
async def test_what_passes_is_tried_again(api, at_once, behaviour):
    api.script(behaviour, {"text": "Now."})
    assert await model_at(api).write("", "Hello") == "Now."
    assert api.count() == 2


async def test_a_rate_limit_is_left_alone_as_long_as_it_says(api, retries_waited):
    api.script({"status": 429, "retry_after": "0.05"}, {"text": "Now."})
    assert await model_at(api).write("", "Hello") == "Now."
    assert retries_waited == [0.05]


async def test_other_retries_wait_a_little_and_not_all_alike(api, retries_waited):
    for _ in range(2):
        api.script({"status": 500}, {"text": "Now."})
        await model_at(api).write("", "Hello")
    assert len(set(retries_waited)) == 2
    assert all(0 < seconds < 1 for seconds in retries_waited)


@pytest.mark.parametrize("retry_after", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT"])
async def test_a_rate_limit_beyond_the_time_for_the_call_ends_it(api, retry_after):
    api.script({"status": 429, "retry_after": retry_after}, {"text": "Too late."})
    fault = await fault_of_writing(model_at(api))
    assert fault.reason is Reason.RATE_LIMITED
    assert fault.retry_after_seconds > 3000
    assert api.count() == 1


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_that_stays_comes_out_after_all_attempts(api, at_once, status):
    api.script({"status": status, "repeat": 0})
    assert await reason_of_writing(model_at(api, attempts_max=3)) is Reason.SERVER_ERROR
    assert api.count() == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refused_request_is_not_repeated(api, at_once, status):
    api.script({"status": status, "repeat": 0})
    assert await reason_of_writing(model_at(api)) is Reason.REFUSED
    assert api.count() == 1


async def test_an_answer_that_never_comes_is_a_timeout(api):
    api.script({"hang": True, "repeat": 0})
    assert await reason_of_writing(model_at(api, seconds_max=0.4)) is Reason.TIMEOUT
    assert api.count() <= 1


async def test_an_answer_that_drips_is_a_timeout(api):
    api.script({"text": "word " * 100, "token_seconds": 0.05})
    assert await reason_of_writing(model_at(api, seconds_max=0.5)) is Reason.TIMEOUT


@pytest.mark.parametrize("cut", ["cut_after", "end_after", "fail_after"])
async def test_an_answer_that_breaks_off_is_not_repeated(api, at_once, cut):
    api.script({"text": "One two three four", cut: 2})
    assert await reason_of_writing(model_at(api)) is Reason.CUT_OFF
    assert api.count() == 1


@pytest.mark.parametrize("cut", ["cut_after", "fail_after"])
async def test_an_answer_that_breaks_off_before_its_first_word_is_repeated(api, at_once, cut):
    api.script({"text": "Never seen", cut: 0}, {"text": "Now."})
    assert await model_at(api).write("", "Hello") == "Now."


@pytest.mark.parametrize("text", ["", " \n"])
async def test_an_empty_answer_is_a_bad_one(api, at_once, text):
    api.script({"text": text, "repeat": 0})
    assert await reason_of_writing(model_at(api)) is Reason.BAD_ANSWER
    assert api.count() == 1


@pytest.mark.parametrize("body", ["<html>Welcome</html>", "data: {not json}\n\n", 'data: {"choices": 7}\n\n'])
async def test_a_server_of_another_kind_gives_no_answer(api, at_once, body):
    api.script({"body": body, "repeat": 0})
    assert await reason_of_writing(model_at(api)) in (Reason.BAD_ANSWER, Reason.CUT_OFF)


async def test_an_endless_answer_is_given_up(api, monkeypatch):
    monkeypatch.setattr(_chat, "_ANSWER_CHARS_MAX", 20)
    api.script({"text": "word " * 100})
    assert await reason_of_writing(model_at(api)) is Reason.BAD_ANSWER


async def test_an_address_where_nobody_listens_is_unreachable(api, at_once, unused_tcp_port):
    class Nobody:
        url = f"http://127.0.0.1:{unused_tcp_port}/v1"

    assert await reason_of_writing(model_at(Nobody())) is Reason.UNREACHABLE


@pytest.mark.parametrize(
    ("pieces", "text"),
    [(["One \ud83e", "\uded6."], "One \N{TEAPOT}."), (["Half \ud83e."], "Half \N{REPLACEMENT CHARACTER}.")],
)
def test_a_character_that_came_in_halves_is_whole_and_half_of_one_is_marked(pieces, text):
    assert _chat._whole("".join(pieces), ended=True) == text
