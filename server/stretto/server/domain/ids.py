"""Identifiers that sort by the time of their creation."""

import secrets

from stretto.server.domain.clock import Micros

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, in lower case.
_TIME_CHARACTERS = 10
_RANDOM_CHARACTERS = 16


def new_workflow_id(now: Micros) -> str:
    """A workflow id: `wf_`, ten characters of milliseconds, sixteen of chance."""
    return "wf_" + _base32(now // 1_000, _TIME_CHARACTERS) + _base32(secrets.randbits(80), _RANDOM_CHARACTERS)


def new_request_id() -> str:
    """A request id for a caller who gave none."""
    return "req_" + _base32(secrets.randbits(80), _RANDOM_CHARACTERS)


def new_correlation_id() -> str:
    """A correlation id for a call that brought none."""
    return "cor_" + _base32(secrets.randbits(80), _RANDOM_CHARACTERS)


def _base32(number: int, length: int) -> str:
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(5 * (length - 1), -1, -5))
