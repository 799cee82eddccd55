"""What watchers are told of a branch, in the words of `stretto.fanout.v1.BranchProgress`."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, Final

from langgraph.config import get_stream_writer

from stretto.workflows.fan_out._figures import duration
from stretto.workflows.fan_out._outcome import Failure

EXACT_SECONDS: Final = 0.01
"""Shorter times are told in milliseconds."""


class Teller:
    """Tells of one branch, until that is over."""

    def __init__(
        self, source: str, item: str, share: Callable[[float], float | None], detail: Mapping[str, Any]
    ) -> None:
        self._branch = {"source": source, "item": item}
        self._detail = detail
        self._share = share
        self._write = get_stream_writer()
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._over = False

    def started(self, seconds_max: float) -> None:
        """It is being asked."""
        self._tell("started", {"timeout": duration(seconds_max)})

    def advanced(self, fraction: float, message: str, fields: Mapping[str, Any]) -> None:
        """It is so far. What a thread tells comes in its turn, so that no share of the whole overtakes another."""
        tell = partial(self._tell, "advanced", {"fraction": fraction}, fraction, message, fields)
        if threading.get_ident() == self._thread:
            tell()
            return
        with suppress(RuntimeError):  # The loop is closed: nobody listens any more.
            self._loop.call_soon_threadsafe(tell, context=copy_context())

    def succeeded(self, seconds: float, attempts: int, fields: Mapping[str, Any]) -> None:
        """It has an answer."""
        told = {"latency": duration(seconds), "attempts": attempts}
        self._tell("succeeded", told, 1.0, f"{self._name} answered in {_lasted(seconds)}", fields)

    def failed(self, failure: Failure, seconds: float, attempts: int) -> None:
        """It has none."""
        told = {
            "reason": failure.reason.value,
            "message": failure.message,
            "latency": duration(seconds),
            "attempts": attempts,
        }
        self._tell("failed", told, 1.0, f"{self._name} failed: {failure.message}")

    def close(self) -> None:
        """Tell nothing any more: a thread that was given up goes on talking."""
        self._over = True

    @property
    def _name(self) -> str:
        item = self._branch["item"]
        return f"{self._branch['source']} ({item})" if item else self._branch["source"]

    def _tell(
        self,
        kind: str,
        told: Mapping[str, Any],
        fraction: float | None = None,
        message: str = "",
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        if self._over:
            return
        chunk: dict[str, Any] = {
            "detail": {**self._detail, **(fields or {}), "branch": {**self._branch, kind: dict(told)}}
        }
        if message:
            chunk["message"] = message
        if fraction is not None and (share := self._share(fraction)) is not None:
            chunk["fraction"] = share
        self._write(chunk)


_current: ContextVar[Teller | None] = ContextVar("stretto_fan_out_teller", default=None)


@contextmanager
def telling(teller: Teller) -> Iterator[None]:
    """Let what is called inside tell of this branch with `advance`."""
    token = _current.set(teller)
    try:
        yield
    finally:
        _current.reset(token)


def advance(fraction: float, message: str = "", **fields: Any) -> None:
    """Tell how far the branch around the caller is, from 0 to 1; does nothing outside of one.

    Args:
        fraction: Share of the branch that is done.
        message: The same for people.
        fields: What the event's detail says beside `branch`.
    """
    teller = _current.get()
    if teller is not None:
        teller.advanced(min(max(fraction, 0.0), 1.0), message, fields)


def _lasted(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= EXACT_SECONDS else f"{seconds * 1e3:.1f} ms"
