"""The client's errors in a command line's words: one line, what to do, an exit code."""

import difflib
from typing import Any, Final

from stretto.cli._exits import CommandError, Exit
from stretto.client import Client
from stretto.client import errors as wrong

__all__ = ["told"]

_CODES: Final[tuple[tuple[type[wrong.StrettoError], Exit], ...]] = (
    (wrong.InvalidInput, Exit.USAGE),
    (wrong.TooLarge, Exit.USAGE),
    (wrong.SequenceOutOfRange, Exit.USAGE),
    (wrong.UndecidedChoice, Exit.USAGE),
    (wrong.Denied, Exit.USAGE),
    (wrong.NotFound, Exit.NOT_FOUND),
    (wrong.WorkflowFailed, Exit.FAILED),
    (wrong.WorkflowCancelled, Exit.CANCELLED),
    (wrong.Unavailable, Exit.UNREACHABLE),
    (wrong.TimedOut, Exit.UNREACHABLE),
    (wrong.AlreadyStarted, Exit.REFUSED),
    (wrong.AlreadyDecided, Exit.REFUSED),
    (wrong.SessionBusy, Exit.REFUSED),
    (wrong.SessionDeleted, Exit.REFUSED),
    (wrong.WorkflowEnded, Exit.REFUSED),
    (wrong.NotRetryable, Exit.REFUSED),
    (wrong.Overloaded, Exit.OVERLOADED),
)
"""Exit codes by error; what stands here not at all is a fault."""

_ADVICE: Final[tuple[tuple[type[wrong.StrettoError], str], ...]] = (
    (
        wrong.Unavailable,
        "nobody answers at {server}: start a server with `stretto serve MODULE:NAME`, or name another with --server",
    ),
    (wrong.TimedOut, "no answer from {server} in time; --timeout SECONDS waits longer"),
    (
        wrong.NotSupported,
        "the server at {server} does not know this call: it is older than this command, or no Stretto",
    ),
    (wrong.Denied, "the server at {server} refuses: {sentence}; --token or STRETTO_TOKEN says who you are"),
    (wrong.ServerFault, "{sentence}; the server's log has the rest under {log}"),
)
"""What a person should do; where nothing stands, the error's own sentence is enough."""

_LISTS: Final = {"WORKFLOW_NOT_FOUND": "stretto list", "SESSION_NOT_FOUND": "stretto sessions"}
"""Where to look for what was not found, by reason."""

NEAR_MAX: Final = 3


async def told(error: wrong.StrettoError, client: Client, server: str, name: str = "") -> CommandError:
    """The error as one line and an exit code; `name` is the workflow type that was asked for."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), Exit.FAULT)
    if isinstance(error, wrong.NotSupported) and error.reason:
        code = Exit.REFUSED
    return CommandError(await _line(error, client, server, name), code, **_details(error))


async def _line(error: wrong.StrettoError, client: Client, server: str, name: str) -> str:
    advice = next((advice for kind, advice in _ADVICE if isinstance(error, kind)), "{sentence}")
    if isinstance(error, wrong.Unavailable) and error.reason:
        advice = "{sentence}; try again"
    if isinstance(error, wrong.NotSupported) and error.reason:
        advice = "the server at {server} takes no messages: it was started without the orchestrator"
    line = advice.format(sentence=_sentence(error), server=server, log=error.correlation_id or "the time of the call")
    match error:
        case wrong.NotFound(reason="UNKNOWN_WORKFLOW_TYPE"):
            return f"{line}; {await _near(name, client)}"
        case wrong.NotFound(reason=reason) if reason in _LISTS:
            return f"{line}; `{_LISTS[reason]}` shows those of {server}"
        case wrong.SessionBusy(active_workflow_count=count):
            return f"{line} ({count}); stretto sessions SESSION --delete --cancel cancels them first"
        case wrong.InvalidInput(violations=violations) if len(violations) > 1:
            head = line.partition(f": {violations[0].field}")[0]
            return "\n  ".join([f"{head}:", *(_violation(violation) for violation in violations)])
        case wrong.Overloaded(retry_after=float() as seconds):
            return f"{line}; try again in {seconds:g} s"
    return line


def _sentence(error: wrong.StrettoError) -> str:
    return error.message.strip().rstrip(".")


def _violation(violation: wrong.Violation) -> str:
    return f"{violation.field or '(whole)'}: {violation.description}"


async def _near(name: str, client: Client) -> str:
    """Which workflow type may have been meant."""
    try:
        names = [workflow_type.name async for workflow_type in client.types()]
    except wrong.StrettoError:  # The first error is the one to tell; this was a kindness.
        return "`stretto types` shows what there is"
    near = difflib.get_close_matches(name, names, n=NEAR_MAX, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return "`stretto types` shows what there is"


def _details(error: wrong.StrettoError) -> dict[str, Any]:
    """What programs may want of an error, for --json."""
    details: dict[str, Any] = {"kind": type(error).__name__, "correlation_id": error.correlation_id}
    if isinstance(error, wrong.CallError):
        details |= {"status": error.code.name, "reason": error.reason, "metadata": error.metadata}
    if isinstance(error, wrong.InvalidInput):
        details["violations"] = [
            {"field": one.field, "description": one.description, "rule_id": one.rule_id} for one in error.violations
        ]
    if isinstance(error, wrong.WorkflowFailed):
        details["reason"] = error.reason
    if isinstance(error, wrong.OutcomeError):
        details["workflow_id"] = error.workflow_id
    return details
