"""The command `stretto`. It starts without grpc and without the server, so that help and version come at once."""

import importlib
import importlib.metadata
import sys
from collections.abc import Sequence
from typing import Protocol, cast

USAGE = """\
Usage: stretto COMMAND ...

Turns LangGraph graphs into durable, typed gRPC services.

Commands:
  serve      Serve workflow types: stretto serve MODULE:NAME ... (--help tells the options)

Options:
  --help     Show this text and exit.
  --version  Show the version and exit."""

NO_SERVER = "stretto: serving needs the server's packages ({missing} is missing): pip install 'stretto[server]'"

USAGE_ERROR = 2


class _Serve(Protocol):
    """What `stretto.server.__main__.main` is."""

    def __call__(self, argv: Sequence[str]) -> int | None: ...


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Run the command line; gives back the exit code."""
    match list(argv):
        case ["serve", *rest]:
            return _serve(rest)
        case [] | ["--help" | "-h"]:
            print(USAGE)
            return 0
        case ["--version"]:
            print(f"stretto {importlib.metadata.version('stretto')}")
            return 0
        case _:
            print(f"stretto: there is no command {argv[0]!r}; see stretto --help", file=sys.stderr)
            return USAGE_ERROR


def _serve(argv: Sequence[str]) -> int:
    """Hand over to the server, which a thin install has no packages for."""
    try:
        server = importlib.import_module("stretto.server.__main__")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("stretto"):
            raise
        print(NO_SERVER.format(missing=error.name), file=sys.stderr)
        return USAGE_ERROR
    return cast("_Serve", server.main)(argv) or 0
