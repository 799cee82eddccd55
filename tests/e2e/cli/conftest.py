"""A real server for all tests of the command line, and the command itself, run in this process."""

import asyncio
import io
from collections.abc import Iterator

import pytest

from benchmarks._processes import Service, free_address, stretto_argv
from stretto.cli import run
from stretto.client import ClientSync
from tests.e2e.cli.calling import NOBODY, Ran, Stretto, until
from tests.protos.generated.orders_pb2 import Item, OrderRequest
from tests.services.postgres_running import postgres_running, postgres_url  # noqa: F401 - a conftest offers fixtures so.
from tests.services.redis_running import redis, redis_running, redis_url  # noqa: F401 - as above.


class Keyboard(io.StringIO):
    """Somebody who types these lines and then goes away."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("".join(f"{line}\n" for line in lines))

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="session")
def served(tmp_path_factory) -> Iterator[str]:
    """Address of a server with tests/e2e/cli/graphs.py. All tests share it: look for your own workflows only."""
    folder, address = tmp_path_factory.mktemp("served"), free_address()
    argv = stretto_argv(address, folder / "stretto.db", "tests.e2e.cli.graphs:app")
    service = Service(argv, address, folder / "log")
    try:
        asyncio.run(service.ready())
        yield address
    finally:
        service.kill()


@pytest.fixture
def stretto(monkeypatch, capsys) -> Stretto:
    """The command, in this process, with nothing in its environment."""
    for name in ("STRETTO_SERVER", "STRETTO_TOKEN", "STRETTO_TLS", "STRETTO_DEBUG", "COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*argv: str, server: str = NOBODY, stdin: str = "", typed: tuple[str, ...] | None = None) -> Ran:
        monkeypatch.setenv("STRETTO_SERVER", server)
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin) if typed is None else Keyboard(typed))
        capsys.readouterr()
        code = run(argv)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.fixture
def here(stretto, served) -> Stretto:
    """The command, calling the server that is there."""
    return lambda *argv, **more: stretto(*argv, server=served, **more)


@pytest.fixture
def client(served) -> Iterator[ClientSync]:
    with ClientSync(served) as client:
        yield client


@pytest.fixture
def order(client) -> str:
    """An order that waits for its review."""
    given = OrderRequest(customer="Ann", items=[Item(sku="ABC-1", quantity=2, price=1.5)])
    return until(client, client.start("orders", given).id, "interrupt_raised")
