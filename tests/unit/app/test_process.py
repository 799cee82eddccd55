"""How a process of ours ends."""

import asyncio

import pytest
from structlog.testing import capture_logs

from stretto.server.app import process
from stretto.server.app.process import until_told


class Cut(BaseException):
    """The process is gone."""


@pytest.fixture
def cut(monkeypatch):
    """The exit status with which the process was cut off."""
    statuses = []

    def exit_at_once(status):
        statuses.append(status)
        raise Cut

    monkeypatch.setattr(process.os, "_exit", exit_at_once)
    monkeypatch.setattr(process, "HASTE_SECONDS", 0.01)
    monkeypatch.setattr(process.memory, "settle", lambda: None)
    return statuses


async def at_once():
    return


async def never():
    await asyncio.get_running_loop().create_future()


async def test_p13_a_stop_that_hangs_is_cut_off_and_counts_as_an_end(cut):
    asked = asyncio.Event()
    with capture_logs() as logs, pytest.raises(Cut):
        await until_told(asked, at_once, asked.set, never, drain_seconds_max=0.01)
    assert cut == [0]
    assert logs[-1]["event"] == "stop_cut_off"


async def test_a_stop_in_time_is_not_cut_off(cut):
    asked = asyncio.Event()
    await until_told(asked, at_once, asked.set, at_once, drain_seconds_max=0)
    assert not cut


async def test_a_stop_that_fails_says_why(cut):
    async def fails():
        raise ValueError("why")

    asked = asyncio.Event()
    with pytest.raises(ValueError, match="why"):
        await until_told(asked, at_once, asked.set, fails, drain_seconds_max=0)
    assert not cut


async def test_a_start_that_is_broken_off_may_not_hang_either(cut):
    asked = asyncio.Event()
    asked.set()
    broken = asyncio.Event()

    async def start():
        try:
            await never()
        finally:
            broken.set()
            await never()

    with pytest.raises(Cut):
        await until_told(asked, start, lambda: None, at_once, drain_seconds_max=0)
    assert broken.is_set()
    assert cut == [0]
