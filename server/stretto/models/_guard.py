"""What stands around every call of a chat model: a deadline, retries of what passes, and a circuit breaker."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from stretto.models.errors import ModelUnavailable, Reason

if TYPE_CHECKING:
    from interlock import CircuitBreaker

T = TypeVar("T")

_WAIT_SECONDS_MAX = 1.0
_WAIT_SHARE_MAX = 0.125
"""Of the time that is left of a call: waiting between attempts must leave most of it for answers."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The limits of one model at one URL; its breaker is shared by all calls of the process."""

    seconds_max: float
    attempts_max: int
    breaker: "CircuitBreaker"

    def deadline(self, seconds_max: float | None) -> float:
        """When a call that begins now has to be over, on the running loop's clock; a caller may have less patience."""
        return asyncio.get_running_loop().time() + min(self.seconds_max, seconds_max or self.seconds_max)

    async def run(self, call: Callable[[], Awaitable[T]], *, deadline: float, retried: frozenset[Reason]) -> T:
        """Call until it succeeds, fails for a reason that is not retried, or has used up attempts or time."""
        import stamina  # noqa: PLC0415 - of the extra `model`

        seconds_left = max(0.0, deadline - asyncio.get_running_loop().time())
        wait_max = min(_WAIT_SECONDS_MAX, seconds_left * _WAIT_SHARE_MAX)
        attempts = stamina.retry_context(
            on=lambda error: _wait(error, retried, wait_max, deadline),
            attempts=self.attempts_max,
            timeout=None,  # `deadline` is what counts: it knows of the waiting, too.
            wait_initial=wait_max / 4,
            wait_max=wait_max,
            wait_jitter=wait_max / 4,
        )
        async for attempt in attempts:
            with attempt:
                return await self._attempt(call, deadline)
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, call: Callable[[], Awaitable[T]], deadline: float) -> T:
        from interlock import CircuitOpenError  # noqa: PLC0415 - of the extra `model`

        try:
            return await self.breaker.call(_in_time, call, deadline)
        except CircuitOpenError:
            raise ModelUnavailable(Reason.CIRCUIT_OPEN, "it failed too often of late") from None


async def _in_time(call: Callable[[], Awaitable[T]], deadline: float) -> T:
    # Inside of the breaker, which takes a cancellation from outside for no failure of the provider.
    try:
        async with asyncio.timeout_at(deadline):
            return await call()
    except TimeoutError:
        raise ModelUnavailable(Reason.TIMEOUT, "the time for the call is over") from None


def _wait(error: Exception, retried: frozenset[Reason], wait_max: float, deadline: float) -> bool | float:
    """Whether to try again: True after a wait of stamina's choice, seconds where the provider named them."""
    if not isinstance(error, ModelUnavailable) or error.reason not in retried:
        return False
    wait = error.retry_after_seconds
    if asyncio.get_running_loop().time() + (wait_max if wait is None else wait) >= deadline:
        return False
    return True if wait is None else wait
