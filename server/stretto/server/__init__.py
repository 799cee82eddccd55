"""Stretto's server. `App` is what a team's module needs to register its graphs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stretto.server.app.declare import App

__all__ = ["App"]


def __getattr__(name: str) -> Any:
    """Load `App` when it is asked for: it brings LangGraph along, which the API process does without."""
    if name == "App":
        from stretto.server.app.declare import App  # noqa: PLC0415 - see above

        return App
    raise AttributeError(name)
