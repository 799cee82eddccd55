"""Servers that stand in for one: they have some methods only, and answer what a test says."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import grpc


def says(answer):
    return grpc.unary_unary_rpc_method_handler(lambda _, __: answer, response_serializer=as_bytes)


def refuses(code, words):
    return grpc.unary_unary_rpc_method_handler(lambda _, context: context.abort(code, words))


def as_bytes(answer):
    return answer if isinstance(answer, bytes) else answer.SerializeToString()


@contextlib.contextmanager
def serving(**methods):
    """A server with some methods, by service and method in one name."""
    server = grpc.server(ThreadPoolExecutor(2))
    for name, handler in methods.items():
        service, _, method = name.partition("/")
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
