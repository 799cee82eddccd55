"""The stores that the tests over a real channel run on: those that `--stores` names, wherever it matters which."""

import itertools
from collections.abc import Callable, Sequence

import pytest

from stretto.testing._server import LocalServer

NewStore = Callable[[], str]
"""Gives the URL of a store that holds nothing and that nobody else has."""

ABOVE = {
    "test_catalog_service": "types are in no store",
    "test_client_connection": "connections know nothing of it",
    "test_model_faults": "models stand above it",
    "test_new_domain": "messages are understood above it",
    "test_project_audit": "models and rules stand above it",
    "test_testing": "its tests name their stores themselves",
    "test_testing_sync": "its tests name their stores themselves",
    "test_troubleshooting": "sources and rules stand above it",
    "test_troubleshooting_faults": "sources stand above it",
}
"""Modules whose tests run once, over the first store that is named, and why."""

_numbers = itertools.count(1)


def kinds_for(module: str, named: Sequence[str]) -> Sequence[str]:
    """The kinds of stores, of those that are named, that the tests of a module run over."""
    return named[:1] if module.rpartition(".")[2] in ABOVE else named


def stores_of(kind: str, request: pytest.FixtureRequest) -> NewStore:
    """Stores of a kind, in a service that is started for the first test that needs it."""
    return _MAKERS[kind](request)


def keep_all_in(new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have servers of `stretto.testing` that would keep everything in memory keep it in a store of their own."""
    made = LocalServer.__init__

    def make(self, apps, clock, store, **options) -> None:
        made(self, apps, clock, new_store() if store == "memory:" else store, **options)

    monkeypatch.setattr(LocalServer, "__init__", make)


def _memory(request: pytest.FixtureRequest) -> NewStore:
    return lambda: "memory:"


def _sqlite(request: pytest.FixtureRequest) -> NewStore:
    folder = request.getfixturevalue("tmp_path_factory").mktemp("store")
    return lambda: f"sqlite:{folder / str(next(_numbers))}.db"


def _postgres(request: pytest.FixtureRequest) -> NewStore:
    service = request.getfixturevalue("postgres_running")
    return lambda: f"{service.url}?schema=rpc_{next(_numbers)}"


def _redis(request: pytest.FixtureRequest) -> NewStore:
    # A store has a database to itself. All are emptied for each test, and none needs more than the sixteen there are.
    service = request.getfixturevalue("redis").url.removesuffix("/0")
    databases = itertools.count()
    return lambda: f"{service}/{next(databases)}"


_MAKERS = {"memory": _memory, "sqlite": _sqlite, "postgres": _postgres, "redis": _redis}
