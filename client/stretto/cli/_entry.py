"""Where the command line begins. Help and version need the standard library only, so they come at once."""

import difflib
import importlib
import importlib.util
import io
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from stretto.cli._exits import MEANINGS, Exit
from stretto.cli._table import COMMANDS, GROUPS, Command, find

NO_EXTRA = "stretto: {command} needs packages that are not installed ({missing}): pip install 'stretto[{extra}]'"


class _Native(Protocol):
    """What a native command's function is: it takes the rest of the command line."""

    def __call__(self, argv: Sequence[str]) -> int | None: ...


def main() -> None:
    """Run the command line and exit with its code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # Signs that a terminal's encoding lacks end no command.
    sys.exit(_until_read(sys.argv[1:]))


def _until_read(argv: Sequence[str]) -> int:
    """Run the command line, and be done when the reader goes away, as `head` does."""
    try:
        code = run(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # Nothing more is written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    return code


def run(argv: Sequence[str]) -> int:
    """Run the command line; gives back the exit code."""
    match list(argv):
        case [] | ["--help" | "-h"] | ["help"] | ["help", "--help" | "-h"]:
            print(usage())
        case ["--version" | "-V"]:
            print(f"stretto {_version()}")
        case ["help", "exit-codes"]:
            print(exit_codes())
        case ["help", name, *_]:
            return _run([name, "--help"])
        case rest:
            return _run(rest)
    return Exit.OK


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - It costs as much as all the rest of the help.

    return version("stretto")


def usage() -> str:
    """The root help."""
    width = max(len(command.name) for command in COMMANDS)
    lines = [f"{_bold('Usage:')} stretto COMMAND ...", "", "Turns LangGraph graphs into durable, typed gRPC services."]
    for group in GROUPS:
        lines += ["", _bold(f"{group}:")]
        lines += [f"  {command.name:<{width}}  {command.help}" for command in COMMANDS if command.group == group]
    lines += [
        f"  {'help':<{width}}  Explain a command or the exit codes: help NAME, help exit-codes.",
        "",
        _bold("Options:"),
        f"  {'--help':<{width}}  Show this text, or a command's options, and exit.",
        f"  {'--version':<{width}}  Show the version and exit.",
        "",
        "The server is --server HOST:PORT or STRETTO_SERVER, else 127.0.0.1:50051.",
        "With --json every command prints JSON. `stretto help exit-codes` is for scripts.",
    ]
    return "\n".join([*lines, *_missing_extras()])


def exit_codes() -> str:
    """The exit codes and what they mean."""
    return "\n".join([_bold("Exit codes:"), *(f"  {code.value:>3}  {text}" for code, text in MEANINGS.items())])


def _missing_extras() -> list[str]:
    """What to install for the commands that would not run now."""
    if _absent("cyclopts") or _absent("rich"):
        return ["", "Only the client library is here. Commands: pip install 'stretto[cli]'; serve: 'stretto[server]'."]
    if _absent("langgraph") or _absent("apsw"):
        return ["", "Only the client and its commands are here. For serve: pip install 'stretto[server]'."]
    return []


def _absent(package: str) -> bool:
    """Whether a package cannot be imported, found out without importing it."""
    try:
        return importlib.util.find_spec(package) is None
    except ModuleNotFoundError:
        return True


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text


def _run(argv: Sequence[str]) -> int:
    command = find(argv[0])
    if command is None:
        print(_unknown(argv[0]), file=sys.stderr)
        return Exit.USAGE
    try:
        return _call(command, argv[1:])
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "stretto":
            raise
        text = NO_EXTRA.format(command=command.name, missing=error.name, extra=command.needs)
        print(text, file=sys.stderr)
        return Exit.USAGE


def _call(command: Command, argv: Sequence[str]) -> int:
    if command.native:
        module, _, name = command.path.partition(":")
        return cast("_Native", getattr(importlib.import_module(module), name))(argv) or Exit.OK
    app = importlib.import_module("stretto.cli._app")
    return cast("int", app.call(command, argv))


def _unknown(name: str) -> str:
    """A line on a command that is none, with the nearest one."""
    if name.startswith("-"):
        return f"stretto: {name!r} stands before the command; options come after it: stretto COMMAND {name} …"
    near = difflib.get_close_matches(name, [command.name for command in COMMANDS], n=2)
    hint = f"did you mean {' or '.join(near)}?" if near else "see stretto --help"
    return f"stretto: there is no command {name!r}; {hint}"
