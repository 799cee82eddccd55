import asyncio

import pytest

from stretto.workflows import _pace


@pytest.mark.parametrize(("text", "pace"), [("", 0), ("0", 0), ("0.5", 0.5), ("2", 2), ("1e1", 10)])
def test_a_pace_is_a_number(text, pace):
    assert _pace.parse(text) == pace


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "fast", "1,5"])
def test_a_wrong_pace_is_refused_with_what_is_allowed(text):
    with pytest.raises(_pace.PaceInvalid, match=f"STRETTO_PACE is '{text}'; allowed is a number from 0 on"):
        _pace.parse(text)


def test_the_environment_is_read_once(monkeypatch):
    _pace.pace.cache_clear()
    monkeypatch.setenv("STRETTO_PACE", "0.25")
    assert _pace.pace() == 0.25
    monkeypatch.setenv("STRETTO_PACE", "7")
    assert _pace.pace() == 0.25
    _pace.pace.cache_clear()


@pytest.mark.parametrize(("seconds", "parts"), [(0, 0), (0.1, 1), (1, 4), (60, 20)])
async def test_time_passes_in_small_parts(monkeypatch, seconds, parts):
    slept, told = [], []

    async def sleep(duration):
        slept.append(duration)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await _pace.spend(seconds, told.append)
    assert len(slept) == parts
    assert sum(slept) == pytest.approx(seconds)
    assert told == pytest.approx([part / parts for part in range(1, parts)])
