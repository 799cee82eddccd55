"""What workflow types say in the log when a server starts: in one of its executors, and in none that replaces it."""

import threading
from collections.abc import Iterable

import structlog

from stretto.server.engine.registration import Declaration

_log = structlog.get_logger(__name__)


def speak(declarations: Iterable[Declaration]) -> None:
    """Let them speak, in a thread: what hangs there, such as a look at a share, holds up no workflow."""
    threading.Thread(target=_speak, args=(list(declarations),), name="stretto-at-start", daemon=True).start()


def _speak(declarations: Iterable[Declaration]) -> None:
    for declaration in declarations:
        try:
            if declaration.at_start is not None:
                declaration.at_start()
        except Exception:  # noqa: BLE001 - user code; workflows of the type may run well without it.
            _log.exception("at_start_failed", workflow_type=declaration.name)
