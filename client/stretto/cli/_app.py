"""One call of a command: cyclopts reads the command line, errors become one line and an exit code."""

import asyncio
import contextlib
import importlib
import inspect
import os
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import cyclopts

from stretto.cli._exits import CommandError, Exit
from stretto.cli._input import STDIN
from stretto.cli._output import Output
from stretto.cli._table import COMMANDS, Command

__all__ = ["build", "call"]

QUIET: Final = cyclopts.Parameter(negative="", show_default=False)
"""What holds for all parameters that do not say otherwise: no --no-…, and no default in the help."""

BUG: Final = "this is a bug: {name}: {text} (STRETTO_DEBUG=1 shows where; please report it)"


def build(commands: Iterable[Command] = COMMANDS) -> cyclopts.App:
    """The command line of some commands; their modules are imported here, so one call makes that of its own only."""
    app = cyclopts.App(
        name="stretto",
        version_flags=[],
        default_parameter=QUIET,
        group_parameters=cyclopts.Group("Options", sort_key=10),
    )
    for command in commands:
        if command.native:
            app.command(cyclopts.App(name=command.name, help=command.help, version_flags=[]))
        else:
            function = load(command)
            app.command(function, name=command.name, usage=f"Usage: {usage(command, function)}")
    return app


def load(command: Command) -> Callable[..., Any]:
    """A command's function."""
    module, _, name = command.path.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def usage(command: Command, function: Callable[..., Any]) -> str:
    """How a command is called, in one line."""
    words = ["stretto", command.name]
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.POSITIONAL_ONLY:
            name = name_of(parameter)
            words.append(name if parameter.default is parameter.empty else f"[{name}]")
    return " ".join([*words, "[OPTIONS]"])


def name_of(parameter: inspect.Parameter) -> str:
    """What the help calls an argument."""
    named = [name for one in getattr(parameter.annotation, "__metadata__", ()) for name in one.name or ()]
    return named[0] if named else parameter.name.upper().replace("_", "-")


def call(command: Command, argv: Sequence[str]) -> int:
    """Run one command to its end; gives back the exit code."""
    output = Output(as_json="--json" in argv)
    try:
        return _call(command, argv)
    except CommandError as error:
        return _fail(output, error)
    except KeyboardInterrupt:
        if output.errors.is_terminal:
            output.aside().show("")  # The line after ^C.
        return _fail(output, CommandError("interrupted", Exit.INTERRUPTED))
    except BrokenPipeError:
        raise  # The entry's, which every other command has too.
    except ModuleNotFoundError:
        raise  # A missing extra, for which the entry has the words.
    except Exception as error:  # noqa: BLE001 - The edge of the process: whatever it is, a person reads it.
        return _fail(output, CommandError(BUG.format(name=type(error).__name__, text=error), Exit.FAULT))


def _call(command: Command, argv: Sequence[str]) -> int:
    if no_text := next((word for word in argv if not _is_text(word)), None):
        raise CommandError(f"{command.name}: {no_text!r} is no UTF-8 text")
    tokens = [command.name, *(STDIN if word == "-" else word for word in argv)]
    try:
        function, bound, _ = build([command]).parse_args(tokens, print_error=False, exit_on_error=False)
    except cyclopts.CycloptsError as error:
        raise CommandError(_words(command, error)) from error
    return _run(function, bound) or Exit.OK


def _is_text(word: str) -> bool:
    """Whether the API can take it. A file may have any name."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return word.startswith("@")
    return True


def _run(function: Callable[..., Any], bound: inspect.BoundArguments) -> int | None:
    result = function(*bound.args, **bound.kwargs)
    code = asyncio.run(result) if inspect.iscoroutine(result) else result
    return code if isinstance(code, int) else None


def _fail(output: Output, error: CommandError) -> int:
    if os.environ.get("STRETTO_DEBUG"):
        traceback.print_exc()
    with contextlib.suppress(BrokenPipeError):  # The exit code says it too.
        output.fail(error)
    return error.code


def _words(command: Command, error: cyclopts.CycloptsError) -> str:
    """A wrong call in one line."""
    error.verbose = False
    text = " ".join(str(error).split()).rstrip(".")
    match error:
        case cyclopts.MissingArgumentError(argument=cyclopts.argument.Argument(name=name)):
            text = f"{name} needs a value" if name.startswith("-") else f"{name} is missing"
        case cyclopts.UnusedCliTokensError(unused_tokens=[first, *_]):
            text = f"{first!r} is one argument too many"
    hint = "" if text.endswith("?") else f"; see stretto {command.name} --help"
    return f"{command.name}: {text[:1].lower() if text[:2].istitle() else text[:1]}{text[1:]}{hint}"
