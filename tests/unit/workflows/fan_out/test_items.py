"""A source that is asked about several items: a branch for each, and not too many at once."""

import asyncio
from dataclasses import dataclass

import pytest

from stretto.workflows.fan_out import FanOut, FanOutMisconfigured, Source, SourcesFailed, by_item
from stretto.workflows.fan_out._source import ITEMS_MAX
from tests.unit.workflows.fan_out.asking import answers, asked


async def square(query, item):
    return item * item


def numbers(query):
    return query


async def test_each_item_is_a_branch():
    out = await asked(Source("a", answers), Source("square", square, items=numbers), query=[3, 2])
    assert out["results"] == {"a": "[3, 2]!", "square/3": 9, "square/2": 4}
    assert by_item(out["results"], "square") == {"3": 9, "2": 4}
    assert [(branch.source, branch.item) for branch in out["figures"].branches] == [
        ("a", ""),
        ("square", "3"),
        ("square", "2"),
    ]


async def test_a_plain_function_is_asked_about_items_too():
    out = await asked(Source("join", lambda query, item: f"{query}{item}", items=lambda query: ["x", "y"]))
    assert out["results"] == {"join/x": "qx", "join/y": "qy"}


async def test_with_nothing_to_ask_about_it_is_not_asked():
    out = await asked(Source("a", answers), Source("square", square, items=numbers, required=True), query=[])
    assert out["figures"].skipped == ("square",)
    with pytest.raises(SourcesFailed, match="No source was asked"):
        await asked(Source("square", square, items=numbers), query=[])


async def test_an_item_that_comes_twice_is_asked_about_once():
    asked_about = []

    async def note(query, item):
        asked_about.append(item)

    await asked(Source("note", note, items=numbers), query=["x", "y", "x"])
    assert sorted(asked_about) == ["x", "y"]


@dataclass(frozen=True)
class Job:
    name: str
    number: int


async def test_a_label_tells_items_apart():
    async def number(query, job):
        return job.number

    jobs = [Job("load", 1), Job("report", 2)]
    out = await asked(Source("number", number, items=numbers, label=lambda job: job.name), query=jobs)
    assert out["results"] == {"number/load": 1, "number/report": 2}


@pytest.mark.parametrize("jobs", [[Job("load", 1), Job("load", 2)], [Job("", 1)]])
async def test_a_label_that_does_not_is_a_mistake(jobs):
    with pytest.raises(FanOutMisconfigured, match="label must tell items apart"):
        await asked(Source("number", square, items=numbers, label=lambda job: job.name), query=jobs)


async def test_one_item_that_answers_makes_a_source_available():
    async def divide(query, item):
        return 6 / item

    out = await asked(Source("divide", divide, items=numbers, required=True), query=[0, 3])
    assert out["results"] == {"divide/3": 2}
    assert str(out["errors"]["divide/0"]) == "divide (0): ZeroDivisionError: division by zero"
    assert (out["figures"].available, out["figures"].failed) == (("divide",), ())


async def test_there_may_be_as_many_items_as_said_and_no_more():
    source = Source("square", square, items=range)
    assert len((await asked(source, query=ITEMS_MAX))["results"]) == ITEMS_MAX
    with pytest.raises(FanOutMisconfigured, match="more than 1000 items"):
        await asked(source, query=ITEMS_MAX + 1)


class Crowd:
    """Counts who is there; everybody waits until a few are there together."""

    def __init__(self, together):
        self.barrier = asyncio.Barrier(together)
        self.now = self.most = 0

    async def __call__(self, query, item):
        self.now += 1
        self.most = max(self.most, self.now)
        await self.barrier.wait()
        self.now -= 1


async def test_as_many_items_as_allowed_are_asked_about_at_once():
    crowd = Crowd(3)
    out = await asked(Source("crowd", crowd, items=numbers, concurrency_max=3), query=range(9))
    assert (len(out["results"]), crowd.most) == (9, 3)


async def test_no_more_items_than_allowed_are_asked_about_at_once():
    crowd = Crowd(1)
    out = await asked(Source("crowd", crowd, items=numbers, concurrency_max=1), query=range(9))
    assert (len(out["results"]), crowd.most) == (9, 1)


async def test_sources_take_no_turns_from_one_another():
    crowd = Crowd(2)
    sources = [Source(name, crowd, items=lambda query: ["x"], concurrency_max=1) for name in ("a", "b")]
    assert len((await asked(*sources))["results"]) == 2


async def test_runs_take_no_turns_from_one_another():
    crowd = Crowd(2)
    graph = FanOut([Source("crowd", crowd, items=lambda query: ["x"], concurrency_max=1)]).compile()
    for out in await asyncio.gather(graph.ainvoke({"query": "1"}), graph.ainvoke({"query": "2"})):
        assert out["errors"] == {}
