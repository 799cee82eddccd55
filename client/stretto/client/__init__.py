"""Stretto's client: what a caller imports."""

from stretto.client import errors
from stretto.client._async._client import Client
from stretto.client._async._handle import WorkflowHandle
from stretto.client._async._session import Session
from stretto.client._async._watch import SessionWatch, Watch
from stretto.client._payloads import Payload, Plain, unpack
from stretto.client._sync._client import ClientSync
from stretto.client._sync._handle import WorkflowHandleSync
from stretto.client._sync._session import SessionSync
from stretto.client._sync._watch import SessionWatchSync, WatchSync
from stretto.client.errors import (
    AlreadyDecided,
    AlreadyStarted,
    CallError,
    ClientClosed,
    Denied,
    InvalidInput,
    JournalBroken,
    NotFound,
    NotRetryable,
    NotSupported,
    OutcomeError,
    Overloaded,
    SequenceOutOfRange,
    ServerFault,
    SessionBusy,
    SessionDeleted,
    StrettoError,
    TimedOut,
    TooLarge,
    Unavailable,
    UndecidedChoice,
    Violation,
    WorkflowCancelled,
    WorkflowEnded,
    WorkflowFailed,
    WorkflowQuarantined,
    WorkflowTimedOut,
)

__all__ = [
    "AlreadyDecided",
    "AlreadyStarted",
    "CallError",
    "Client",
    "ClientClosed",
    "ClientSync",
    "Denied",
    "InvalidInput",
    "JournalBroken",
    "NotFound",
    "NotRetryable",
    "NotSupported",
    "OutcomeError",
    "Overloaded",
    "Payload",
    "Plain",
    "SequenceOutOfRange",
    "ServerFault",
    "Session",
    "SessionBusy",
    "SessionDeleted",
    "SessionSync",
    "SessionWatch",
    "SessionWatchSync",
    "StrettoError",
    "TimedOut",
    "TooLarge",
    "Unavailable",
    "UndecidedChoice",
    "Violation",
    "Watch",
    "WatchSync",
    "WorkflowCancelled",
    "WorkflowEnded",
    "WorkflowFailed",
    "WorkflowHandle",
    "WorkflowHandleSync",
    "WorkflowQuarantined",
    "WorkflowTimedOut",
    "errors",
    "unpack",
]
