"""How few answers are enough, and what is said when there are fewer."""

import pytest

from stretto.workflows.fan_out import FanOut, FanOutMisconfigured, Source, SourcesFailed
from tests.unit.workflows.fan_out.asking import answers, asked, fails

FINE, POOR, WORSE = Source("fine", answers), Source("poor", fails), Source("worse", fails)


async def test_one_answer_is_enough_if_nothing_else_is_said():
    out = await asked(FINE, POOR, WORSE)
    assert list(out["results"]) == ["fine"]
    assert list(out["errors"]) == ["poor", "worse"]


async def test_fewer_answers_than_must_be_fail_and_say_why():
    with pytest.raises(SourcesFailed) as failed:
        await asked(FINE, POOR, WORSE, succeed_min=2)
    assert str(failed.value) == (
        "1 of 3 sources answered, and 2 must. poor: ConnectionError: line is dead; worse: ConnectionError: line is dead"
    )


async def test_no_answer_is_enough_where_that_is_said():
    out = await asked(POOR, succeed_min=0)
    assert out["results"] == {}
    assert (out["figures"].available, out["figures"].failed) == ((), ("poor",))


async def test_that_nobody_was_asked_is_said_with_its_reason():
    sources = Source("off", answers, enabled=False), Source("jobs", answers, kinds=["job"])
    with pytest.raises(SourcesFailed, match=r"none of off, jobs is .* of use for a query of kind load\."):
        await asked(*sources, kind="load")
    with pytest.raises(SourcesFailed, match=r"of use for this query\."):
        await asked(*sources)


async def test_nobody_need_be_asked_where_no_answer_is_enough():
    out = await asked(Source("off", answers, enabled=False), succeed_min=0)
    assert out["results"] == out["errors"] == {}
    assert out["figures"].skipped == ("off",)
    assert (out["figures"].parallel_seconds, out["figures"].speedup, out["figures"].efficiency) == (0.0, 1.0, 1.0)


async def test_of_many_failures_the_first_ones_are_told():
    source = Source("poor", lambda query, item: 1 / 0, items=lambda query: range(12), required=True)
    with pytest.raises(SourcesFailed) as failed:
        await asked(source)
    assert str(failed.value).count("division by zero") == 10
    assert str(failed.value).endswith("; and 2 more")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"seconds_max": 0}, "seconds_max is 0"),
        ({"seconds_max": "5"}, "seconds_max is '5'; it must be a number"),
        ({"seconds_max": float("inf")}, "seconds_max is inf"),
        ({"succeed_min": -1}, "succeed_min is -1; allowed is 0 to 1"),
        ({"succeed_min": 2}, "succeed_min is 2; allowed is 0 to 1"),
        ({"share": (0.5, 0.1)}, "share is"),
        ({"share": (0, 2)}, "share is"),
    ],
)
def test_options_that_cannot_be_are_refused(options, told):
    with pytest.raises(FanOutMisconfigured, match=told):
        FanOut([FINE], **options)


@pytest.mark.parametrize(("sources", "told"), [([], "needs a source"), ([FINE, FINE], "Two sources are called 'fine'")])
def test_sources_that_cannot_be_are_refused(sources, told):
    with pytest.raises(FanOutMisconfigured, match=told):
        FanOut(sources)
