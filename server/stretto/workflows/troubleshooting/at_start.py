"""What the log says of the sources when a server starts: which there are, what switches on more, what finds nothing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import structlog

from stretto.workflows.troubleshooting._knowledge_files import files_in
from stretto.workflows.troubleshooting._log_files import log_files
from stretto.workflows.troubleshooting.errors import SourceUnavailable
from stretto.workflows.troubleshooting.evidence import SOURCES
from stretto.workflows.troubleshooting.settings import TroubleshootingSettings
from stretto.workflows.troubleshooting.sources import SETTINGS, configured

_log = structlog.get_logger(__name__)


def say() -> None:
    """Say it of the environment's settings."""
    settings = TroubleshootingSettings.from_environment()
    sources = configured(settings)
    asked = [name for name in SOURCES if getattr(sources, name) is not None]
    others = ", ".join(f"{variable} ({name})" for name, variable in SETTINGS.items() if name not in asked)
    advice = f"More are switched on by {others}." if others else "These are all that there are."
    _log.info("troubleshooting_asks", sources=asked, advice=advice)
    for field in ("runbooks", "logs"):
        for reason in _missing(field, getattr(settings, field)):
            _log.warning("troubleshooting_finds_nothing", variable=settings.variable(field), reason=reason)


def _missing(field: str, folder: Path | None) -> Iterator[str]:
    """Why nothing is found in a folder now. It may be filled later, so that is no error."""
    try:
        if folder is not None and not _files(field, folder):
            yield f"The folder of {field} {folder} has none in it."
    except SourceUnavailable as error:
        yield str(error)


def _files(field: str, folder: Path) -> Sequence[Any]:
    return log_files(folder)[0] if field == "logs" else files_in(folder)
