"""When a model is left alone: after many failures nobody asks it for a while, and then one call tries."""

import math
from functools import cache
from typing import TYPE_CHECKING

from stretto.models.errors import ModelUnavailable, Reason

if TYPE_CHECKING:
    from interlock import CircuitBreaker, Clock

UNHEALTHY = frozenset({Reason.TIMEOUT, Reason.RATE_LIMITED, Reason.SERVER_ERROR, Reason.UNREACHABLE, Reason.CUT_OFF})
"""Reasons that say that the provider is not well. A refused request and a useless answer come from a healthy one."""

ATTEMPTS_WATCHED = 10
ATTEMPTS_MIN = 5
FAILURE_RATE = 0.5
"""The circuit opens when half of the last ten attempts failed, and five at least."""
OPEN_SECONDS = 15.0
"""How long nobody asks a failing provider, before one call tries."""


@cache
def breaker_of(model: str, url: str) -> "CircuitBreaker":  # noqa: ARG001 - the URL tells servers of one model apart
    """The breaker that all calls of this process to a model at a URL share."""
    return new_breaker(model)


def new_breaker(name: str, clock: "Clock | None" = None) -> "CircuitBreaker":
    """A closed circuit."""
    from interlock import CircuitBreaker, Config  # noqa: PLC0415 - of the extra `model`

    config = Config(
        window_size=ATTEMPTS_WATCHED,
        minimum_number_of_calls=ATTEMPTS_MIN,
        failure_rate_threshold=FAILURE_RATE,
        slow_call_duration_threshold=math.inf,  # Slow is what exceeds the time for a call, which is a failure anyway.
        wait_duration_in_open=OPEN_SECONDS,
        permitted_calls_in_half_open=1,
        max_concurrent_probes=1,
    )
    return CircuitBreaker(name=name, config=config, clock=clock, classifier=_Unhealthy())


class _Unhealthy:
    """Counts what speaks against the provider's health."""

    def is_failure(self, *, result: object, exception: Exception | None) -> bool:  # noqa: ARG002 - interlock's signature
        """Whether an attempt counts as failed."""
        return isinstance(exception, ModelUnavailable) and exception.reason in UNHEALTHY
