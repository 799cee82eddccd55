"""A source that is asked over HTTP: whatever goes wrong becomes SourceUnavailable, in words that hold no secret."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from stretto.workflows.troubleshooting.errors import SourceUnavailable

RESPONSE_BYTES_MAX: Final = 4 * 1024 * 1024
"""A source that sends more than this is not what it is taken for."""
TAIL_BYTES: Final = 256 * 1024
"""What is kept of a text of which only the end matters."""
CONNECTIONS_MAX: Final = 128
"""To one source, from one event loop; calls beyond them wait their turn."""
IDLE_CONNECTIONS_MAX: Final = 16
"""The pool looks at each of them with every call."""
KEEPALIVE_SECONDS: Final = 3
"""Common servers close idle connections after five, and one that is just being closed must not be used again."""

Parameters = Mapping[str, str | int]
Form = TypeVar("Form", bound=BaseModel)
Answer = TypeVar("Answer")


class Refused(SourceUnavailable):
    """A source answered, but not with what was asked for: its status, and what it said of it."""

    def __init__(self, message: str, status: int, detail: str) -> None:
        super().__init__(message, status, detail)
        self.status, self.detail = status, detail

    def __str__(self) -> str:
        # What it said may hold anything, so it is for comparing only.
        return str(self.args[0])


class _Refusal(BaseModel):
    detail: str | dict[str, Any]


class HttpSource:
    """One source. Connections belong to the event loop that asks, and none is made before it does."""

    def __init__(self, name: str, url: str, *, seconds_max: float, token: str = "") -> None:
        parts = urlsplit(url)
        self._shown = f"The {name} at {parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._base = url.rstrip("/")
        self._seconds_max = seconds_max
        # The size of something compressed would bound nothing.
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._lock = threading.Lock()
        self._clients: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}

    async def get(self, form: type[Form], path: str, parameters: Parameters) -> Form:
        """Ask for a JSON value of that form. Names in the path are escaped already."""
        body = await self._guarded(self._whole(path, parameters))
        try:
            return form.model_validate_json(body)
        except ValidationError as error:
            raise self.unavailable(_misshapen(error)) from None

    async def tail(self, path: str, parameters: Parameters, *, accept: str, seconds_max: float) -> bytes:
        """Ask for a text, and keep the end of what comes within that time."""
        kept = bytearray()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds_max):
                await self._guarded(self._keep_end(kept, path, parameters, accept))
        return bytes(kept)

    async def aclose(self) -> None:
        """Close the connections of this event loop."""
        with self._lock:
            client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def unavailable(self, why: str) -> SourceUnavailable:
        """What to raise when it cannot be asked."""
        return SourceUnavailable(self._sentence(why))

    def _sentence(self, why: str) -> str:
        return f"{self._shown} {why}."

    async def _guarded(self, asked: Awaitable[Answer]) -> Answer:
        try:
            async with asyncio.timeout(self._seconds_max):
                return await asked
        except TimeoutError:
            raise self.unavailable(f"did not answer within {self._seconds_max:g} s") from None
        except httpx.ConnectError as error:
            raise self.unavailable(f"cannot be reached: {error}") from None
        except httpx.HTTPError as error:
            raise self.unavailable(f"broke off its answer ({type(error).__name__})") from None

    async def _whole(self, path: str, parameters: Parameters) -> bytes:
        async with self._response(path, parameters, self._headers) as response:
            return await self._bounded(response)

    async def _keep_end(self, kept: bytearray, path: str, parameters: Parameters, accept: str) -> None:
        async with self._response(path, parameters, {**self._headers, "Accept": accept}) as response:
            async for part in response.aiter_raw():
                kept += part
                del kept[:-TAIL_BYTES]

    async def _bounded(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > RESPONSE_BYTES_MAX:
                raise self.unavailable(f"answered with more than {RESPONSE_BYTES_MAX} bytes")
        return bytes(body)

    @contextlib.asynccontextmanager
    async def _response(
        self, path: str, parameters: Parameters, headers: Mapping[str, str]
    ) -> AsyncIterator[httpx.Response]:
        """An answer that is one."""
        stream = self._client().stream("GET", self._base + path, params=dict(parameters), headers=dict(headers))
        async with stream as response:
            if response.status_code == HTTPStatus.OK:
                yield response
                return
            status, detail = response.status_code, _detail(await self._bounded(response))
            told = self._sentence(_refusal(status, with_token="Authorization" in headers))
            raise Refused(told, status, detail)

    def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._clients:
                self._clients = {each: client for each, client in self._clients.items() if not each.is_closed()}
                self._clients[loop] = _new_client()
            return self._clients[loop]


def _new_client() -> httpx.AsyncClient:
    limits = httpx.Limits(
        max_connections=CONNECTIONS_MAX,
        max_keepalive_connections=IDLE_CONNECTIONS_MAX,
        keepalive_expiry=KEEPALIVE_SECONDS,
    )
    # A call has one deadline, over all that it waits for.
    return httpx.AsyncClient(limits=limits, timeout=None)  # noqa: S113


def _refusal(status: int, *, with_token: bool) -> str:
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return "refused the token (401)" if with_token else "wants a token (401)"
        case HTTPStatus.FORBIDDEN:
            return "does not allow what was asked for (403)"
        case HTTPStatus.NOT_FOUND:
            return "has nothing at the path that was asked for (404), so it may be something else"
    phrase = httpx.codes.get_reason_phrase(status)
    return f"answered with {status} {phrase}".rstrip()


def _misshapen(error: ValidationError) -> str:
    fault = error.errors(include_input=False, include_url=False)[0]
    if fault["type"] == "json_invalid":
        return "answered with something else than JSON"
    where = ".".join(str(part) for part in fault["loc"])
    return (
        f"answered in a form that is not known: {where}: {fault['msg']}"
        if where
        else "answered in a form that is not known"
    )


def _detail(body: bytes) -> str:
    """What Airflow says of an error; nothing where something else than Airflow answers."""
    try:
        return str(_Refusal.model_validate_json(body).detail)
    except ValidationError:
        return ""
