"""No source takes longer than it may, and no failure is late."""

import asyncio
import time

import pytest
from langgraph.types import RetryPolicy

from stretto.workflows.fan_out import FailureReason, Source
from tests.unit.workflows.fan_out.asking import answers, asked, hangs, heard, kinds_of

LONG = 60.0


async def test_one_that_hangs_fails_by_itself_after_its_time():
    out = await asked(Source("a", answers), Source("b", hangs, seconds_max=0.02))
    failure = out["errors"]["b"]
    assert (failure.reason, failure.message) == (FailureReason.TIMEOUT, "no answer within 0.02 s")
    assert out["results"] == {"a": "q!"}
    assert out["figures"].branches[1].seconds >= 0.02


async def test_the_time_of_all_together_ends_them_all():
    out = await asked(Source("a", answers), Source("b", hangs, seconds_max=LONG), seconds_max=0.1)
    failure = out["errors"]["b"]
    assert failure.reason is FailureReason.TOTAL_TIMEOUT
    assert failure.message == "the time of all sources together was over"
    assert out["results"] == {"a": "q!"}


async def test_waiting_for_a_turn_is_part_of_the_time_of_all():
    async def ask(query, item):
        await hangs(query)

    source = Source("b", ask, items=lambda query: ["x", "y"], concurrency_max=1, seconds_max=LONG)
    out = await asked(Source("a", answers), source, seconds_max=0.1)
    assert {failure.reason for failure in out["errors"].values()} == {FailureReason.TOTAL_TIMEOUT}
    assert [failure.message for failure in out["errors"].values()] == [
        "the time of all sources together was over",
        "there was no time left for it",
    ]
    assert out["figures"].branches[2].seconds == 0.0


async def test_waiting_for_a_turn_is_no_part_of_the_own_time():
    first = asyncio.Event()

    async def ask(query, item):
        if item == "x":
            with pytest.raises(asyncio.CancelledError):
                await hangs(query)
            first.set()
            raise asyncio.CancelledError
        assert first.is_set()
        return item

    out = await asked(Source("b", ask, items=lambda query: ["x", "y"], concurrency_max=1, seconds_max=0.5))
    assert out["errors"]["b/x"].reason is FailureReason.TIMEOUT
    assert out["results"] == {"b/y": "y"}


async def stubborn(query):
    try:
        await hangs(query)
    except asyncio.CancelledError:
        return "all the same"


async def blocking(query):
    time.sleep(0.1)  # noqa: ASYNC251 - this is what the test is about.


@pytest.mark.parametrize("ask", [stubborn, blocking])
async def test_an_answer_that_comes_too_late_is_none(ask):
    out = await asked(Source("a", ask, seconds_max=0.05), succeed_min=0)
    assert (out["results"], out["errors"]["a"].reason) == ({}, FailureReason.TIMEOUT)


async def test_watchers_hear_when_it_is_given_up():
    short, long, more = Source("a", answers, seconds_max=2), Source("b", answers, seconds_max=9), Source("c", answers)
    chunks = await heard(short, long, more, seconds_max=3)
    started = [chunk["detail"]["branch"] for chunk in chunks if "started" in chunk["detail"]["branch"]]
    allowed = {each["source"]: float(each["started"]["timeout"].removesuffix("s")) for each in started}
    assert 1 < allowed["a"] <= 2 < allowed["b"] <= 3
    assert 2 < allowed["c"] <= 3


DEAD = ConnectionError("line is dead")
QUICK = {"initial_interval": 0.001, "jitter": False}


class Flaky:
    """Fails a few times before it answers."""

    def __init__(self, failures, error=DEAD):
        self.left = failures
        self.error = error

    async def __call__(self, query):
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return "at last"


