"""The whole server is killed in the middle of a fan-out: what was answered is not asked again, all else is."""

import asyncio

import pytest
from google.protobuf.json_format import MessageToDict

from stretto.client import Client
from tests.e2e.asking import FOLDER, effects_in, open_gate

APP = "tests.e2e.asking:app"
HANG_SECONDS = 120.0
AT_ONCE = {"at_once", "failing", "quick", "quicker"}
"""Branches that are over as soon as they begin. The others wait for their gates."""
GATED = {"waiting", "in_a_thread", "slow", "slower"}


@pytest.fixture
async def client(serving, monkeypatch):
    """A client of a server whose sources write into its folder."""
    monkeypatch.setenv(FOLDER, str(serving.folder))
    async with asyncio.timeout(HANG_SECONDS), Client(serving.address, timeout=HANG_SECONDS) as made:
        yield made


class Watched:
    """A watch that goes on over restarts, and all that it has shown."""

    def __init__(self, handle):
        self.events = []
        self._handle = handle
        self._changed = asyncio.Condition()
        self._task = asyncio.create_task(self._watch())

    async def _watch(self):
        async for event in self._handle.watch():
            async with self._changed:
                self.events.append(event)
                self._changed.notify_all()

    async def until(self, condition):
        """Return once a condition on what was shown holds."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._task.done() or condition())
        if self._task.done():
            self._task.result()
        assert condition()

    async def all(self):
        """All events, once it has ended."""
        await self._task
        return self.events

    def recorded(self):
        """Ids of the steps whose result is stored, which what was shown of them is."""
        return {event.step_id for event in self.events if event.HasField("step_completed")}

    async def close(self):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
async def started(serving, client):
    """A fan-out that was started, its server, and a watch of it."""
    server = await serving.up("--no-orchestrator", app=APP)
    handle = await client.start("ask", {"query": "news"})
    watched = Watched(handle)
    yield handle, server, watched
    await watched.close()


async def under_way(serving, watched, lives, recorded):
    """Return once so many results are stored, and every other branch was asked in each of its lives."""
    await watched.until(lambda: len(watched.recorded()) == recorded)
    while any(effects_in(serving.folder)[branch] < times for branch, times in lives.items()):
        await asyncio.sleep(0.01)


async def finished(handle, watched):
    """The result and all events; nothing is missing in between, and whoever looks later sees the same."""
    result = await handle.result()
    events = await watched.all()
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert events == [event async for event in handle.watch()]
    return result, events


def told_of(events, kind):
    """Branches of which something was told, in order, with what it was."""
    details = [
        MessageToDict(event.step_progress.detail)["value"] for event in events if event.HasField("step_progress")
    ]
    branches = [detail["branch"] for detail in details]
    return [(each["item"] or each["source"], each[kind]) for each in branches if kind in each]


def check_whole(result, events):
    """The report has everything, each answer was told once, and the share of the whole never went back."""
    assert result["results"] == {
        "at_once": "news at once",
        "waiting": "news waited for",
        "in_a_thread": "news in a thread",
        **{f"of_jobs/{job}": f"news of {job}" for job in ("quick", "quicker", "slow", "slower")},
    }
    assert list(result["errors"]) == ["failing"]
    answered = [branch for branch, _ in told_of(events, "succeeded")]
    assert sorted(answered) == sorted((AT_ONCE | GATED) - {"failing"})
    assert len(told_of(events, "failed")) == 1
    fractions = [event.step_progress.fraction for event in events if event.step_progress.HasField("fraction")]
    assert fractions == sorted(fractions)


def check_figures(figures):
    """They are of all branches, also of those that ended in an earlier life of the server."""
    assert figures["available"] == ["at_once", "waiting", "in_a_thread", "of_jobs"]
    assert figures["failed"] == ["failing"]
    assert [branch["item"] or branch["source"] for branch in figures["branches"]] == [
        *("at_once", "failing", "waiting", "in_a_thread", "quick", "quicker", "slow", "slower")
    ]
    assert figures["parallel_seconds"] >= max(branch["seconds"] for branch in figures["branches"])


async def test_only_branches_without_a_recorded_result_run_again(serving, started):
    handle, server, watched = started
    await under_way(serving, watched, dict.fromkeys(GATED, 1), recorded=len(AT_ONCE))
    await asyncio.to_thread(server.kill)
    for branch in GATED:
        open_gate(serving.folder, branch)
    await serving.up("--no-orchestrator", app=APP)
    result, events = await finished(handle, watched)
    assert effects_in(serving.folder) == {**dict.fromkeys(AT_ONCE, 1), **dict.fromkeys(GATED, 2)}
    check_whole(result, events)
    check_figures(result["figures"])


async def test_two_crashes_in_a_row_repeat_no_more_than_was_running(serving, started):
    handle, server, watched = started
    await under_way(serving, watched, dict.fromkeys(GATED, 1), recorded=len(AT_ONCE))
    await asyncio.to_thread(server.kill)
    for branch in ("waiting", "slow"):
        open_gate(serving.folder, branch)
    server = await serving.up("--no-orchestrator", app=APP)
    await under_way(serving, watched, dict.fromkeys(GATED, 2), recorded=len(AT_ONCE) + 2)
    await asyncio.to_thread(server.kill)
    for branch in ("in_a_thread", "slower"):
        open_gate(serving.folder, branch)
    await serving.up("--no-orchestrator", app=APP)
    result, events = await finished(handle, watched)
    assert effects_in(serving.folder) == {
        **dict.fromkeys(AT_ONCE, 1),
        **dict.fromkeys(("waiting", "slow"), 2),
        **dict.fromkeys(("in_a_thread", "slower"), 3),
    }
    check_whole(result, events)
    check_figures(result["figures"])


async def test_a_crash_before_anything_is_recorded_repeats_what_was_asked(serving, client):
    """Nothing is known of what was asked, so it is asked again: a source must be repeatable."""
    server = await serving.up("--no-orchestrator", app=APP)
    handle = await client.start("ask", {"query": "news"})
    async with handle.watch() as events:
        async for event in events:
            if event.HasField("step_started") and event.step != "asking":
                break
    await asyncio.to_thread(server.kill)
    for branch in GATED:
        open_gate(serving.folder, branch)
    await serving.up("--no-orchestrator", app=APP)
    result = await handle.result()
    assert all(1 <= times <= 2 for times in effects_in(serving.folder).values())
    check_figures(result["figures"])
