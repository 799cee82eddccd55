import sys
import threading

import pytest

from stretto.workflows.fan_out import FanOut, Source, advance


@pytest.fixture
def hasty_threads():
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty_threads")
async def test_what_threads_tell_at_once_takes_no_share_back():
    together = threading.Barrier(4)

    def search(_query, _item):
        for part in range(1, 200):
            together.wait(10)
            advance(part / 200)

    graph = FanOut([Source("parts", search, items=lambda query: query)], share=(0, 1)).compile()
    told = [
        chunk["fraction"]
        async for chunk in graph.astream({"query": [1, 2, 3, 4]}, stream_mode="custom")
        if "fraction" in chunk
    ]
    assert len(told) > 700
    assert told == sorted(told)
