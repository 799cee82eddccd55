"""The simulator keeps to OpenAI's forms in what the chat model does not use of it, too."""

import json
import urllib.error
import urllib.request

import pytest

from tests.simulators.openai_api.completions import count_of

QUESTION = {"model": "simulated", "messages": [{"role": "user", "content": "Hello there"}]}


def get(url, value=None):
    request = urllib.request.Request(url, None if value is None else json.dumps(value).encode())
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read().decode()


def test_an_answer_in_one_piece_says_what_it_cost(api):
    answer = json.loads(get(f"{api.url}/chat/completions", QUESTION))
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "You said: Hello there"}
    assert answer["usage"] == {"prompt_tokens": 2, "completion_tokens": 5, "total_tokens": 7}


def test_a_stream_ends_with_its_reason_its_usage_and_done(api):
    body = {**QUESTION, "stream": True, "stream_options": {"include_usage": True}}
    *chunks, last, end = get(f"{api.url}/chat/completions", body).split("\n\n")
    assert (last, end) == ("data: [DONE]", "")
    told = [json.loads(chunk.removeprefix("data: ")) for chunk in chunks]
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in told[:-2]) == "You said: Hello there"
    assert told[-2]["choices"][0]["finish_reason"] == "stop"
    assert told[-1]["usage"]["completion_tokens"] == 5


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("Hello there", 2), ("C30/37, XC4", 7), ("1,280 m3", 5), ("reinforcement", 2), ('{"a": "b"}', 6), ("", 0)],
)
def test_it_counts_words_numbers_and_signs(text, tokens):
    assert count_of(text) == tokens


def test_it_names_its_models(api):
    assert [model["id"] for model in json.loads(get(f"{api.url}/models"))["data"]] == ["simulated"]


@pytest.mark.parametrize(("path", "value", "status"), [("/nothing", None, 404), ("/chat/completions", {}, 400)])
def test_what_it_refuses_has_an_error_body(api, path, value, status):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(api.url + path, value)
    with caught.value as error:
        assert error.code == status
        assert set(json.load(error)["error"]) == {"message", "type", "param", "code"}


def test_a_behaviour_that_it_does_not_know_is_refused(api):
    with pytest.raises(urllib.error.HTTPError) as caught:
        api.script({"explode": True})
    caught.value.close()
    assert json.loads(get(f"{api.url}/models"))


def test_a_behaviour_holds_for_as_many_requests_as_it_says(api):
    api.script({"text": "A", "repeat": 2}, {"text": "B"})
    answers = [json.loads(get(f"{api.url}/chat/completions", QUESTION)) for _ in range(4)]
    texts = [answer["choices"][0]["message"]["content"] for answer in answers]
    assert texts == ["A", "A", "B", "You said: Hello there"]
