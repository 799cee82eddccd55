"""Whose call it is."""

from stretto.server.domain.workflow import DEFAULT_PROJECT
from stretto.server.rpc._calls import Context

__all__ = ["project_of"]


def project_of(_: Context) -> str:
    """The project of a call: it comes from who calls, never from the request. There are no keys yet, so one project."""
    return DEFAULT_PROJECT
