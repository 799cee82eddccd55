"""Descriptors of contracts: collected from generated classes, and merged into one pool. Knows nothing of grpc."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf import (
    any_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

from stretto.server.domain.errors import RegistrationError
from stretto.server.domain.payload import STRUCT
from stretto.server.domain.workflow_type import Contract

_WELL_KNOWN = (any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2)

_SHARED = ("google/protobuf/", "google/rpc/", "buf/validate/")
"""Files that come in many releases with the same meaning on the wire: whoever brings one first, wins."""

MessageClass = type[Message]


def contract_of(
    *,
    input: MessageClass | None = None,  # noqa: A002 - The word of the protos; it shadows nothing that is used here.
    result: MessageClass | None = None,
    progress: MessageClass | None = None,
    decision: MessageClass | Mapping[str, MessageClass] | None = None,
) -> Contract:
    """A contract out of generated message classes; `decision` is one class, or one for each step that asks.

    What is left out is a `google.protobuf.Struct`.
    """
    by_step = decision if isinstance(decision, Mapping) else {}
    common = None if isinstance(decision, Mapping) else decision
    return Contract(
        input_type=_name_of("input", input),
        result_type=_name_of("result", result),
        progress_type=_name_of("progress", progress),
        decision_type=_name_of("decision", common),
        decision_types=tuple((step, _name_of(f"decision of {step}", cls)) for step, cls in by_step.items()),
        file_descriptor_set=descriptor_set(input, result, progress, common, *by_step.values()),
    )


def descriptor_set(*classes: MessageClass | None) -> bytes:
    """A serialized FileDescriptorSet with these messages, a Struct, and all that they need; dependencies come first."""
    files: dict[str, FileDescriptorProto] = {}
    for cls in (struct_pb2.Struct, *classes):
        if cls is not None:
            for file in with_dependencies(cls.DESCRIPTOR.file):
                files.setdefault(file.name, proto_of(file))
    return FileDescriptorSet(file=files.values()).SerializeToString(deterministic=True)


def with_dependencies(file: Any) -> Iterator[FileDescriptor]:
    """A file descriptor and all that it imports, dependencies first; some may come twice."""
    for dependency in file.dependencies:
        yield from with_dependencies(dependency)
    yield file


def proto_of(file: FileDescriptor) -> FileDescriptorProto:
    """A file as a message."""
    proto = FileDescriptorProto()
    file.CopyToProto(proto)
    return proto


def new_pool() -> DescriptorPool:
    """A pool with the well-known types."""
    pool = DescriptorPool()
    for module in _WELL_KNOWN:
        add_file(pool, module.DESCRIPTOR)
    return pool


def add_file(pool: DescriptorPool, file: FileDescriptor) -> None:
    """Add a file of ours, and what it imports, to a pool."""
    add_files(pool, (proto_of(each) for each in with_dependencies(file)), owner="The server")


def add_set(pool: DescriptorPool, serialized: bytes, owner: str) -> None:
    """Add a contract's files to a pool; the owner is named when that does not go."""
    try:
        files = FileDescriptorSet.FromString(serialized)
    except DecodeError:
        raise RegistrationError(f"{owner} brings a contract whose descriptor set is no FileDescriptorSet.") from None
    add_files(pool, files.file, owner)


def add_files(pool: DescriptorPool, files: Iterable[FileDescriptorProto], owner: str) -> None:
    """Add files in whatever order they come; the same file twice is fine, two of one name are not."""
    left = {file.name: file for file in files}

    def add(file: FileDescriptorProto) -> None:
        for name in file.dependency:
            if dependency := left.pop(name, None):
                add(dependency)
        _add(pool, file, owner)

    while left:
        add(left.pop(next(iter(left))))


def _add(pool: DescriptorPool, file: FileDescriptorProto, owner: str) -> None:
    file = _comparable(file)
    try:
        known = _comparable(proto_of(pool.FindFileByName(file.name)))
    except KeyError:
        known = None
    if known is not None:
        if known == file or file.name.startswith(_SHARED):
            return
        raise RegistrationError(
            f"{owner} brings another definition of the file {file.name} than one that is registered already. "
            "Give the file another name, or generate both contracts from the same one."
        )
    try:
        pool.Add(file)
    except TypeError as error:
        raise RegistrationError(f"{owner} brings the file {file.name}, which does not fit in: {error}") from None


def _comparable(file: FileDescriptorProto) -> FileDescriptorProto:
    """The file without what differs between generators: comments and spelled-out default JSON names."""
    copy = FileDescriptorProto()
    copy.CopyFrom(file)
    copy.ClearField("source_code_info")
    for message in copy.message_type:
        _clear_json_names(message)
    return copy


def _clear_json_names(message: DescriptorProto) -> None:
    for field in message.field:
        head, *rest = field.name.split("_")
        if field.json_name == head + "".join(part[:1].upper() + part[1:] for part in rest):
            field.ClearField("json_name")
    for nested in message.nested_type:
        _clear_json_names(nested)


def _name_of(role: str, cls: MessageClass | None) -> str:
    if cls is None:
        return STRUCT
    if isinstance(cls, type) and issubclass(cls, Message):
        return cls.DESCRIPTOR.full_name
    raise RegistrationError(f"The {role} of a contract must be a generated protobuf message class, not {cls!r}.")
