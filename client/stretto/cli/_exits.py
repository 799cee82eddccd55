"""How the command line ends: its exit codes, and the error that carries one."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final

__all__ = ["MEANINGS", "CommandError", "Exit"]


class Exit(IntEnum):
    """Exit codes. Scripts rest on them: none changes its meaning."""

    OK = 0
    FAULT = 1
    USAGE = 2
    NOT_FOUND = 3
    FAILED = 4
    CANCELLED = 5
    UNREACHABLE = 6
    REFUSED = 7
    OVERLOADED = 8
    INTERRUPTED = 130


MEANINGS: Final[Mapping[Exit, str]] = MappingProxyType(
    {
        Exit.OK: "done",
        Exit.FAULT: "a fault of the server, or a bug of this command",
        Exit.USAGE: "a wrong call, or input that the contract does not allow",
        Exit.NOT_FOUND: "there is no such workflow, workflow type, interrupt, checkpoint, session or member",
        Exit.FAILED: "the workflow failed, timed out or was quarantined (start --wait, and all that watches)",
        Exit.CANCELLED: "the workflow was cancelled (start --wait, and all that watches)",
        Exit.UNREACHABLE: "nobody answers at the address, or not in time",
        Exit.REFUSED: "a state forbids it: decided, ended, not retryable, request id used before, session busy or "
        "deleted, no orchestrator",
        Exit.OVERLOADED: "the server has reached a limit; try again later",
        Exit.INTERRUPTED: "Ctrl-C: this command stopped, the workflow goes on",
    }
)


class CommandError(Exception):
    """A command cannot go on. The text is one line: what is wrong and what to do about it."""

    def __init__(self, message: str, code: Exit = Exit.USAGE, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.details = details
