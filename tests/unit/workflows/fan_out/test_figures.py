"""What a fan-out took, in figures."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.workflows.fan_out import Source
from stretto.workflows.fan_out._figures import figures_of
from stretto.workflows.fan_out._outcome import Outcome
from tests.unit.workflows.fan_out.asking import answers, asked, fails


def outcome(source, seconds, *, succeeded=True, item=""):
    return Outcome(source=source, item=item, succeeded=succeeded, seconds=seconds, attempts=1, round_id="t/1")


def test_figures_say_how_much_faster_it_was_than_one_after_another():
    figures = figures_of(["a", "b", "c"], [outcome("b", 0.3), outcome("a", 0.5)], 0.625)
    assert (figures.sequential_seconds, figures.slowest_seconds, figures.parallel_seconds) == (0.8, 0.5, 0.625)
    assert (figures.speedup, figures.efficiency) == (pytest.approx(1.28), 0.8)
    assert [branch.source for branch in figures.branches] == ["a", "b"]
    assert figures.skipped == ("c",)
    told = figures.to_message()
    assert (told["parallel_latency"], told["sequential_latency"]) == ("0.625000s", "0.800000s")
    assert (told["speedup"], told["efficiency"]) == (1.28, 0.8)


def test_a_process_that_saw_the_end_only_counts_the_slowest_branch_at_least():
    assert figures_of(["a"], [outcome("a", 0.5)], 0.0).parallel_seconds == 0.5


NAMES = ["a", "b", "c", "d"]
OUTCOMES = st.lists(
    st.builds(outcome, st.sampled_from(NAMES), st.floats(0, 100), succeeded=st.booleans()), unique_by=lambda o: o.source
)


@given(OUTCOMES, st.floats(0, 1_000))
def test_every_source_is_available_failed_or_skipped(outcomes, elapsed):
    figures = figures_of(NAMES, outcomes, elapsed)
    assert sorted([*figures.available, *figures.failed, *figures.skipped]) == NAMES
    assert 0 <= figures.efficiency <= 1
    assert figures.efficiency <= figures.speedup + 1e-9
    assert figures.speedup <= max(len(outcomes), 1) + 1e-9


async def test_branches_that_wait_for_one_another_ran_side_by_side():
    barrier = asyncio.Barrier(3)

    async def meets(query):
        await barrier.wait()

    figures = (await asked(*(Source(name, meets) for name in "abc"), Source("d", answers), Source("e", fails)))[
        "figures"
    ]
    assert figures.available == ("a", "b", "c", "d")
    assert figures.failed == ("e",)
    assert figures.parallel_seconds >= figures.slowest_seconds > 0
    assert figures.sequential_seconds == pytest.approx(sum(branch.seconds for branch in figures.branches))
