"""One call of a command: cyclopts reads the command line, errors become one line and an exit code."""

import asyncio
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Final

import cyclopts

from stretto.cli._exits import CommandError, Exit
from stretto.cli._output import Output
from stretto.cli._table import COMMANDS, Command

__all__ = ["build", "call"]

BUG: Final = "this is a bug: {name}: {text} (STRETTO_DEBUG=1 shows where; please report it)"


def build() -> cyclopts.App:
    """The command line of all commands. Each is imported when it is called."""
    app = cyclopts.App(
        name="stretto", help="Turns LangGraph graphs into durable, typed gRPC services.", version_flags=[]
    )
    for command in COMMANDS:
        if not command.native:
            app.command(command.path, name=command.name)
    return app


def call(command: Command, argv: Sequence[str]) -> int:
    """Run one command to its end; gives back the exit code."""
    output = Output(as_json="--json" in argv)
    try:
        return _call(command, argv)
    except CommandError as error:
        return _fail(output, error)
    except KeyboardInterrupt:
        return _fail(output, CommandError("interrupted", Exit.INTERRUPTED))
    except BrokenPipeError:
        _forget_stdout()
        return Exit.OK
    except ModuleNotFoundError:
        raise  # A missing extra, for which the entry has the words.
    except Exception as error:  # noqa: BLE001 - The edge of the process: whatever it is, a person reads it.
        return _fail(output, CommandError(BUG.format(name=type(error).__name__, text=error), Exit.FAULT))


def _call(command: Command, argv: Sequence[str]) -> int:
    try:
        function, bound, _ = build().parse_args([command.name, *argv], print_error=False, exit_on_error=False)
    except cyclopts.CycloptsError as error:
        raise CommandError(_words(command, error)) from error
    return _run(function, bound) or Exit.OK


def _run(function: Callable[..., Any], bound: inspect.BoundArguments) -> int | None:
    result = function(*bound.args, **bound.kwargs)
    code = asyncio.run(result) if inspect.iscoroutine(result) else result
    return code if isinstance(code, int) else None


def _fail(output: Output, error: CommandError) -> int:
    if os.environ.get("STRETTO_DEBUG"):
        traceback.print_exc()
    output.fail(error)
    return error.code


def _words(command: Command, error: cyclopts.CycloptsError) -> str:
    """A wrong call in one line."""
    error.verbose = False
    text = " ".join(str(error).split()).rstrip(".")
    return f"{command.name}: {text[:1].lower()}{text[1:]}; see stretto {command.name} --help"


def _forget_stdout() -> None:
    """The reader went away, as `head` does; nothing more is written, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
