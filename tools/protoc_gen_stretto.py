"""A protoc plugin that writes our Python stubs: messages, grpc.aio services and the types of both.

buf calls it with a CodeGeneratorRequest on standard input. grpcio-tools has these generators inside its protoc
and ships no plugin of its own, so this one hands the request's descriptors to that protoc.

Before that it takes the import of `buf/validate/validate.proto` out of the descriptors. The rules stay in them as
options, which is where protovalidate reads them; without the import our stubs need no package `buf`, which belongs
to somebody else and which a user may have in another version.
"""

import pathlib
import sys
import tempfile

from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

RULES = "buf/validate/validate.proto"


def without_rules(file: FileDescriptorProto) -> FileDescriptorProto:
    """The same file, without the import of the validation rules."""
    kept = [name for name in file.dependency if name != RULES]
    del file.dependency[:]
    file.dependency.extend(kept)
    return file


def generate(files: FileDescriptorSet, names: list[str], out: str) -> None:
    """Run grpcio-tools' protoc over the descriptors."""
    descriptors = pathlib.Path(out, "descriptors.binpb")
    descriptors.write_bytes(files.SerializeToString())
    code = protoc.main(
        [
            "protoc",
            f"--descriptor_set_in={descriptors}",
            f"--python_out={out}",
            f"--grpc_python_out={out}",
            f"--mypy_out=quiet:{out}",
            f"--mypy_grpc_out=quiet:{out}",
            *names,
        ]
    )
    if code:
        sys.exit(f"protoc ended with code {code}")
    descriptors.unlink()


def main() -> None:
    """Answer one request of buf."""
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    files = FileDescriptorSet(file=[without_rules(file) for file in request.proto_file if file.name != RULES])
    response = plugin_pb2.CodeGeneratorResponse(
        supported_features=plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
    )
    with tempfile.TemporaryDirectory() as out:
        generate(files, [name for name in request.file_to_generate if name.startswith("stretto/")], out)
        for path in sorted(pathlib.Path(out).rglob("*.py*")):
            name = path.relative_to(out).as_posix()
            if name.endswith(("_grpc.py", "_grpc.pyi")) and "_service_" not in name:
                continue  # A file without a service has an empty grpc module.
            response.file.add(name=name, content=path.read_text())
        for package in sorted({pathlib.PurePosixPath(file.name).parent for file in response.file}):
            response.file.add(name=f"{package}/py.typed", content="")
    sys.stdout.buffer.write(response.SerializeToString())


if __name__ == "__main__":
    main()
