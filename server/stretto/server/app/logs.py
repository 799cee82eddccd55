"""Logs: one line an event, for machines or for a terminal."""

import contextlib
import logging
import sys
from typing import Any

import structlog


def set_up_logs(level: str, form: str) -> None:
    """Write log lines of that level and worse to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *_rendering(form),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=_StandardError,
        cache_logger_on_first_use=True,
    )


class _StandardError:
    """Writes lines to standard error. A line that cannot be written is lost: a full disk must not fail the call."""

    def __init__(self, *_: Any) -> None:
        """Take the logger's name, which the lines do not carry."""

    def msg(self, message: str) -> None:
        """Write one line."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(message + "\n")
            sys.stderr.flush()

    log = debug = info = warning = warn = error = critical = fatal = exception = msg


def _rendering(form: str) -> list[structlog.typing.Processor]:
    if form == "text" or (form == "auto" and sys.stderr.isatty()):
        # Its own choice prints the values of local variables, and so what callers sent.
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
