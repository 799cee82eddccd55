"""All checks of a server, in order: each is worth something only where the ones before went well."""

import importlib.metadata
import platform
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

import grpc
import grpc.aio

from stretto.catalog.v1.catalog_service_pb2 import ListWorkflowTypesRequest
from stretto.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stretto.cli._doctor._finding import Finding, Verdict, bad, ok, warn
from stretto.cli._doctor._judge import judge, judge_clocks, judge_commits, judge_echo, judge_version
from stretto.cli._doctor._reach import reach
from stretto.operations.v1.operations_service_pb2 import DiagnoseRequest, DiagnoseResponse
from stretto.operations.v1.operations_service_pb2_grpc import OperationsServiceStub

ECHOES: Final = 20
COMMITS: Final = 20

HEALTH_METHOD: Final = "/grpc.health.v1.Health/Check"
_SERVING: Final = b"\x08\x01"
"""A HealthCheckResponse that says SERVING: field 1, value 1. Its package is no dependency of the command line."""

Metadata = Sequence[tuple[str, str]]
Code = grpc.StatusCode


async def examine(server: str, *, tls: bool, metadata: Metadata, seconds: float) -> AsyncIterator[Finding]:
    """Findings about the way to a server, and the server; up to one that makes the rest idle."""
    async for finding in reach(server, seconds, tls=tls):
        yield finding
        if finding.verdict is Verdict.BAD:
            return
    channel = (
        grpc.aio.secure_channel(server, grpc.ssl_channel_credentials()) if tls else grpc.aio.insecure_channel(server)
    )
    async with channel:
        examination = _Examination(channel, metadata, seconds)
        async for finding in examination.findings():
            yield finding


def installation() -> Finding:
    """Which versions run here."""
    parts = {name: importlib.metadata.version(name) for name in ("stretto", "grpcio", "protobuf")}
    told = ", ".join([*(f"{name} {version}" for name, version in parts.items()), f"Python {platform.python_version()}"])
    return ok("installation", told, **parts, python=platform.python_version())


class _Examination:
    """The calls to one server."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata, seconds: float) -> None:
        self._health: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(HEALTH_METHOD)
        self._operations = OperationsServiceStub(channel)
        self._catalog = CatalogServiceStub(channel)
        self._metadata = tuple(metadata)
        self._seconds = seconds

    async def findings(self) -> AsyncIterator[Finding]:
        """Health first: whoever does not answer that answers nothing."""
        health = await self._check_health()
        yield health
        if health.check == "answer":
            return
        yield await self._check_echo()
        sent_at = time.time()
        try:
            diagnosed = await self._diagnose(0)
        except grpc.aio.AioRpcError as error:
            yield await self._undiagnosed(error)
            return
        diagnosis, round_trip = diagnosed.diagnosis, time.time() - sent_at
        yield judge_version(diagnosis.version, importlib.metadata.version("stretto"))
        answered_at = diagnosis.answered_at.seconds + diagnosis.answered_at.nanos / 1e9
        yield judge_clocks(answered_at - sent_at - round_trip / 2, round_trip / 2)
        for finding in judge(diagnosis):
            yield finding
        yield await self._check_commits()

    async def _check_health(self) -> Finding:
        try:
            answer = await self._call_health()
        except grpc.aio.AioRpcError as error:
            return _unhealthy(error)
        if answer == _SERVING:
            return ok("health", "SERVING")
        return bad("health", "NOT_SERVING", "the server starts, shuts down, or cannot use its store; more below")

    async def _call_health(self) -> bytes:
        return await self._health(b"", timeout=self._seconds, metadata=self._metadata)

    async def _check_echo(self) -> Finding:
        times_ms = []
        for _ in range(ECHOES):
            began = time.perf_counter()
            try:
                await self._call_health()
            except grpc.aio.AioRpcError as error:
                if error.code() is not Code.UNIMPLEMENTED:
                    return bad("echo", f"a call failed: {_told(error)}", "the server or the way to it is not steady")
            times_ms.append((time.perf_counter() - began) * 1e3)
        return judge_echo(times_ms)

    async def _check_commits(self) -> Finding:
        try:
            timed = await self._diagnose(COMMITS)
        except grpc.aio.AioRpcError as error:
            if error.code() is Code.RESOURCE_EXHAUSTED:
                return warn("commits", _told(error), "somebody else times commits now: try again in a moment")
            return bad("commits", _told(error), "look at the server's log")
        times_ms = [duration.ToTimedelta().total_seconds() * 1e3 for duration in timed.commit_times]
        return judge_commits(times_ms, timed.commit_fault)

    async def _diagnose(self, commits: int) -> DiagnoseResponse:
        # The server takes up to ten seconds for its commits, and five for one that is not answered.
        seconds = self._seconds + 15 * bool(commits)
        return await self._operations.Diagnose(
            DiagnoseRequest(commits=commits), timeout=seconds, metadata=self._metadata
        )

    async def _undiagnosed(self, error: grpc.aio.AioRpcError) -> Finding:
        """Why the server does not tell of itself."""
        if error.code() in {Code.UNAUTHENTICATED, Code.PERMISSION_DENIED}:
            return bad("diagnosis", _told(error), "say who you are: --token or STRETTO_TOKEN")
        if error.code() is not Code.UNIMPLEMENTED:
            return bad("diagnosis", _told(error), "look at the server's log")
        try:
            request = ListWorkflowTypesRequest(page_size=1)
            await self._catalog.ListWorkflowTypes(request, timeout=self._seconds, metadata=self._metadata)
        except grpc.aio.AioRpcError as other:
            if other.code() is Code.UNIMPLEMENTED:
                return bad("diagnosis", "it speaks gRPC, but is no Stretto server", "name the port of `stretto serve`")
            return bad("diagnosis", _told(other), "look at the server's log")
        return warn(
            "diagnosis",
            "the server is older than this command and does not tell of its parts",
            "update the server to see its store, executors, queue and commit times",
        )


def _unhealthy(error: grpc.aio.AioRpcError) -> Finding:
    """Why there is no answer about health; a finding of another name when there is no answer to anything."""
    match error.code():
        case Code.UNIMPLEMENTED:
            return warn("health", "there is no health service", "this is no Stretto server, or a proxy hides it")
        case Code.UNAUTHENTICATED | Code.PERMISSION_DENIED:
            return bad("health", _told(error), "say who you are: --token or STRETTO_TOKEN")
        case Code.DEADLINE_EXCEEDED:
            return bad("answer", "no answer in time", "the server hangs, or --timeout is too short")
        case _:
            return bad("answer", _told(error), "it accepts connections, but answers no call: is it a gRPC server?")


def _told(error: grpc.aio.AioRpcError) -> str:
    return f"{error.code().name}: {error.details()}"
