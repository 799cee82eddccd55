"""What a source may be, and what becomes of what it does."""

import asyncio
from functools import partial

import pytest
from pydantic import BaseModel

from stretto.workflows.fan_out import FailureReason, FanOutMisconfigured, Source, SourcesFailed
from tests.unit.workflows.fan_out.asking import answers, asked, fails


class Load(BaseModel):
    percent: float


class Service:
    async def __call__(self, query):
        return f"object {query}"

    async def ask(self, query):
        return f"method {query}"

    def ask_slowly(self, query):
        return f"thread {query}"


async def with_option(option, query):
    return f"{option} {query}"


def a_coroutine_of(query):
    return answers(query)


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (answers, "q!"),
        (Service(), "object q"),
        (Service().ask, "method q"),
        (Service().ask_slowly, "thread q"),
        (partial(with_option, "partial"), "partial q"),
        (partial(partial(Service().ask_slowly)), "thread q"),
        (a_coroutine_of, "q!"),
        (str.upper, "Q"),
    ],
)
async def test_whatever_can_be_called_can_be_asked(ask, answer):
    assert (await asked(Source("a", ask)))["results"] == {"a": answer}


async def test_an_answer_may_be_none():
    out = await asked(Source("a", lambda query: None))
    assert out["results"] == {"a": None}
    assert out["figures"].available == ("a",)


@pytest.mark.parametrize("name", ["", 5, "1st", "a b", "a/b", "x" * 65, "joining", "query", "results", "figures"])
async def test_a_name_that_cannot_be_is_refused_at_once(name):
    with pytest.raises(FanOutMisconfigured, match="called"):
        await asked(Source(name, answers))


@pytest.mark.parametrize("option", ["seconds_max", "concurrency_max", "threads_max"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_limit_is_above_nothing_and_below_everything(option, value):
    with pytest.raises(FanOutMisconfigured, match=f"'a': {option} is"):
        Source("a", answers, **{option: value})


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("seconds_max", "5", "'a': seconds_max is '5'; it must be a number of seconds"),
        ("seconds_max", None, "seconds_max is None"),
        ("seconds_max", True, "seconds_max is True"),
        ("concurrency_max", "8", "concurrency_max is '8'; it must be a whole number"),
        ("threads_max", 1.5, "threads_max is 1.5; it must be a whole number"),
        ("retry", 3, r"'a': retry is 3; it must be a RetryPolicy .* such as RetryPolicy\(max_attempts=3\)"),
        ("returns", 42, "'a': returns is 42; it must be a type"),
        pytest.param("returns", object(), "it must be a type", id="returns-an object"),
        ("returns", "Load", "returns is 'Load'; it must be a type"),
    ],
    ids=str,
)
def test_an_option_of_the_wrong_type_is_refused_at_once(option, value, told):
    with pytest.raises(FanOutMisconfigured, match=told):
        Source("a", answers, **{option: value})


def test_kinds_are_no_text_whose_letters_would_be_kinds():
    with pytest.raises(FanOutMisconfigured, match=r"write \['job'\]"):
        Source("a", answers, kinds="job")


async def test_one_that_is_switched_off_is_not_asked():
    out = await asked(Source("a", answers), Source("b", fails, enabled=False))
    assert (out["results"], out["errors"], out["figures"].skipped) == ({"a": "q!"}, {}, ("b",))


@pytest.mark.parametrize(("kind", "available"), [("job", ("a", "b")), ("load", ("a", "c")), ("", ("a",))])
async def test_the_kind_of_query_chooses(kind, available):
    sources = Source("a", answers), Source("b", answers, kinds={"job"}), Source("c", answers, kinds=["load", "x"])
    assert (await asked(*sources, kind=kind))["figures"].available == available


async def test_a_query_leaves_sources_out():
    sources = Source("a", answers), Source("b", answers), Source("c", answers, required=True)
    out = await asked(*sources, without=["b", "c"])
    assert out["results"] == {"a": "q!"}
    assert out["figures"].skipped == ("b", "c")


async def test_to_leave_out_what_is_not_there_is_a_mistake():
    with pytest.raises(FanOutMisconfigured, match="no source x to leave out; there are a"):
        await asked(Source("a", answers), without=["x"])


async def test_what_is_left_out_is_no_text_whose_letters_would_be_sources():
    with pytest.raises(FanOutMisconfigured, match=r"without is 'ab'; write \['ab'\]"):
        await asked(Source("a", answers), Source("b", answers), Source("c", answers), without="ab")


async def test_an_answer_is_brought_into_its_type():
    out = await asked(Source("a", lambda query: {"percent": "12.5"}, returns=Load))
    assert out["results"] == {"a": Load(percent=12.5)}


@pytest.mark.parametrize(
    ("answer", "returns", "told"),
    [
        ({"percent": "much"}, Load, "its answer has the wrong type: percent: Input should be a valid number"),
        ([1, "x"], list[int], "its answer has the wrong type: 1: Input should be a valid integer"),
        (None, str, "its answer has the wrong type: Input should be a valid string"),
    ],
)
async def test_an_answer_of_a_wrong_type_is_a_failure(answer, returns, told):
    out = await asked(Source("a", answers), Source("b", lambda query: answer, returns=returns))
    failure = out["errors"]["b"]
    assert failure.reason is FailureReason.WRONG_TYPE
    assert failure.message.startswith(told)
    assert out["results"] == {"a": "q!"}


class OutOfOrder(Exception):
    """An error that says all there is to say."""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OutOfOrder("the service is\n  out of order"), "the service is out of order"),
        (OutOfOrder(), "OutOfOrder"),
        (KeyError("jobs"), "KeyError: 'jobs'"),
        (SystemExit(3), "SystemExit: 3"),
        (asyncio.CancelledError(), "CancelledError"),
        (StopIteration(), "StopIteration"),
        (TimeoutError(), "TimeoutError"),
        (OutOfOrder("x" * 1_000), "x" * 500),
    ],
    ids=repr,
)
@pytest.mark.parametrize("in_a_thread", [False, True])
async def test_whatever_it_raises_is_its_own_failure(error, told, in_a_thread):
    async def raises(query):
        raise error

    def raises_in_a_thread(query):
        raise error

    out = await asked(Source("a", answers), Source("b", raises_in_a_thread if in_a_thread else raises))
    assert out["results"] == {"a": "q!"}
    assert out["errors"]["b"].reason is FailureReason.ERROR
    assert told in out["errors"]["b"].message
    assert out["figures"].failed == ("b",)


async def test_without_one_that_is_required_all_fails():
    with pytest.raises(SourcesFailed, match=r"no answer without b\. b: ConnectionError: line is dead"):
        await asked(Source("a", answers), Source("b", fails, required=True))
