"""`stretto serve`: flags and environment become Settings, Settings become a server."""

import asyncio
import sys
from typing import Annotated

import cyclopts

from stretto.server.app.logs import set_up_logs
from stretto.server.app.server import serve
from stretto.server.domain.errors import StrettoError
from stretto.server.domain.settings import Settings

app = cyclopts.App(name="stretto serve", config=cyclopts.config.Env("STRETTO_", command=False), version_flags=[])


@app.default
def serve_command(
    *targets: str, settings: Annotated[Settings, cyclopts.Parameter(name="*")] | None = None
) -> int:
    """Serve the workflow types of one or more apps over gRPC.

    Parameters
    ----------
    targets
        Apps to serve, each as MODULE:NAME, such as my_package.my_workflows:app.
    """
    settings = settings or Settings()
    if not targets:
        return _fail("Name at least one app as MODULE:NAME, such as my_package.my_workflows:app.")
    set_up_logs(settings.log_level, settings.log_format)
    try:
        asyncio.run(serve(settings, targets))
    except (StrettoError, ValueError) as error:
        return _fail(str(error))
    return 0


def main(argv: list[str] | None = None) -> None:
    """Run the command line: flags and targets, without the word `serve`."""
    code = app(argv)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(text: str) -> int:
    print(f"stretto: {text}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    main()
