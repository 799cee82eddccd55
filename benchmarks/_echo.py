"""A bare grpc.aio server: what a call and an idle stream cost with no work behind them.

It takes and gives back a StartWorkflowRequest, so that the client code and the messages are those of a start.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import grpc

from stretto.workflow.v1 import workflow_service_pb2 as rpc

ECHO = "/benchmarks.Echo/Echo"
IDLE = "/stretto.workflow.v1.WorkflowService/WatchProgress"


async def _echo(
    request: rpc.StartWorkflowRequest, _: grpc.aio.ServicerContext[rpc.StartWorkflowRequest, rpc.StartWorkflowRequest]
) -> rpc.StartWorkflowRequest:
    return request


async def _idle(
    _: rpc.WatchProgressRequest, __: grpc.aio.ServicerContext[rpc.WatchProgressRequest, rpc.WatchProgressResponse]
) -> AsyncIterator[rpc.WatchProgressResponse]:
    yield rpc.WatchProgressResponse()
    await asyncio.Event().wait()


class _Handler(grpc.GenericRpcHandler):
    """Routes by hand: there is no service for these in the protos."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler | None":
        """The handler of a method."""
        if handler_call_details.method == ECHO:
            return grpc.unary_unary_rpc_method_handler(
                _echo, rpc.StartWorkflowRequest.FromString, rpc.StartWorkflowRequest.SerializeToString
            )
        return grpc.unary_stream_rpc_method_handler(
            _idle, rpc.WatchProgressRequest.FromString, rpc.WatchProgressResponse.SerializeToString
        )


async def serve(address: str) -> None:
    """Serve until killed."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Handler(),))
    server.add_insecure_port(address)
    await server.start()
    print(address, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
