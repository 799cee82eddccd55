"""Writes the stubs of the tests' contracts with the same plugin code as the product's own.

Usage: build/codegen/bin/python tests/protos/generate.py
"""

import pathlib
import sys
import tempfile

import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
CONTRACTS = sorted(path.name for path in HERE.glob("*.proto"))
sys.path.insert(0, str(ROOT / "tools"))

from protoc_gen_stretto import RULES, without_rules  # noqa: E402 - It lies in tools/, which is no package.


def main() -> None:
    """Compile, take the import of the rules out, and write Python."""
    folders = (
        HERE,
        ROOT / "protos",
        ROOT / "client/stretto/cli/_protos",
        pathlib.Path(grpc_tools.__file__).parent / "_proto",
    )
    with tempfile.TemporaryDirectory() as scratch:
        descriptors = pathlib.Path(scratch, "all.binpb")
        included = [f"-I{folder}" for folder in folders]
        if protoc.main(["protoc", *included, "--include_imports", f"--descriptor_set_out={descriptors}", *CONTRACTS]):
            sys.exit("protoc could not compile the contracts")
        files = FileDescriptorSet.FromString(descriptors.read_bytes())
        kept = FileDescriptorSet(file=[without_rules(file) for file in files.file if file.name != RULES])
        descriptors.write_bytes(kept.SerializeToString())
        out = HERE / "generated"
        sys.exit(protoc.main(["protoc", f"--descriptor_set_in={descriptors}", f"--python_out={out}", *CONTRACTS]))


if __name__ == "__main__":
    main()
