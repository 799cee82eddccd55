"""Stretto's server. A team's module registers its graphs with `App`; `Misconfigured` says what is set wrongly there."""

from typing import TYPE_CHECKING, Any

from stretto.server.domain.errors import Misconfigured

if TYPE_CHECKING:
    from stretto.server.app.declare import App

__all__ = ["App", "Misconfigured"]


def __getattr__(name: str) -> Any:
    """Load `App` when it is asked for: it brings LangGraph along, which the API process does without."""
    if name == "App":
        from stretto.server.app.declare import App  # noqa: PLC0415 - see above

        return App
    raise AttributeError(name)
