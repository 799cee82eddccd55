"""Plain functions run in threads: many at once, and one that hangs is nobody else's trouble."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from stretto.workflows._threads import Threads
from stretto.workflows.fan_out import FailureReason, FanOut, Source, advance
from tests.unit.workflows.fan_out.asking import asked, kinds_of

SECONDS_MAX = 30.0


async def test_many_threads_run_at_once():
    barrier = threading.Barrier(50)
    source = Source(
        "many",
        lambda query, item: barrier.wait(SECONDS_MAX),
        items=lambda query: range(50),
        concurrency_max=50,
        threads_max=50,
        seconds_max=SECONDS_MAX,
    )
    out = await asked(source, seconds_max=SECONDS_MAX)
    assert sorted(out["results"].values()) == list(range(50))


async def test_one_that_hangs_takes_threads_of_its_own_only():
    gate = threading.Event()
    stuck = Source("stuck", lambda query: gate.wait(SECONDS_MAX), seconds_max=0.2, threads_max=1)
    fan_out = FanOut([stuck, Source("fine", str.upper)])
    graph = fan_out.compile()
    try:
        for _ in range(2):
            out = await graph.ainvoke({"query": "q"})
            assert out["errors"]["stuck"].reason is FailureReason.TIMEOUT
            assert out["results"] == {"fine": "Q"}
    finally:
        gate.set()
    while "stuck" not in (out := await graph.ainvoke({"query": "q"}))["results"]:  # It waits for the thread.
        assert out["results"] == {"fine": "Q"}


async def test_a_fan_out_needs_none_of_the_threads_in_which_names_are_resolved():
    gate, loop = threading.Event(), asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    hanging = loop.run_in_executor(None, gate.wait, SECONDS_MAX)
    try:
        assert (await asked(Source("fine", str.upper)))["results"] == {"fine": "Q"}
        assert not hanging.done()
    finally:
        gate.set()
        await hanging


async def test_a_thread_that_was_given_up_tells_nothing_any_more():
    given_up, loop, late = threading.Event(), asyncio.get_running_loop(), asyncio.Event()

    def stuck(query):
        advance(0.1, "in time")
        given_up.wait(SECONDS_MAX)
        advance(0.9, "too late")
        loop.call_soon_threadsafe(late.set)

    async def goes_on(query):
        await late.wait()

    sources = Source("stuck", stuck, seconds_max=0.5), Source("goes_on", goes_on, seconds_max=SECONDS_MAX)
    chunks = []
    async for chunk in FanOut(sources, seconds_max=SECONDS_MAX).compile().astream({"query": "q"}, stream_mode="custom"):
        chunks.append(chunk)
        if "failed" in chunk["detail"]["branch"]:
            given_up.set()
    assert kinds_of(chunks, "stuck") == ["started", "advanced", "failed"]
    assert kinds_of(chunks, "goes_on") == ["started", "succeeded"]


async def test_a_call_that_finds_no_thread_leaves_the_limit_as_it_was(monkeypatch):
    threads = Threads(1)

    def refuse(self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            await threads.call(str.upper, "q")
    assert await threads.call(str.upper, "q") == "Q"


def test_each_event_loop_has_its_own_threads():
    graph = FanOut([Source("fine", str.upper, threads_max=1)]).compile()
    for _ in range(2):
        assert asyncio.run(graph.ainvoke({"query": "q"}))["results"] == {"fine": "Q"}


def test_a_thread_that_outlives_its_loop_ends_quietly(capfd):
    gate = threading.Event()
    graph = FanOut([Source("stuck", lambda query: gate.wait(SECONDS_MAX), seconds_max=0.02)], succeed_min=0).compile()
    asyncio.run(graph.ainvoke({"query": "q"}))
    left = [thread for thread in threading.enumerate() if thread.name == "stretto-source"]
    gate.set()
    for thread in left:
        thread.join(SECONDS_MAX)
    assert left
    assert capfd.readouterr().err == ""