@pytest.mark.parametrize(
    "retry_on", [ConnectionError, (KeyError, ConnectionError), lambda error: isinstance(error, ConnectionError)]
)
async def test_one_that_fails_is_asked_again_by_its_policy(retry_on):
    policy = RetryPolicy(**QUICK, max_attempts=3, retry_on=retry_on)
    out = await asked(Source("a", Flaky(2), retry=policy), Source("b", Flaky(3), retry=policy), Source("c", answers))
    assert out["results"]["a"] == "at last"
    assert out["errors"]["b"].message == "ConnectionError: line is dead"
    assert [branch.attempts for branch in out["figures"].branches] == [3, 3, 1]


@pytest.mark.parametrize("retry_on", [KeyError, (KeyError,), lambda error: False])
async def test_an_error_that_the_policy_is_not_for_is_the_last_one(retry_on):
    policy = RetryPolicy(**QUICK, retry_on=retry_on)
    out = await asked(Source("a", Flaky(1), retry=policy), succeed_min=0)
    assert out["figures"].branches[0].attempts == 1


async def test_what_is_no_exception_is_not_tried_again():
    policy = RetryPolicy(**QUICK, retry_on=lambda error: True)
    out = await asked(Source("a", Flaky(1, asyncio.CancelledError()), retry=policy), succeed_min=0)
    assert out["figures"].branches[0].attempts == 1


async def test_a_wrong_type_is_not_tried_again():
    policy = RetryPolicy(**QUICK, retry_on=lambda error: True)
    out = await asked(Source("a", answers, returns=int, retry=policy), succeed_min=0)
    assert (out["errors"]["a"].reason, out["figures"].branches[0].attempts) == (FailureReason.WRONG_TYPE, 1)


@pytest.mark.parametrize(
    "pause",
    [
        {"initial_interval": 30, "jitter": False},
        {"initial_interval": 30, "jitter": True},
        {"initial_interval": 4.5, "jitter": True},  # Up to a second more: it may come too late.
    ],
    ids=str,
)
async def test_no_pause_is_begun_that_would_not_end_in_time(pause):
    policy = RetryPolicy(**pause, retry_on=ConnectionError)
    out = await asked(Source("a", Flaky(1), retry=policy, seconds_max=5), succeed_min=0)
    assert (out["errors"]["a"].reason, out["figures"].branches[0].attempts) == (FailureReason.ERROR, 1)


async def test_the_time_of_all_counts_for_a_pause_too():
    policy = RetryPolicy(initial_interval=30, jitter=False, retry_on=ConnectionError)
    out = await asked(Source("a", Flaky(1), retry=policy, seconds_max=LONG), seconds_max=5, succeed_min=0)
    assert out["figures"].branches[0].attempts == 1


async def test_a_pause_grows_and_is_counted_when_it_has():
    policy = RetryPolicy(
        initial_interval=0.001, backoff_factor=100_000, max_interval=30, jitter=False, retry_on=ConnectionError
    )
    out = await asked(Source("a", Flaky(2), retry=policy, seconds_max=5), succeed_min=0)
    assert out["figures"].branches[0].attempts == 2


async def test_the_own_time_is_over_all_attempts():
    tries = []

    async def ask(query):
        tries.append(query)
        if len(tries) == 1:
            raise ConnectionError
        await hangs(query)

    policy = RetryPolicy(**QUICK, retry_on=ConnectionError)
    out = await asked(Source("a", ask, retry=policy, seconds_max=0.3), succeed_min=0)
    branch = out["figures"].branches[0]
    assert (out["errors"]["a"].reason, branch.attempts) == (FailureReason.TIMEOUT, 2)
    assert branch.seconds >= 0.3


async def test_an_attempt_more_is_no_new_start_to_watchers():
    policy = RetryPolicy(**QUICK, retry_on=ConnectionError)
    chunks = await heard(Source("a", Flaky(1), retry=policy))
    assert kinds_of(chunks, "a") == ["started", "succeeded"]
    assert chunks[-1]["detail"]["branch"]["succeeded"]["attempts"] == 2
