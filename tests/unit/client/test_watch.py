"""What happens between two threads in a watch, at moments that no real connection can be made to hit."""

from types import SimpleNamespace

from stretto.client import WatchSync
from stretto.client._follow import Cursor
from stretto.client._sync._io import Cut, Pause


class Stream:
    def __init__(self):
        self.cancelled = False

    def read(self, _):
        assert self.cancelled, "nobody would end this wait"
        raise Cut

    def cancel(self):
        self.cancelled = True


def test_a_watch_that_is_closed_while_its_stream_is_opened_does_not_wait_for_it():
    opened = []

    def open_and_be_closed(*_):
        opened.append(Stream())
        watch.close()  # As another thread would, which cannot see the stream yet.
        return opened[-1]

    calls = SimpleNamespace(
        connections=SimpleNamespace(pause=Pause),
        new_correlation_id=str,
        open=open_and_be_closed,
        silence_seconds_max=1.0,
    )
    watch = WatchSync(calls, Cursor("wf", 0))
    assert list(watch) == []
    assert opened[0].cancelled
