"""Providers' errors become ours. Each provider's library has its own classes, so their common traits decide."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from stretto.models.errors import ModelUnavailable, Reason

_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS, _SERVER_ERRORS = 408, 429, 500


def fault_of(error: Exception, *, spoke: bool) -> ModelUnavailable:
    """What an error of a provider's library means. `spoke` says whether part of an answer had come.

    The error's own text stays out: providers quote keys and prompts in it.
    """
    status = _status_of(error)
    detail = type(error).__name__ + (f", HTTP {status}" if status else "")
    if spoke:
        return ModelUnavailable(Reason.CUT_OFF, detail)
    return ModelUnavailable(_reason_of(error, status), detail, _retry_after_seconds(error), status)


def _reason_of(error: Exception, status: int | None) -> Reason:
    if status is not None:
        return _reason_of_status(status)
    ancestors = {ancestor.__name__ for ancestor in type(error).__mro__}
    if any("Timeout" in name for name in ancestors):
        return Reason.TIMEOUT
    if any(word in name for name in ancestors for word in ("Connect", "Transport", "Protocol")):
        return Reason.UNREACHABLE
    if "APIError" in ancestors:
        # A stream that answers 200 tells of a fault in its first chunk.
        return Reason.SERVER_ERROR
    # Libraries stumble over answers that are not of their protocol with errors of any kind.
    return Reason.BAD_ANSWER


def _reason_of_status(status: int) -> Reason:
    if status == _TOO_MANY_REQUESTS:
        return Reason.RATE_LIMITED
    if status == _REQUEST_TIMEOUT:
        return Reason.TIMEOUT
    return Reason.SERVER_ERROR if status >= _SERVER_ERRORS else Reason.REFUSED


def _status_of(error: Exception) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        status = getattr(holder, "status_code", None)
        if isinstance(status, int):
            return status
    return None


def _retry_after_seconds(error: Exception) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None)
    if not isinstance(headers, Mapping):
        return None
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        return _seconds_until(value)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _seconds_until(date: str) -> float | None:
    """How far away an HTTP date is; None for what is not one."""
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
