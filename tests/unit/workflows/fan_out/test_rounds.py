"""What branches share while they run: how much of the whole is done, as far as this process can know."""

import pytest

from stretto.workflows.fan_out import _rounds
from stretto.workflows.fan_out._rounds import GATHERING_SECONDS, Round, Rounds


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(_rounds, "time", made)
    return made


def test_nothing_is_said_of_the_whole_before_all_branches_are_there(clock):
    around = Round(10)
    around.enter("a")
    assert around.share("a", 1.0, 2) is None
    around.enter("b")
    assert around.share("b", 0.5, 2) == 0.75


def test_branches_that_do_not_come_were_over_before_this_process_took_it_up(clock):
    around = Round(10)
    around.enter("a")
    around.enter("b")
    assert around.share("a", 0.5, 5) is None
    clock.now += GATHERING_SECONDS
    assert around.share("a", 0.5, 5) == pytest.approx(0.7)
    assert around.share("b", 1.0, 5) == pytest.approx(0.9)


def test_the_share_never_goes_back(clock):
    around = Round(10)
    around.enter("a")
    assert [around.share("a", part, 1) for part in (0.5, 0.2, 0.7)] == [0.5, 0.5, 0.7]


def test_a_round_takes_from_its_first_branch_to_the_end_of_the_last_one(clock):
    rounds = Rounds(10)
    first = rounds.of("r")
    assert rounds.of("r") is first
    clock.now += 2
    first.start("a")
    clock.now += 3
    assert first.end("a") == 3
    clock.now += 4
    assert rounds.forget("r") == 5
    assert rounds.forget("r") == 0
    assert rounds.of("r") is not first


def test_a_branch_begins_with_its_first_turn(clock):
    around = Round(10)
    around.start("a")
    clock.now += 1
    assert around.start("a") == 100
    assert around.end("a") == 1
    assert around.end("never had a turn") == 0


def test_no_more_rounds_are_remembered_than_there_may_be(monkeypatch):
    monkeypatch.setattr(_rounds, "ROUNDS_MAX", 2)
    rounds = Rounds(10)
    oldest, _, newest = (rounds.of(name) for name in "abc")
    assert rounds.of("c") is newest
    assert rounds.of("a") is not oldest
