"""What watchers are told: of each branch, in order, and how much of the whole is done."""

import asyncio
import re

import pytest
from google.protobuf.json_format import ParseDict

from stretto.fanout.v1.fanout_pb2 import BranchProgress, FanOutFigures
from stretto.workflows.fan_out import Source, advance
from tests.unit.workflows.fan_out.asking import answers, asked, fails, hangs, heard, kinds_of


async def halfway(query):
    advance(0.5, "halfway", pages=3)
    return "all"


def halfway_in_a_thread(query):
    advance(0.5, "halfway", pages=3)
    return "all"


@pytest.mark.parametrize("ask", [halfway, halfway_in_a_thread])
async def test_a_branch_tells_of_its_start_its_way_and_its_answer(ask):
    started, advanced, succeeded = await heard(Source("a", ask))
    assert kinds_of([started, advanced, succeeded], "a") == ["started", "advanced", "succeeded"]
    assert advanced == {
        "detail": {"branch": {"source": "a", "item": "", "advanced": {"fraction": 0.5}}, "pages": 3},
        "message": "halfway",
    }
    assert succeeded["detail"]["result"] == "all"
    assert re.fullmatch(r"a answered in \d+\.\d+ m?s", succeeded["message"])


async def test_a_branch_tells_that_it_failed_and_why():
    chunks = await heard(
        Source("a", fails),
        Source("b", hangs, seconds_max=0.02),
        Source("c", answers, returns=int),
        Source("d", fails, items=lambda query: ["x"]),
        succeed_min=0,
    )
    failed = {each["source"]: each["failed"] for chunk in chunks if "failed" in (each := chunk["detail"]["branch"])}
    assert {source: each["reason"].removeprefix("BRANCH_FAILURE_REASON_") for source, each in failed.items()} == {
        "a": "ERROR",
        "b": "TIMEOUT",
        "c": "WRONG_TYPE",
        "d": "ERROR",
    }
    messages = [chunk["message"] for chunk in chunks if "message" in chunk]
    assert "a failed: ConnectionError: line is dead" in messages
    assert any(message.startswith("d (x) failed: TypeError") for message in messages)


async def test_what_is_told_fits_the_contract():
    sources = Source("a", halfway, partial=lambda answer: {}), Source("b", fails), Source("c", answers, enabled=False)
    for chunk in await heard(*sources):
        ParseDict(chunk["detail"]["branch"], BranchProgress())
    figures = ParseDict((await asked(*sources))["figures"].to_message(), FanOutFigures())
    assert (figures.sources_chosen, figures.sources_available, figures.sources_failed) == (2, 1, 1)
    assert list(figures.sources_skipped) == ["c"]
    assert [(each.source, each.succeeded, each.attempts) for each in figures.branches] == [
        ("a", True, 1),
        ("b", False, 1),
    ]


async def test_partial_says_what_is_told_of_an_answer():
    *_, told = await heard(Source("a", answers, partial=lambda answer: {"length": len(answer), "branch": "mine"}))
    assert told["detail"]["length"] == 2
    assert told["detail"]["branch"]["source"] == "a"
    assert "result" not in told["detail"]


async def test_detail_says_what_is_told_with_every_event():
    def detail(query):
        return {"about": query, "pages": 0, "branch": "mine"}

    chunks = await heard(Source("a", halfway, partial=lambda answer: {}), Source("b", fails), detail=detail)
    kinds = {kind for source in "ab" for kind in kinds_of(chunks, source)}
    assert kinds == {"started", "advanced", "succeeded", "failed"}
    assert {chunk["detail"]["about"] for chunk in chunks} == {"q"}
    # What a branch says itself comes before that.
    assert [chunk["detail"]["pages"] for chunk in chunks if "advanced" in chunk["detail"]["branch"]] == [3]


async def test_an_answer_is_not_lost_because_its_detail_cannot_be_made():
    chunks = await heard(Source("a", answers), detail=lambda query: query.missing)
    assert kinds_of(chunks, "a") == ["started", "succeeded"]


@pytest.mark.parametrize("partial", [lambda answer: 1 / 0, lambda answer: None], ids=["raises", "is nothing"])
async def test_an_answer_is_not_lost_because_telling_of_it_failed(partial, caplog):
    source = Source("a", answers, partial=partial)
    assert (await asked(source))["results"] == {"a": "q!"}
    *_, told = await heard(source)
    assert told["detail"].keys() == {"branch"}


async def test_nobody_hears_what_is_told_outside_of_a_branch():
    advance(0.5, "to nobody")


async def test_a_fraction_stays_within_its_bounds():
    async def boasts(query):
        advance(7)
        advance(-7)

    chunks = await heard(Source("a", boasts))
    told = [each["advanced"]["fraction"] for chunk in chunks if "advanced" in (each := chunk["detail"]["branch"])]
    assert told == [1.0, 0.0]


async def test_without_a_share_nothing_is_said_of_the_whole():
    assert not any("fraction" in chunk for chunk in await heard(Source("a", halfway), Source("b", answers)))


async def test_the_share_grows_with_the_branches_and_never_goes_back():
    turn = asyncio.Condition()
    all_there = asyncio.Barrier(4)
    said = [0]

    async def in_step(query, number):
        await all_there.wait()
        for own in (0.8, 0.2, 1.0):
            async with turn:
                await turn.wait_for(lambda: said[0] % 4 == number)
                advance(own)
                said[0] += 1
                turn.notify_all()

    source = Source("a", in_step, items=lambda query: range(4), concurrency_max=4)
    fractions = [chunk["fraction"] for chunk in await heard(source, share=(0.1, 0.9)) if "fraction" in chunk]
    assert fractions == sorted(fractions)
    assert fractions[:4] == pytest.approx([0.1 + 0.8 * 0.8 * part / 4 for part in (1, 2, 3, 4)])
    assert fractions[4:8] == [fractions[3]] * 4
    assert fractions[-1] == pytest.approx(0.9)


async def test_a_branch_that_failed_is_done_too():
    chunks = await heard(Source("a", fails), Source("b", answers), share=(0.0, 0.5))
    assert [chunk["fraction"] for chunk in chunks if "fraction" in chunk][-1] == 0.5
