"""grpc.health.v1: whether this server takes calls, for each of its services and for all of them (`""`)."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # The package has no types.

SERVICE = "grpc.health.v1.Health"

Status = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # The package has no types.
    """Tells one truth for all services; its watch streams end with the server, unlike those of grpcio's own."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset({"", *services})
        self._serving = False
        self._ending = False
        self._changed = asyncio.Event()

    def set_serving(self, serving: bool) -> None:  # noqa: FBT001 - The one thing that it takes.
        """Change the truth and tell all who watch."""
        self._serving = serving
        self._wake()

    def end(self) -> None:
        """Say NOT_SERVING for good, and end all watch streams."""
        self._serving = False
        self._ending = True
        self._wake()

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - The name in the protos.
        """Whether a service takes calls now."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"There is no service {request.service!r}.")
        return self._answer(request.service)

    async def List(self, _: Any, __: Any) -> Any:  # noqa: N802 - The name in the protos.
        """Whether each service takes calls now."""
        return health_pb2.HealthListResponse(statuses={name: self._answer(name) for name in sorted(self._services)})

    async def Watch(self, request: Any, _: Any) -> AsyncIterator[Any]:  # noqa: N802 - The name in the protos.
        """Whether a service takes calls, now and whenever that changes."""
        told = None
        while True:
            changed = self._changed
            answer = self._answer(request.service)
            if answer != told:
                told = answer
                yield answer
            if self._ending:
                return
            await changed.wait()

    def _answer(self, service: str) -> Any:
        if service not in self._services:
            return Status(status=Status.SERVICE_UNKNOWN)
        return Status(status=Status.SERVING if self._serving else Status.NOT_SERVING)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
