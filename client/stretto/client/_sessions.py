"""What callers say of sessions, as requests."""

import secrets
import time
from collections.abc import Iterable
from typing import Final, TypeAlias

from stretto.client._requests import Moment, new_request_id, one_or_several, timestamp
from stretto.client.errors import InvalidInput, Violation
from stretto.session.v1 import session_pb2, session_service_pb2
from stretto.session.v1.session_event_pb2 import SessionEventKind
from stretto.session.v1.session_service_pb2 import ListSessionsRequest, SendMessageRequest, WatchSessionRequest

SessionRow: TypeAlias = session_pb2.Session
"""The message of that name; here a session is what a caller holds."""

SessionContext: TypeAlias = session_service_pb2.GetSessionContextResponse

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS: Final = 80
_CHARACTERS: Final = 26


def new_session_id() -> str:
    """An id of the form that workflows' have: milliseconds, then chance, in Crockford's base 32."""
    number = int(time.time() * 1_000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    return "ses_" + "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_CHARACTERS)))


def send_request(session_id: str, text: str, request_id: str | None) -> SendMessageRequest:
    """Saying something."""
    return SendMessageRequest(session_id=session_id, text=text, request_id=request_id or new_request_id())


def watch_request(
    session_id: str,
    *,
    after: int,
    kinds: "Iterable[str | SessionEventKind.ValueType]",
    workflow_ids: Iterable[str],
    allow_missing: bool,
) -> WatchSessionRequest:
    """Watching a session."""
    return WatchSessionRequest(
        session_id=session_id,
        after_sequence=after,
        kinds=[kind_of(kind) for kind in one_or_several(kinds)],
        workflow_ids=one_or_several(workflow_ids),
        allow_missing=allow_missing,
    )


def sessions_request(
    *, active_only: bool, created_after: Moment, created_before: Moment, page_size: int
) -> ListSessionsRequest:
    """Listing sessions."""
    return ListSessionsRequest(
        active_only=active_only,
        created_after=timestamp(created_after, "created_after"),
        created_before=timestamp(created_before, "created_before"),
        page_size=page_size,
    )


def kind_of(kind: "str | SessionEventKind.ValueType") -> "SessionEventKind.ValueType":
    """A sort of events by its name, with or without the prefix, in any case."""
    if not isinstance(kind, str):
        return kind
    name = "SESSION_EVENT_KIND_" + kind.upper().removeprefix("SESSION_EVENT_KIND_")
    if name not in SessionEventKind.keys():  # noqa: SIM118 - An enum wrapper is no mapping.
        known = ", ".join(key.removeprefix("SESSION_EVENT_KIND_") for key in SessionEventKind.keys()[1:])
        raise InvalidInput(
            f"{kind!r} is no sort of events; there are {known}.",
            violations=[Violation("kinds", f"must be one of {known}")],
            reason="INVALID_REQUEST",
        )
    return SessionEventKind.Value(name)
