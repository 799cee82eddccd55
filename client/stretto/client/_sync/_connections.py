"""The connections of a client: one to each server, of which every call takes the next.

Written by tools/make_sync.py from `_async/_connections.py`; `make proto` writes it again.
"""

import itertools
import random
import time
from collections.abc import Sequence

from stretto.client._sync._io import Connection, Pause, Stubs

REST_SECONDS = 1.0
"""How long a server that failed is left out, where others are left. Then a call tries it again: while gRPC has no
connection to it, or it says NOT_SERVING, that costs half a millisecond."""


class Connections:
    """Connections to one server or to several that share a store, so that each of them can take any call."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._all = tuple(connections)
        # Programs that make few calls, such as a command line, would all make them at the first server.
        self._turns = itertools.count(random.randrange(len(self._all)))  # noqa: S311 - Nothing to guess here.
        self._rests_until = {connection.target: 0.0 for connection in self._all}

    def __len__(self) -> int:
        return len(self._all)

    @property
    def closed(self) -> bool:
        """Whether they were closed for good."""
        return self._all[0].closed

    def stubs(self) -> Stubs:
        """The services of the next server; when all failed a moment ago, of that which did so first."""
        now, turn = time.monotonic(), next(self._turns)
        ready = [connection for connection in self._all if self._rests_until[connection.target] <= now]
        if ready:
            return ready[turn % len(ready)].stubs()
        return min(self._all, key=lambda connection: self._rests_until[connection.target]).stubs()

    def failed(self, stubs: Stubs) -> None:
        """Let others go first for a while."""
        self._rests_until[stubs.target] = time.monotonic() + REST_SECONDS

    def renew(self, stubs: Stubs) -> None:
        """Replace a connection that went silent, unless somebody has done so; its other calls are cut."""
        for connection in self._all:
            connection.renew(stubs)

    def pause(self) -> Pause:
        """A pause that ends when the connections are closed."""
        return self._all[0].pause()

    def close(self) -> None:
        """Close them; calls under way are cut."""
        for connection in self._all:
            connection.close()
