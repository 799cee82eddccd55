"""What happens around every call, once: decoding, rules, admission, correlation, logging, errors."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final, NoReturn, cast

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from grpc.aio import AbortError, ServicerContext
from structlog.contextvars import bind_contextvars

from stretto.server.domain.errors import InvalidRequest, MalformedRequest, StreamEnded
from stretto.server.domain.ids import new_correlation_id
from stretto.server.rpc._admission import Admission, CallClass
from stretto.server.rpc._rules import violations_of
from stretto.server.rpc.errors import STATUS_DETAILS_KEY, code_of, to_status

CORRELATION_KEY: Final = "x-correlation-id"
"""Metadata that ties a caller's log to ours; sent back in the initial metadata of watch streams, and in the trailing
metadata of all other calls and of every refusal."""

_CORRELATION_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_MILLISECONDS: Final = 1_000
_STREAMS: Final = (CallClass.WATCH, CallClass.HEALTH)

_log = structlog.stdlib.get_logger("stretto.rpc")

Context = ServicerContext[Any, Any]
Handler = Any
"""A grpc.RpcMethodHandler, whose types know the blocking API only."""


class Malformed:
    """Stands for a request whose bytes do not parse: a deserializer may not raise, or callers would see UNKNOWN."""


class Recorder:
    """Takes the place of a server in the generated `add_…_to_server`, and wraps the handlers that it is given."""

    def __init__(self, calls: "Calls", classes: Mapping[str, CallClass]) -> None:
        self._calls = calls
        self._classes = classes
        self.handlers: dict[str, dict[str, Handler]] = {}

    def add_generic_rpc_handlers(self, _: object) -> None:
        """The same handlers as the registered ones."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """Wrap a service's handlers. A method without a class is a KeyError: nothing is served by default."""
        self.handlers[service] = {
            name: self._calls.wrap(f"{service}/{name}", handler, self._classes[f"{service}/{name}"])
            for name, handler in handlers.items()
        }

    def serve_on(self, server: grpc.aio.Server) -> None:
        """Hand the wrapped handlers to a server."""
        for service, handlers in self.handlers.items():
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
            server.add_registered_method_handlers(service, handlers)


class Calls:
    """Wraps handlers."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._ending = asyncio.Event()

    def end_streams(self) -> None:
        """End the streams whose clients send requests, which would otherwise last as long as the client likes."""
        self._ending.set()

    def wrap(self, method: str, handler: Handler, call_class: CallClass) -> Handler:
        """The handler with everything around it."""
        parts = {
            "request_deserializer": _tolerant(handler.request_deserializer),
            "response_serializer": handler.response_serializer,
        }

        async def unary(request: Any, context: Context) -> Any:
            return await self._run(method, call_class, context, lambda: _answer(handler.unary_unary, request, context))

        async def stream(request: Any, context: Context) -> None:
            await self._run(method, call_class, context, lambda: _send(handler.unary_stream, request, context))

        async def both(requests: AsyncIterator[Any], context: Context) -> None:
            until = self._until_ending(requests)
            await self._run(method, call_class, context, lambda: _exchange(handler.stream_stream, until, context))

        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(cast("Any", both), **parts)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(cast("Any", stream), **parts)
        return grpc.unary_unary_rpc_method_handler(cast("Any", unary), **parts)

    async def _run(
        self, method: str, call_class: CallClass, context: Context, work: Callable[[], Awaitable[Any]]
    ) -> Any:
        """Do a call's work; tell the log how it went, and the caller why it failed."""
        started = time.perf_counter()
        correlation_id = _correlation_id(context)
        bind_contextvars(correlation_id=correlation_id)
        code = grpc.StatusCode.OK
        try:
            with self._admission.enter(call_class):
                if call_class in _STREAMS:
                    await context.send_initial_metadata(((CORRELATION_KEY, correlation_id),))
                else:  # With the answer: sending metadata ahead of it costs a fifth of a small call.
                    context.set_trailing_metadata(((CORRELATION_KEY, correlation_id),))
                return await work()
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED
            raise
        except AbortError:
            code = context.code()  # Somebody has told the caller already.
            raise
        except Exception as error:  # noqa: BLE001 - The edge of a call: all that callers may see is in one table.
            code, refused = code_of(error), error
            if code is grpc.StatusCode.INTERNAL:
                _log.error("call failed", method=method, exc_info=True)
        finally:
            ms = round((time.perf_counter() - started) * _MILLISECONDS, 2)
            left = call_class in _STREAMS and code is grpc.StatusCode.CANCELLED  # Watchers come and go.
            level = _log.debug if left or code is grpc.StatusCode.OK else _log.info
            level("call", method=method, code=code.name, ms=ms)
        return await _abort(context, refused, correlation_id)

    async def _until_ending(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """A client's requests, until it has no more or the server ends the stream."""
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            while True:
                following = asyncio.ensure_future(anext(requests, None))
                await asyncio.wait((following, ending), return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    following.cancel()
                    raise StreamEnded
                if (request := following.result()) is None:
                    return
                yield _checked(request)
        finally:
            ending.cancel()


async def _answer(behavior: Any, request: Any, context: Context) -> Any:
    return await behavior(_checked(request), context)


async def _send(behavior: Any, request: Any, context: Context) -> None:
    async with aclosing(behavior(_checked(request), context)) as responses:
        async for response in responses:
            await context.write(response)


async def _exchange(behavior: Any, requests: AsyncIterator[Any], context: Context) -> None:
    async with aclosing(behavior(requests, context)) as responses:
        async for response in responses:
            await context.write(response)


def _tolerant(deserialize: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    """A deserializer that gives a Malformed in the place of an error."""
    assert deserialize is not None

    def parse(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError:
            return Malformed()

    return parse


def _checked(request: Any) -> Any:
    """The request, when it parses and keeps the rules of its own message."""
    if isinstance(request, Malformed):
        raise MalformedRequest
    assert isinstance(request, Message)
    if violations := violations_of(request):
        told = "; ".join(f"{violation.field} {violation.description}" for violation in violations[:3])
        raise InvalidRequest(f"The request breaks a rule: {told}.", violations=violations)
    return request


def _correlation_id(context: Context) -> str:
    """The caller's own id, if it is one that may stand in a log, or a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == CORRELATION_KEY and isinstance(value, str) and _CORRELATION_ID.fullmatch(value):
            return value
    return new_correlation_id()


async def _abort(context: Context, error: Exception, correlation_id: str) -> NoReturn:
    """End a call with an error's status and details."""
    status = to_status(error)
    await context.abort(
        code_of(error),
        status.message,
        trailing_metadata=(
            (CORRELATION_KEY, correlation_id),
            (STATUS_DETAILS_KEY, status.SerializeToString()),
        ),
    )
