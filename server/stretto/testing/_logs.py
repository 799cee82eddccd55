"""Where a server's log lines go in a test: to Python's own logging, which pytest shows beside a failure."""

import logging
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

_lock = threading.Lock()
_open = 0


@contextmanager
def logs_to_logging() -> Iterator[None]:
    """Send log lines to the loggers below `stretto`, unless the test's author has set structlog up already."""
    global _open  # noqa: PLW0603 - structlog's configuration is one for the process, and so is this count.
    with _lock:
        ours = _open > 0 or not structlog.is_configured()
        _open += ours
        if ours and _open == 1:
            _configure()
    try:
        yield
    finally:
        with _lock:
            _open -= ours
            if ours and not _open:
                structlog.reset_defaults()


def _configure() -> None:
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.contextvars.merge_contextvars, _as_record],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=_logger,
    )


def _logger(name: str = "stretto", *_: Any) -> logging.Logger:
    return logging.getLogger(name)


def _as_record(_: Any, __: str, event: MutableMapping[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    """One line of text; logging renders the traceback."""
    raised = event.pop("exc_info", None)
    fields = "".join(f" {key}={value!r}" for key, value in event.items() if key != "event")
    return (f"{event['event']}{fields}",), {"exc_info": raised} if raised else {}
