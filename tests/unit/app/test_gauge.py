import asyncio

import pytest
from structlog.testing import capture_logs

from stretto.server.app import gauge as gauge_module
from stretto.server.app.fault import Fault, fault_of
from stretto.server.app.gauge import CommitGauge
from stretto.server.domain.errors import Overloaded, StoreUnavailable


class Store:
    """Commits when it is let, and counts who asked."""

    def __init__(self):
        self.asked, self.goes_on = 0, asyncio.Event()
        self.goes_on.set()
        self.fails_from, self.error = None, OSError()

    async def probe(self):
        self.asked += 1
        await self.goes_on.wait()
        if self.fails_from is not None and self.asked >= self.fails_from:
            raise self.error


async def test_commits_before_a_fault_are_told_and_what_it_was_goes_to_the_log():
    store = Store()
    store.fails_from, store.error = 3, OSError("/secret/place is gone")
    with capture_logs() as logs:
        timed = await CommitGauge(store).measure(10)
    assert (len(timed.times), timed.fault) == (2, "The store fails (OSError).")
    assert [line["reason"] for line in logs] == ["OSError: /secret/place is gone"]


async def test_a_stalled_store_is_told_and_commits_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(gauge_module, "COMMIT_SECONDS_MAX", 0.01)
    store = Store()
    store.goes_on.clear()
    gauge = CommitGauge(store)
    timed = await gauge.measure(10)
    assert (timed.times, timed.fault) == ((), "The store did not answer in 0.01 seconds.")
    for _ in range(3):
        with pytest.raises(Overloaded):
            await gauge.measure(1)
    assert store.asked == 1
    store.goes_on.set()
    await gauge._commit
    assert len((await gauge.measure(2)).times) == 2


async def test_a_caller_that_gives_up_leaves_no_room_for_others_until_its_commit_is_answered():
    store = Store()
    store.goes_on.clear()
    gauge = CommitGauge(store)
    measuring = asyncio.create_task(gauge.measure(10))
    while not store.asked:
        await asyncio.sleep(0)
    measuring.cancel()
    await asyncio.wait([measuring])
    with pytest.raises(Overloaded):
        await gauge.measure(1)
    store.goes_on.set()
    await gauge._commit
    assert store.asked == 1
    assert len((await gauge.measure(1)).times) == 1


async def test_no_commit_begins_once_the_time_is_over(monkeypatch):
    monkeypatch.setattr(gauge_module, "SERIES_SECONDS_MAX", 0.0)
    store = Store()
    timed = await CommitGauge(store).measure(100)
    assert (timed.times, timed.fault, store.asked) == ((), "", 0)


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (Overloaded("Too many."), Fault("The store has too many writes waiting.", "Too many.")),
        (StoreUnavailable("no /a/b"), Fault("The store cannot be written.", "no /a/b")),
        (
            caused(StoreUnavailable(), OSError("disk /a is full")),
            Fault("The store cannot be written (OSError).", "disk /a is full"),
        ),
        (KeyError("/a"), Fault("The store fails (KeyError).", "KeyError: '/a'")),
    ],
)
def test_callers_are_told_what_is_wrong_and_never_where(error, fault):
    assert fault_of(error) == fault
    assert "/a" not in fault.told
