"""What can go wrong with a chat model. Callers need two errors: it is set up wrongly, or it does not help now."""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Why a chat model did not help."""

    TIMEOUT = "timeout"
    """It did not answer in time."""
    RATE_LIMITED = "rate_limited"
    """It has too much to do, or this account has used up its share."""
    SERVER_ERROR = "server_error"
    """It told of a fault of its own."""
    REFUSED = "refused"
    """It refused the request, such as for a wrong key."""
    BAD_ANSWER = "bad_answer"
    """Its answer was empty, or not what was asked for, twice."""
    CUT_OFF = "cut_off"
    """Its answer broke off."""
    CIRCUIT_OPEN = "circuit_open"
    """It failed so often of late that it was not asked."""
    UNREACHABLE = "unreachable"
    """No connection came about."""

    @property
    def told(self) -> str:
        """The same for users, after `The chat model`."""
        return _TOLD[self]


_TOLD: Final = {
    Reason.TIMEOUT: "did not answer in time",
    Reason.RATE_LIMITED: "has too much to do at the moment",
    Reason.SERVER_ERROR: "has a fault at the moment",
    Reason.REFUSED: "refused the request",
    Reason.BAD_ANSWER: "gave no usable answer",
    Reason.CUT_OFF: "broke off its answer",
    Reason.CIRCUIT_OPEN: "failed several times of late and is left alone for a while",
    Reason.UNREACHABLE: "could not be reached",
}


class ModelUnavailable(Exception):
    """A chat model did not help. `detail` is for logs: neither a key nor a word of prompts and answers is in it."""

    def __init__(
        self, reason: Reason, detail: str, retry_after_seconds: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(reason, detail, retry_after_seconds, status)
        self.reason = reason
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        """How long the provider wants to be left alone, where it said so."""
        self.status = status
        """The HTTP status of its answer, where there was one."""

    def __str__(self) -> str:
        return f"The chat model is unavailable ({self.reason}): {self.detail}"


class ModelMisconfigured(ValueError):
    """The settings of the chat model are wrong, or a package for it is missing. The message is one line."""
