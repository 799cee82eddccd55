"""What time it is where the events come from."""

import time

from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

__all__ = ["Clock"]


class Clock:
    """The server's clock, as far as it is known."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def saw(self, event: ProgressEvent) -> None:
        """An event from the future tells that the server's clock is ahead of ours."""
        told_at = event.occurred_at.seconds + event.occurred_at.nanos / 1e9
        self._ahead = max(self._ahead, told_at - time.time())

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._ahead
