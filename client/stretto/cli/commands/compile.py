"""`stretto compile`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from stretto.cli._compile import Request, compile_protos
from stretto.cli._options import PRINTING, Printing

__all__ = ["compile"]


def compile(  # noqa: A001 - The command's name; nothing here needs the builtin.
    protos: Annotated[Path, Parameter(help="The folder with your .proto files; imports are looked for from there.")] = (
        Path("protos")
    ),
    /,
    *,
    out: Annotated[
        Path, Parameter(help="Where the Python files go; the folder from which your code imports them.")
    ] = Path(),
    grpc: Annotated[bool, Parameter(negative="", help="Write stubs for the gRPC services in your files too.")] = False,
    descriptor_set: Annotated[
        Path | None, Parameter(help="Write the descriptors of all files and their imports to this file too.")
    ] = None,
    printing: Printing = PRINTING,
) -> None:
    """Write Python classes for the messages of your .proto files.

    `protos/shop/v1/order.proto` becomes `shop/v1/order_pb2.py` and `shop/v1/order_pb2.pyi`. The rules of protovalidate
    can be imported as `buf/validate/validate.proto`; they stay in the messages, and the Python code needs no package
    for them.
    """
    output = printing.output()
    compiled = compile_protos(Request(protos, out, grpc=grpc, descriptor_set=descriptor_set))
    if compiled.warnings:
        output.note(compiled.warnings)
    for path in compiled.files:
        output.show(f"wrote {path}")
    output.document(
        {"files": [str(path) for path in compiled.files], "warnings": compiled.warnings.splitlines()},
    )
