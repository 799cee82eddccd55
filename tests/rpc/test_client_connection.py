"""How the client connects and repeats, seen by bare gRPC servers."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
import trustme

from stretto import client as library
from stretto.catalog.v1 import catalog_service_pb2_grpc
from stretto.catalog.v1.catalog_service_pb2 import ListWorkflowTypesRequest, ListWorkflowTypesResponse
from stretto.catalog.v1.workflow_type_pb2 import WorkflowType
from stretto.client import Client, ClientSync
from tests.rpc.twins import Threaded


class Catalog(catalog_service_pb2_grpc.CatalogServiceServicer):
    """Has one type, fails as often as it is told to, and keeps what came with each call."""

    def __init__(self) -> None:
        self.failures = 0
        self.seen: list[dict[str, Any]] = []
        self.seconds: list[float] = []

    async def ListWorkflowTypes(  # noqa: N802 - The name is the RPC's.
        self, request: ListWorkflowTypesRequest, context: grpc.aio.ServicerContext
    ) -> ListWorkflowTypesResponse:
        self.seen.append(dict(iter(context.invocation_metadata() or ())))
        self.seconds.append(context.time_remaining())
        if self.failures:
            self.failures -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        return ListWorkflowTypesResponse(workflow_types=[WorkflowType(name="one")])


class Bare:
    """A server with that catalog only."""

    def __init__(self, credentials: grpc.ServerCredentials | None) -> None:
        self.catalog = Catalog()
        self.server = grpc.aio.server()
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(self.catalog, self.server)
        address = "localhost:0"
        port = (
            self.server.add_secure_port(address, credentials) if credentials else self.server.add_insecure_port(address)
        )
        self.address = f"localhost:{port}"


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    made: list[Bare] = []

    async def start(credentials: grpc.ServerCredentials | None = None) -> Bare:
        made.append(Bare(credentials))
        await made[-1].server.start()
        return made[-1]

    yield start
    for bare in made:
        await bare.server.stop(None)


def both(target: str, **options: Any) -> list[Any]:
    return [Client(target, **options), Threaded(ClientSync(target, **options))]


async def names(client: Any) -> list[str]:
    async with client:
        return [workflow_type.name async for workflow_type in client.types()]


async def test_a_short_break_is_bridged_by_grpc_itself(serve: Callable[..., Any]) -> None:
    bare = await serve()
    for client in both(bare.address):
        bare.catalog.failures, bare.catalog.seen = 2, []
        assert await names(client) == ["one"]
        assert [seen.get("grpc-previous-rpc-attempts") for seen in bare.catalog.seen] == [None, "1", "2"]
        assert len({seen["x-correlation-id"] for seen in bare.catalog.seen}) == 1


async def test_a_longer_break_is_bridged_within_the_time_of_the_call(serve: Callable[..., Any]) -> None:
    bare = await serve()
    for client in both(bare.address):
        bare.catalog.failures, bare.catalog.seen = 8, []
        assert await names(client) == ["one"]
        assert len(bare.catalog.seen) == 9
        assert len({seen["x-correlation-id"] for seen in bare.catalog.seen}) == 1


async def test_without_repeats_a_call_is_made_once(serve: Callable[..., Any]) -> None:
    bare = await serve()
    for client in both(bare.address, retry=False):
        bare.catalog.failures, bare.catalog.seen = 1, []
        with pytest.raises(library.Unavailable, match="not now"):
            await names(client)
        assert len(bare.catalog.seen) == 1
        bare.catalog.failures = 0


async def test_each_call_has_a_deadline_that_repeats_do_not_extend(serve: Callable[..., Any]) -> None:
    bare = await serve()
    for client in both(bare.address, timeout=3):
        bare.catalog.failures, bare.catalog.seconds = 4, []
        assert await names(client) == ["one"]
        first, *_, last = bare.catalog.seconds
        assert 2 < first < 3.5  # It travels rounded up.
        assert last < first - 0.1


async def test_metadata_of_the_caller_goes_along(serve: Callable[..., Any]) -> None:
    bare = await serve()
    for client in both(bare.address, metadata=[("authorization", "Bearer key")]):
        bare.catalog.seen = []
        assert await names(client) == ["one"]
        assert bare.catalog.seen[0]["authorization"] == "Bearer key"
        assert bare.catalog.seen[0]["user-agent"].startswith("stretto-python/")


async def test_tls_with_a_certificate_of_ones_own(serve: Callable[..., Any]) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    pair = (issued.private_key_pem.bytes(), b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    bare = await serve(grpc.ssl_server_credentials([pair]))
    trusted = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    for client in both(bare.address, credentials=trusted):
        assert await names(client) == ["one"]
    for stranger in (*both(bare.address, retry=False, tls=True), *both(bare.address, retry=False)):
        with pytest.raises(library.Unavailable):
            await names(stranger)
