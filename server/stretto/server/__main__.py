"""`stretto serve` and `stretto worker`: flags and environment become Settings, Settings become a process."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Final

import cyclopts
from pydantic import BaseModel, ValidationError, create_model

from stretto.server.app import server
from stretto.server.app.logs import set_up_logs
from stretto.server.domain.errors import StrettoError
from stretto.server.domain.settings import Settings

FAULT = 1
USAGE_ERROR = 2

OF_ONE_PROCESS: Final = ("", "sqlite", "memory")
"""Kinds of stores that only one process can have open; the first one is the file that is used when none is named."""

OF_SERVERS: Final = frozenset(
    {
        "listen",
        "run_workflows",
        "queue_max",
        "bookmark_seconds",
        "message_bytes_max",
        "streams_per_connection_max",
        "watchers_max",
        "orchestrator",
        "turn_seconds_max",
        "turns_max",
        "synchronous",
        "free_bytes_min",
        "reflection",
        "metrics_port",
        "metrics_host",
    }
)
"""Settings that mean nothing to a worker: it takes no calls and runs no turns, and its store is on no disk of its."""

WorkerSettings = create_model(
    "WorkerSettings",
    __config__=Settings.model_config,
    **{name: (field.annotation, field) for name, field in Settings.model_fields.items() if name not in OF_SERVERS},  # type: ignore[call-overload]  # Made of another model's fields.
)
"""The settings of a worker, so that its help and its variables are those that it heeds."""

_ENVIRONMENT: Final = cyclopts.config.Env("STRETTO_", command=False)

app = cyclopts.App(name="stretto serve", config=_ENVIRONMENT, version_flags=[])
worker_app = cyclopts.App(name="stretto worker", config=_ENVIRONMENT, version_flags=[])


@app.default
def serve_command(*targets: str, settings: Annotated[Settings, cyclopts.Parameter(name="*")] | None = None) -> int:
    """Serve the workflow types of one or more apps over gRPC.

    Parameters
    ----------
    targets
        Apps to serve, each as MODULE:NAME, such as my_package.my_workflows:app.
    """
    return _run(server.serve, settings or Settings(), targets)


@worker_app.default
def worker_command(
    *targets: str,
    settings: Annotated[WorkerSettings, cyclopts.Parameter(name="*")] | None = None,  # type: ignore[valid-type]
) -> int:
    """Run workflows for servers that share a store, and take no calls.

    A worker takes the workflows whose types and versions its apps have, as many at once as --concurrency-max says. It
    needs the --store and the --redis of its servers. When it dies, others go on with what it ran after --lease-seconds.
    SIGTERM, or `stretto drain`, lets running steps finish first.

    Parameters
    ----------
    targets
        Apps whose workflow types it runs, each as MODULE:NAME, such as my_package.my_workflows:app.
    """
    given: BaseModel = settings or WorkerSettings()
    # Turns are for servers, and it is there to run workflows.
    values = {**given.model_dump(exclude_unset=True), "orchestrator": False, "run_workflows": True}
    return _run(server.work, Settings(**values), targets, worker=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line: flags and targets, without the word `serve`."""
    _main(app, argv)


def worker(argv: Sequence[str] | None = None) -> None:
    """Run the command line: flags and targets, without the word `worker`."""
    _main(worker_app, argv)


def _main(command: cyclopts.App, argv: Sequence[str] | None) -> None:
    try:
        code = command(argv, exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        code = _fail(_told(error), USAGE_ERROR)
    sys.exit(code if isinstance(code, int) else 0)


def _run(
    process: Callable[[Settings, Sequence[str]], Coroutine[Any, Any, None]],
    settings: Settings,
    targets: Sequence[str],
    *,
    worker: bool = False,
) -> int:
    """Be a process until it is told to stop."""
    if not targets:
        return _fail("name at least one app as MODULE:NAME, such as my_package.my_workflows:app.", USAGE_ERROR)
    if fault := _sharing_fault(settings, worker=worker):
        return _fail(fault, USAGE_ERROR)
    set_up_logs(settings.log_level, settings.log_format)
    try:
        asyncio.run(process(settings, targets))
    except (StrettoError, ValueError) as error:
        return _fail(str(error), FAULT)
    return 0


def _sharing_fault(settings: Settings, *, worker: bool) -> str:
    """Why this cannot share a store as it is asked to; empty when it can, or need not."""
    kind = settings.store.partition(":")[0]
    if worker and not settings.redis:
        return "a worker gets its work through Redis or Valkey: name that of its servers with --redis redis://HOST/DB."
    if settings.redis and kind in OF_ONE_PROCESS:
        who, what = "a worker" if worker else "--redis", f"{kind}: serves" if kind else "a file, as now, serves"
        return f"{who} needs a store that is shared, and {what} one process; name --store postgresql://… or redis://…."
    if not settings.redis and not settings.run_workflows:
        return "without --run-workflows workers must run them, which share a store: name --store and --redis."
    return ""


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
