"""Writes docs/reference/ from protos, settings, errors and commands; `--check` only says whether it is up to date.

Whatever has no description stops it: the reference has no holes.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
    ServiceDescriptorProto,
)
from pydantic import BaseModel

from stretto.server.__main__ import OF_SERVERS
from stretto.server.domain.settings import Settings
from stretto.workflows._settings import VariableSettings
from stretto.workflows.project_audit.settings import AuditSettings
from stretto.workflows.troubleshooting.settings import TroubleshootingSettings
from tools._cli_page import cli_page
from tools._errors_page import errors_page

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
HEAD = "<!-- Written by tools/gen_docs.py from {source}; `make proto` writes it again. -->\n\n"
# Field numbers of descriptor.proto, which make up the paths of comments.
MESSAGES, ENUMS, SERVICES, FIELDS, VALUES, METHODS, PACKAGE = 4, 5, 6, 2, 2, 2, 2


class Undocumented(Exception):
    """Something has no description."""


def main() -> None:
    """Write or check all pages."""
    parser = argparse.ArgumentParser(prog="python -m tools.gen_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a page is out of date")
    check = parser.parse_args().check
    stale = [name for name, text in pages().items() if not _is_current(REFERENCE / name, text)]
    if check and stale:
        sys.exit(f"out of date: {', '.join(stale)}; make proto writes them again")
    for name in stale:
        REFERENCE.mkdir(parents=True, exist_ok=True)
        (REFERENCE / name).write_text(pages()[name])
        print(f"wrote {REFERENCE.relative_to(ROOT) / name}")


def pages() -> dict[str, str]:
    """All pages of the reference, by file name."""
    files = descriptors()
    packages = sorted({file.package for file in files})
    written = {f"{package}.md": proto_page([file for file in files if file.package == package]) for package in packages}
    errors = HEAD.format(source="the protos, the client and the command line") + errors_page(files)
    commands = HEAD.format(source="the command line") + cli_page()
    settings = settings_page(Settings) + of_servers() + variables_of("troubleshooting", TroubleshootingSettings)
    settings += variables_of("project_audit", AuditSettings)
    return {**written, "cli.md": commands, "errors.md": errors, "settings.md": settings}


def descriptors() -> list[FileDescriptorProto]:
    """Our protos with their comments."""
    buf = Path(sys.executable).with_name("buf")
    build = [buf, "build", "--as-file-descriptor-set", "--exclude-imports", "--output", "-"]
    made = subprocess.run(build, cwd=ROOT, check=True, capture_output=True).stdout
    return [file for file in FileDescriptorSet.FromString(made).file if file.package.startswith("stretto.")]


def settings_page(settings: type[BaseModel]) -> str:
    """Every setting with its flag, its variable, its default and what it does."""
    lines = [HEAD.format(source="the settings"), "# Settings of `stretto serve` and `stretto worker`\n\n"]
    lines += ["| flag | variable | default | meaning |\n", "| --- | --- | --- | --- |\n"]
    for name, field in settings.model_fields.items():
        if not field.description:
            raise Undocumented(f"setting {name}")
        flag = f"--{name.replace('_', '-')}"
        default = f"`{field.default}`" if field.default not in ("", ()) else ""
        lines.append(f"| `{flag}` | `STRETTO_{name.upper()}` | {default} | {field.description} |\n")
    return "".join(lines)


def of_servers() -> str:
    """The settings that `stretto worker` has not."""
    flags = ", ".join(f"`--{name.replace('_', '-')}`" for name in Settings.model_fields if name in OF_SERVERS)
    return (
        "\n## What a worker does without\n\n"
        f"`stretto worker` has all these settings but those that mean something for a server only: {flags}.\n"
    )


def variables_of(workflow_type: str, settings: type[VariableSettings]) -> str:
    """Every setting of a shipped workflow type, which its steps read from their environment."""
    lines = [f"\n## Variables of the workflow type `{workflow_type}`\n\n"]
    lines += ["| variable | default | meaning |\n", "| --- | --- | --- |\n"]
    for name, field in settings.model_fields.items():
        if not field.description:
            raise Undocumented(f"setting {name} of {workflow_type}")
        default = f"`{field.default}`" if isinstance(field.default, int | float) else ""
        lines.append(f"| `{settings.variable(name)}` | {default} | {field.description} |\n")
    return "".join(lines)


def proto_page(files: Sequence[FileDescriptorProto]) -> str:
    """One page for one package: its services first, then its messages, then its enums."""
    rooms = [Room(file) for file in files]
    parts = [HEAD.format(source="the protos"), f"# `{files[0].package}`\n"]
    for room in rooms:
        parts += [f"\n{room.comment((PACKAGE,), room.file.name)}\n"] if room.file.service else []
    for section in (Room.services, Room.messages, Room.enums):
        for room in rooms:
            parts += section(room)
    return "".join(parts)


class Room:
    """One file and the comments in it."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self.file = file
        self._comments = {
            tuple(location.path): " ".join(location.leading_comments.split())
            for location in file.source_code_info.location
        }

    def comment(self, path: tuple[int, ...], what: str) -> str:
        """The comment above an element, as one line."""
        text = self._comments.get(path, "").replace("|", "\\|")
        if not text:
            raise Undocumented(f"{what} in {self.file.name}")
        return text

    def services(self) -> Iterator[str]:
        """Each service with its calls."""
        for number, service in enumerate(self.file.service):
            yield from self._service(service, (SERVICES, number))

    def messages(self) -> Iterator[str]:
        """Each message with its fields."""
        for number, message in enumerate(self.file.message_type):
            yield from self._message(message, (MESSAGES, number))

    def enums(self) -> Iterator[str]:
        """Each enum with its values."""
        for number, enum in enumerate(self.file.enum_type):
            yield from self._enum(enum, (ENUMS, number))

    def _service(self, service: ServiceDescriptorProto, path: tuple[int, ...]) -> Iterator[str]:
        yield f"\n## {service.name}\n\n{self.comment(path, service.name)}\n\n"
        yield "| call | takes | gives | repeatable |  |\n| --- | --- | --- | --- | --- |\n"
        for number, method in enumerate(service.method):
            text = self.comment((*path, METHODS, number), method.name)
            gives = f"{'stream of ' if method.server_streaming else ''}{_link(method.output_type)}"
            yield f"| `{method.name}` | {_link(method.input_type)} | {gives} | {_repeatable(method)} | {text} |\n"

    def _message(self, message: DescriptorProto, path: tuple[int, ...]) -> Iterator[str]:
        yield f"\n### {message.name}\n\n{self.comment(path, message.name)}\n"
        if message.field:
            yield "\n| field | type | number |  |\n| --- | --- | --- | --- |\n"
        for number, field in enumerate(message.field):
            text = self.comment((*path, FIELDS, number), f"{message.name}.{field.name}")
            yield f"| `{field.name}` | {_type(message, field)} | {field.number} | {text} |\n"
        if any(not nested.options.map_entry for nested in message.nested_type):
            raise Undocumented(f"{message.name} has nested messages, which this page knows no place for")

    def _enum(self, enum: EnumDescriptorProto, path: tuple[int, ...]) -> Iterator[str]:
        yield f"\n### {enum.name}\n\n{self.comment(path, enum.name)}\n\n"
        yield "| value | number |  |\n| --- | --- | --- |\n"
        for number, value in enumerate(enum.value):
            text = self.comment((*path, VALUES, number), value.name)
            yield f"| `{value.name}` | {value.number} | {text} |\n"


def _repeatable(method: MethodDescriptorProto) -> str:
    levels = {MethodOptions.NO_SIDE_EFFECTS: "reads only", MethodOptions.IDEMPOTENT: "yes"}
    return levels.get(method.options.idempotency_level, "no")


def _type(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    """A field's type as its author wrote it."""
    for nested in message.nested_type:
        if nested.options.map_entry and field.type_name.endswith(f".{nested.name}"):
            return f"map of {_type(nested, nested.field[0])} to {_type(nested, nested.field[1])}"
    name = _link(field.type_name) if field.type_name else FieldDescriptorProto.Type.Name(field.type)[5:].lower()
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"list of {name}"
    if field.proto3_optional:
        return f"optional {name}"
    return f"one of `{message.oneof_decl[field.oneof_index].name}`: {name}" if field.HasField("oneof_index") else name


def _link(type_name: str) -> str:
    """A type's name, linked to where it is described."""
    package, _, name = type_name.lstrip(".").rpartition(".")
    if package.startswith("stretto."):
        return f"[{name}]({package}.md#{name.lower()})"
    return f"`{package}.{name}`"


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    main()
