"""What the simulated sources of evidence share: faults, a delay, a log of requests, and the paths that set them.

`PUT /simulator/faults` takes a JSON list of faults (see `faults.py`), `GET /simulator/log` tells which requests came,
`DELETE /simulator` forgets all of it and what the source itself was told.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import ValidationError

from tests.simulators.faults import Faults
from tests.simulators.http import Request, Response

_LOGGED_MAX = 1_000
"""Requests that are remembered; benchmarks send many more, of which the count is enough."""

Query = Mapping[str, list[str]]


class Source(ABC):
    """Answers requests, and remembers them."""

    def __init__(self, delay_seconds: float = 0) -> None:
        self._delay_seconds = delay_seconds
        self._faults = Faults()
        self._count = 0
        self._requests: deque[dict[str, Any]] = deque(maxlen=_LOGGED_MAX)

    async def handle(self, request: Request, response: Response) -> None:
        if request.path.startswith("/simulator"):
            await self._control(request, response)
            return
        url = urlsplit(request.path)
        self._count += 1
        self._requests.append({"path": url.path, "query": url.query, "headers": dict(request.headers)})
        fault = self._faults.next(unquote(request.path))
        await asyncio.sleep(self._delay_seconds)
        if not await fault.spoil(response):
            await self.answer(request, _parts(url.path), parse_qs(url.query), response)

    @abstractmethod
    async def answer(self, request: Request, path: list[str], query: Query, response: Response) -> None:
        """Answer as the protocol asks for."""

    @abstractmethod
    def told(self, what: str, value: bytes) -> bool:
        """Take what a test says under `/simulator/<what>`, and say whether that is something that can be said."""

    @abstractmethod
    def forget(self) -> None:
        """Forget what tests said."""

    async def _control(self, request: Request, response: Response) -> None:
        match request.method, _parts(request.path):
            case "GET", ["simulator", "log"]:
                await response.send(200, {"count": self._count, "requests": list(self._requests)})
            case "DELETE", ["simulator"]:
                self._reset()
                await response.send(200, {})
            case "PUT", ["simulator", what]:
                await self._tell(what, request.body, response)
            case _:
                await response.send(404, {"error": f"Nothing is at {request.method} {request.path}."})

    async def _tell(self, what: str, value: bytes, response: Response) -> None:
        try:
            if what == "faults":
                self._faults.read(value)
            elif not self.told(what, value):
                await response.send(404, {"error": f"Nothing is known of {what}."})
                return
        except ValidationError as error:
            await response.send(400, {"error": str(error)})
        else:
            await response.send(200, {})

    def _reset(self) -> None:
        self._faults.clear()
        self._count = 0
        self._requests.clear()
        self.forget()


def _parts(path: str) -> list[str]:
    """The names between the slashes; what was escaped in them, such as a slash, is in its place again."""
    return [unquote(part) for part in path.strip("/").split("/")]
