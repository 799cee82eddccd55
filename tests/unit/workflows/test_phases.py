import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.workflows import _phases
from stretto.workflows._approval import EDITS_MAX
from stretto.workflows._phases import Phases
from stretto.workflows.exercise_planning.graph import PHASES as EXERCISE
from stretto.workflows.finance_review.graph import PHASES as FINANCE
from stretto.workflows.hr_onboarding.graph import PHASES as ONBOARDING

SMALL = Phases(milliseconds={"think": 10, "make": 20, "ask": 0, "end": 10}, repeated=("make", "ask"))


def test_a_share_is_that_of_the_work():
    assert SMALL.share("think", 0) == 0
    assert SMALL.share("make", 0.5) == 0.5
    assert SMALL.share("end", 0) == 0.75
    assert SMALL.share("end", 1) == 1


def test_an_edit_adds_work_and_the_share_waits_for_it():
    assert SMALL.share("ask", 1) == 0.75
    assert SMALL.share("make", 0, edits=1) == 0.75
    assert SMALL.share("ask", 1, edits=1) == pytest.approx(5 / 6)
    assert SMALL.share("end", 1, edits=1) == 1


@given(edits=st.integers(0, EDITS_MAX), parts=st.lists(st.floats(0, 1), min_size=1, max_size=4))
@pytest.mark.parametrize("phases", [SMALL, EXERCISE, FINANCE, ONBOARDING])
def test_a_share_never_goes_back(phases, edits, parts):
    walked = [(phase, part, 0) for phase in phases.milliseconds for part in sorted(parts)]
    end = walked[-len(parts) :]
    told = walked[: -len(parts)]
    for edit in range(1, edits + 1):
        told += [(phase, part, edit) for phase in phases.repeated for part in sorted(parts)]
    told += [(phase, part, edits) for phase, part, _ in end]
    shares = [phases.share(*place) for place in told]
    assert shares == sorted(shares)
    assert all(share < 1 for (phase, _, _), share in zip(told, shares, strict=True) if phase != end[0][0])
    assert phases.share(end[0][0], 1, edits) == 1


async def test_time_passes_with_progress_that_keeps_the_message(monkeypatch):
    told = []
    monkeypatch.setattr(_phases, "get_stream_writer", lambda: told.append)
    monkeypatch.setattr(_phases, "pace", lambda: 50)

    async def spend(seconds, passed):
        assert seconds == pytest.approx(0.02 * 0.5 * 50)
        passed(0.5)

    monkeypatch.setattr(_phases, "spend", spend)
    report = _phases.Report(SMALL, "make", edits=0)
    report.say("Making")
    await report.reach(0.5, "Half is made", pieces=3)
    await report.reach(1, "All is made")
    assert told == [
        {"fraction": 0.25, "message": "Making", "detail": {"phase": "make", "edits": 0}},
        {"fraction": 0.375},
        {"fraction": 0.5, "message": "Half is made", "detail": {"phase": "make", "edits": 0, "pieces": 3}},
        {"fraction": 0.625},
        {"fraction": 0.75, "message": "All is made", "detail": {"phase": "make", "edits": 0}},
    ]
