"""Server reflection over our own descriptors and those of all contracts, under both of its names."""

from collections.abc import Iterable

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # The package has no types.
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]  # The package has no types.
from grpc_reflection.v1alpha import reflection_pb2  # type: ignore[import-untyped]
from grpc_reflection.v1alpha._async import ReflectionServicer  # type: ignore[import-untyped]

from stretto.server.rpc._descriptors import add_file, add_files, proto_of

ALPHA = "grpc.reflection.v1alpha.ServerReflection"
STABLE = "grpc.reflection.v1.ServerReflection"
"""The same service with the same messages; grpcio-reflection knows the old name only."""


def new_reflection(services: Iterable[str], pool: DescriptorPool) -> ReflectionServicer:
    """A reflection servicer; adds what it serves beside the contracts to the pool."""
    add_file(pool, error_details_pb2.DESCRIPTOR)  # So that clients can show why they were refused.
    add_file(pool, health_pb2.DESCRIPTOR)
    add_file(pool, reflection_pb2.DESCRIPTOR)
    add_files(pool, [_stable(proto_of(reflection_pb2.DESCRIPTOR))], owner="The server")
    return ReflectionServicer((*services, ALPHA, STABLE), pool)


def _stable(file: FileDescriptorProto) -> FileDescriptorProto:
    """The file of the old name as that of the new one."""
    file.name = file.name.replace("v1alpha", "v1")
    file.package = file.package.replace("v1alpha", "v1")
    for message in file.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace(".v1alpha.", ".v1.")
    for method in file.service[0].method:
        method.input_type = method.input_type.replace(".v1alpha.", ".v1.")
        method.output_type = method.output_type.replace(".v1alpha.", ".v1.")
    return file
