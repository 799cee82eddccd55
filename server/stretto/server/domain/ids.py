"""Identifiers that sort by the time of their creation."""

import os

from stretto.server.domain.clock import Micros

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, in lower case.
_TIME_CHARACTERS = 10
_RANDOM_CHARACTERS = 16
_RANDOM_BYTES = 10
_MEMBER_CHARACTERS = 8
_POOL_BYTES = 4_000


class _Chance:
    """Random numbers out of one large read of the system's: a system call for each id costs more than the id."""

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0

    def bits80(self) -> int:
        """A number of 80 bits."""
        if self._used >= len(self._pool):
            self._pool, self._used = os.urandom(_POOL_BYTES), 0
        start = self._used
        self._used += _RANDOM_BYTES
        return int.from_bytes(self._pool[start : self._used], "big")


_chance = _Chance()
os.register_at_fork(after_in_child=_chance.__init__)  # type: ignore[misc]  # A fork must not repeat its parent's numbers.


def new_workflow_id(now: Micros) -> str:
    """A workflow id: `wf_`, ten characters of milliseconds, sixteen of chance."""
    return "wf_" + _base32(now // 1_000, _TIME_CHARACTERS) + _base32(_chance.bits80(), _RANDOM_CHARACTERS)


def new_session_id(now: Micros) -> str:
    """A session id for a caller who gave none: `ses_`, ten characters of milliseconds, sixteen of chance."""
    return "ses_" + _base32(now // 1_000, _TIME_CHARACTERS) + _base32(_chance.bits80(), _RANDOM_CHARACTERS)


def session_id_of(digest: bytes) -> str:
    """The session id that belongs to a digest."""
    length = _TIME_CHARACTERS + _RANDOM_CHARACTERS
    return "ses_" + _base32(int.from_bytes(digest[:17], "big") % (1 << 5 * length), length)


def new_member_id(name: str) -> str:
    """A member id for one start of a process: its name, and eight characters of chance."""
    return f"{name}-{_base32(_chance.bits80(), _MEMBER_CHARACTERS)}"


def new_request_id() -> str:
    """A request id for a caller who gave none."""
    return "req_" + _base32(_chance.bits80(), _RANDOM_CHARACTERS)


def new_correlation_id() -> str:
    """A correlation id for a call that brought none."""
    return "cor_" + _base32(_chance.bits80(), _RANDOM_CHARACTERS)


_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def _base32(number: int, length: int) -> str:
    """The number in base 32, two characters at a time, so the length must be even."""
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(5 * (length - 2), -1, -10)])
