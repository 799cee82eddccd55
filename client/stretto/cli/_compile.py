"""Makes Python of a user's .proto files, with the protoc that grpcio-tools brings along.

It runs twice. First it reads the files, with `buf/validate/validate.proto` at hand, and writes descriptors. Then, of
these, it writes Python, after the import of the rules is taken out of them: otherwise the code would import a package
`buf`, which belongs to somebody else. The rules stay in as options, which is where protovalidate looks for them.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from stretto.cli._exits import CommandError, Exit

__all__ = ["RULES", "Compiled", "Request", "compile_protos"]

RULES: Final = "buf/validate/validate.proto"
BUNDLED: Final = Path(__file__).parent / "_protos"
NO_PROTOC: Final = "compile needs protoc, which grpcio-tools has: pip install 'stretto[compile]'"


@dataclass(frozen=True, slots=True)
class Request:
    """What to compile, and what to make of it."""

    protos: Path
    out: Path
    grpc: bool = False
    descriptor_set: Path | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of it."""

    files: tuple[Path, ...]
    """The files that were written."""
    warnings: str
    """What protoc had to say, in its own words; mostly nothing."""


def compile_protos(request: Request) -> Compiled:
    """Compile all .proto files of a folder. What is wrong with them is a `CommandError` in protoc's words."""
    if importlib.util.find_spec("grpc_tools") is None:
        raise CommandError(NO_PROTOC)
    names = _names(request.protos)
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch, "whole.binpb")
        warnings = _describe(request.protos, names, whole)
        made = Path(scratch, "out")
        made.mkdir()
        _generate(whole, names, made, grpc=request.grpc)
        try:
            return Compiled(tuple(_deliver(request, whole, made)), warnings)
        except OSError as error:
            raise CommandError(f"cannot write {error.filename}: {error.strerror}", Exit.FAULT) from error


def _names(protos: Path) -> list[str]:
    """The files to compile, as other files import them."""
    if not protos.is_dir():
        raise CommandError(f"there is no folder {protos}; name the one with your .proto files: stretto compile FOLDER")
    paths = (path.relative_to(protos) for path in protos.rglob("*.proto"))
    names = sorted(path.as_posix() for path in paths if not _is_foreign(protos, path))
    if not names:
        raise CommandError(f"there is no .proto file in {protos}")
    return names


def _is_foreign(protos: Path, path: Path) -> bool:
    """Whether a file is none of the user's own: the rules, or something in an environment or a hidden folder."""
    folders = [protos / parent for parent in path.parents]
    return (
        path.as_posix() == RULES
        or any(part.startswith(".") for part in path.parts)
        or any((folder / "pyvenv.cfg").exists() for folder in folders)
    )


def _describe(protos: Path, names: Sequence[str], whole: Path) -> str:
    """Write the descriptors of all files and of what they import, comments included; gives back the warnings."""
    included = (f"-I{protos}", f"-I{BUNDLED}")
    return _protoc(*included, "--include_imports", "--include_source_info", f"--descriptor_set_out={whole}", *names)


def _generate(whole: Path, names: Sequence[str], out: Path, *, grpc: bool) -> None:
    """Write Python of the descriptors: messages, their types and, for files with services, stubs."""
    files = FileDescriptorSet.FromString(whole.read_bytes()).file
    kept = FileDescriptorSet(file=[without_rules(file) for file in files if file.name != RULES])
    described = whole.with_name("kept.binpb")
    described.write_bytes(kept.SerializeToString())
    source = f"--descriptor_set_in={described}"
    _protoc(source, f"--python_out={out}", f"--pyi_out={out}", *names)
    serving = [file.name for file in kept.file if file.service and file.name in names]
    if grpc and serving:
        _protoc(source, f"--grpc_python_out={out}", *serving)


def without_rules(file: FileDescriptorProto) -> FileDescriptorProto:
    """The same file, without the import of the rules."""
    kept = FileDescriptorProto()
    kept.CopyFrom(file)
    if RULES not in file.dependency:
        return kept
    gone = list(file.dependency).index(RULES)
    del kept.dependency[gone]
    # These name imports by their place.
    kept.public_dependency[:] = [place - (place > gone) for place in file.public_dependency if place != gone]
    kept.weak_dependency[:] = [place - (place > gone) for place in file.weak_dependency if place != gone]
    return kept


def _protoc(*arguments: str) -> str:
    """Run protoc, which writes its complaints to stderr; gives back the warnings."""
    # -P: nothing in the user's folder may stand in for protoc's own modules.
    argv = (sys.executable, "-P", "-m", "grpc_tools.protoc", *arguments)
    done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 - Our own interpreter.
    if done.returncode:
        raise CommandError(f"the .proto files do not compile:\n{done.stderr.strip()}")
    return done.stderr.strip()


def _deliver(request: Request, whole: Path, made: Path) -> Iterator[Path]:
    """Put what was made where it belongs, all of it after all of it was made."""
    for path in sorted(path for path in made.rglob("*") if path.is_file()):
        target = request.out / path.relative_to(made)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        yield target
    if request.descriptor_set:
        shutil.copyfile(whole, request.descriptor_set)
        yield request.descriptor_set
