"""`stretto serve`: flags and environment become Settings, Settings become a server."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Annotated

import cyclopts
from pydantic import ValidationError

from stretto.server.app.logs import set_up_logs
from stretto.server.app.server import serve
from stretto.server.domain.errors import StrettoError
from stretto.server.domain.settings import Settings

FAULT = 1
USAGE_ERROR = 2

app = cyclopts.App(name="stretto serve", config=cyclopts.config.Env("STRETTO_", command=False), version_flags=[])


@app.default
def serve_command(*targets: str, settings: Annotated[Settings, cyclopts.Parameter(name="*")] | None = None) -> int:
    """Serve the workflow types of one or more apps over gRPC.

    Parameters
    ----------
    targets
        Apps to serve, each as MODULE:NAME, such as my_package.my_workflows:app.
    """
    settings = settings or Settings()
    if not targets:
        return _fail("name at least one app as MODULE:NAME, such as my_package.my_workflows:app.", USAGE_ERROR)
    set_up_logs(settings.log_level, settings.log_format)
    try:
        asyncio.run(serve(settings, targets))
    except (StrettoError, ValueError) as error:
        return _fail(str(error), FAULT)
    return 0


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line: flags and targets, without the word `serve`."""
    try:
        code = app(argv, exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        code = _fail(_told(error), USAGE_ERROR)
    sys.exit(code if isinstance(code, int) else 0)


def _told(error: cyclopts.CycloptsError) -> str:
    """A wrong call in words: the flag, the variable, the value and what is allowed."""
    if not isinstance(error.__cause__, ValidationError):
        return str(error)
    return "; ".join(
        f"--{str(fault['loc'][-1]).replace('_', '-')} (or STRETTO_{str(fault['loc'][-1]).upper()}) "
        f"is {fault['input']!r}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.__cause__.errors()
    )


def _fail(text: str, code: int) -> int:
    print(f"stretto: {text}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    main()
