"""The page of the command line: every command with its arguments and options, as its help tells them."""

import inspect
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any, Final

import cyclopts

from stretto.cli._app import QUIET, build, load, usage
from stretto.cli._table import COMMANDS, GROUPS, Command

COMMON: Final = frozenset({"--server", "--tls", "--token", "--timeout", "--json"})
"""Options that are told once, at the top."""

ABOUT: Final = """\
# `stretto`

`stretto --help` lists the commands, and each command tells its options with `--help`. What is asked for goes to stdout,
all else to stderr. Exit codes are on the page of [errors](errors.md#exit-codes-of-stretto).

`pip install 'stretto[cli]'` brings the commands, `pip install 'stretto[server]'` brings `stretto serve` and
`stretto worker` too.

## Options of all commands

Those that say which server are only for commands that call one.

"""

NATIVE: Final = {
    "serve": "Its options are the [settings](settings.md).",
    "worker": "Its options are the [settings of a worker](settings.md#what-a-worker-does-without).",
}
"""Where the options of the commands are that read their command line themselves."""


class Undocumented(Exception):
    """A command or an option has no description."""


def cli_page(commands: Iterable[Command] = COMMANDS) -> str:
    """All commands by group, and before them the options that they have in common."""
    commands = tuple(commands)
    app = build(commands)
    common = {one.name: one for command in commands for one in _arguments(app, command) if one.name in COMMON}
    parts = [ABOUT, *_table(common.values())]
    for group in GROUPS:
        parts.append(f"\n## {group}\n")
        for command in commands:
            parts += _command(app, command) if command.group == group else ()
    return "".join(parts)


def _command(app: cyclopts.App, command: Command) -> Iterator[str]:
    yield f"\n### {command.name}\n\n{command.help}"
    if command.native:
        yield f" {NATIVE[command.name]}\n"
        return
    function = load(command)
    yield f"\n\n    {usage(command, function)}\n"
    if more := _more(command, function):
        yield f"\n{more}\n"
    own = [argument for argument in _arguments(app, command) if argument.name not in COMMON]
    if own:
        yield "\n"
        yield from _table(own)


def _more(command: Command, function: Any) -> str:
    """What a command's help says beyond its first line."""
    text = inspect.getdoc(function)
    if not text:
        raise Undocumented(command.name)
    return text.partition("\n\n")[2].strip()


def _arguments(app: cyclopts.App, command: Command) -> list[Any]:
    """A command's arguments and options, without those that are only made of others."""
    if command.native:
        return []
    found = app[command.name].assemble_argument_collection(default_parameter=QUIET, parse_docstring=True)
    return [argument for argument in found if argument.parse and not argument.children]


def _table(arguments: Iterable[Any]) -> Iterator[str]:
    yield "| option | default | meaning |\n| --- | --- | --- |\n"
    for argument in arguments:
        if not argument.parameter.help:
            raise Undocumented(argument.name)
        names = ", ".join(f"`{name}`" for name in argument.names).replace("|", "\\|")
        variables = "".join(f" Variable: `{name}`." for name in argument.parameter.env_var or ())
        text = " ".join(argument.parameter.help.split()).replace("|", "\\|")
        yield f"| {names} | {_default(argument.field_info.default)} | {text}{variables} |\n"


def _default(value: Any) -> str:
    """A default that is worth telling."""
    return f"`{value}`" if isinstance(value, str | int | float | PurePath) and value not in {"", False} else ""
