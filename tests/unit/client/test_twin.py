"""The blocking client has the shape of the asynchronous one; `make check` holds that it is written from it."""

import inspect

import pytest

import stretto.client
from stretto.client import (
    Client,
    ClientSync,
    Session,
    SessionSync,
    SessionWatch,
    SessionWatchSync,
    Watch,
    WatchSync,
    WorkflowHandle,
    WorkflowHandleSync,
)

RENAMED = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}
RENAMED |= {"__aiter__": "__iter__", "__anext__": "__next__"}


@pytest.mark.parametrize(
    ("plain", "blocking"),
    [
        (Client, ClientSync),
        (Session, SessionSync),
        (SessionWatch, SessionWatchSync),
        (Watch, WatchSync),
        (WorkflowHandle, WorkflowHandleSync),
    ],
)
def test_both_have_one_shape(plain: type, blocking: type) -> None:
    ours = {RENAMED.get(name, name): value for name, value in _members(plain) if callable(value)}
    theirs = {name: value for name, value in _members(blocking) if callable(value)}
    assert set(ours) == set(theirs)
    for name, method in ours.items():
        parameters = inspect.signature(method).parameters
        assert list(parameters) == list(inspect.signature(theirs[name]).parameters)
        assert not inspect.iscoroutinefunction(theirs[name])


def _members(kind: type) -> list[tuple[str, object]]:
    """What it has by our own code, its bases' included."""
    return [item for one in kind.__mro__ if one.__module__.startswith("stretto.") for item in vars(one).items()]


def test_the_door_has_every_error() -> None:
    assert set(stretto.client.errors.__all__) <= set(stretto.client.__all__)
    assert all(hasattr(stretto.client, name) for name in stretto.client.__all__)
