"""The workflow types that ship with Stretto: `stretto serve stretto.workflows:app`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stretto.workflows._app import app

__all__ = ["app"]


def __getattr__(name: str) -> Any:
    # The app is built when somebody serves it: graphs of others use the parts in here without any of it.
    if name == "app":
        from stretto.workflows._app import app  # noqa: PLC0415

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
