"""A server that is installed with the extra [server], and callers that have a plain install."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import IO

import pytest

from benchmarks._processes import free_address
from tests.packaging.distribution import Built
from tests.packaging.environments import Environment, bare

SECONDS_MAX = 60
GRAPH = """\
import asyncio
from pathlib import Path
from typing import TypedDict

import stretto
from langgraph.graph import START, StateGraph
from stretto.server import App


class Shout(TypedDict, total=False):
    text: str
    path: str


async def shout(state: Shout) -> Shout:
    while not Path("go").exists():
        await asyncio.sleep(0.01)
    return {"text": state["text"].upper(), "path": " ".join(stretto.__path__)}


graph = StateGraph(Shout)
graph.add_node(shout)
graph.add_edge(START, "shout")
app = App()
app.workflow("shout", graph)
"""
CALLER = """\
import asyncio
import sys

from stretto.client import Client


async def main() -> None:
    async with Client(sys.argv[1]) as client:
        handle = await client.start("shout", {"text": "hello"}, request_id="packaging")
        async for event in handle.watch():
            print(event.sequence, event.WhichOneof("kind"), flush=True)
        result = await handle.result()
        print(result["text"], result["path"])


asyncio.run(main())
"""
# The kill cuts the step's first attempt.
KINDS = ["accepted", "started", "step_started", "step_started", "step_completed", "completed"]
PARTS = ("client", "cli", "server", "testing", "workflows")
OF_CLUSTERS = tuple(f"stretto.server.{name}" for name in ("cluster", "app.cluster", "store.postgres", "store.redis"))
IMPORT_ALL = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"


class Server:
    """`stretto serve` of the graph in a folder, on one address and one store."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        (folder / "graph.py").write_text(GRAPH)
        self.folder, self.address, self.log = folder, free_address(), folder / "log"
        listen = ["--listen", self.address, "--store", f"sqlite:{folder / 'store.db'}"]
        self.argv = [environment.stretto, "serve", *listen, "graph:app"]

    def up(self) -> None:
        """Start it and wait until it has printed its address."""
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                self.argv, cwd=self.folder, env=bare(), stdout=out, stderr=out, start_new_session=True
            )
        deadline = time.monotonic() + SECONDS_MAX
        while self.address not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill it and its executors, as a crash of the machine would."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def server(serving: Environment, tmp_path: Path) -> Iterator[Server]:
    server = Server(serving, tmp_path)
    server.up()
    yield server
    server.kill()


@contextmanager
def calling(environment: Environment, address: str) -> Iterator[IO[str]]:
    """What a program prints that uses the client. It ends by itself, or is ended when it takes too long."""
    argv = [environment.python, "-c", CALLER, address]
    pipe, out = subprocess.PIPE, subprocess.STDOUT
    with subprocess.Popen(argv, cwd=environment.elsewhere, env=bare(), stdout=pipe, stderr=out, text=True) as process:
        assert process.stdout
        timer = Timer(SECONDS_MAX, process.kill)
        timer.start()
        try:
            yield process.stdout
        finally:
            timer.cancel()
            process.kill()


def test_every_module_of_one_server_imports_with_what_its_extra_brings(built: Built, serving: Environment) -> None:
    modules = [name for name in built.modules(*PARTS) if not name.startswith(OF_CLUSTERS)]
    assert "stretto.server.app.server" in modules
    serving.output_of(serving.python, "-c", IMPORT_ALL, *modules)


def test_every_module_imports_with_what_the_extra_for_clusters_brings(built: Built, sharing: Environment) -> None:
    modules = built.modules(*PARTS)
    assert [part for part in OF_CLUSTERS if part not in modules] == []
    sharing.output_of(sharing.python, "-c", IMPORT_ALL, *modules)


@pytest.mark.parametrize("store", ["postgresql://nobody/there", "redis://nobody"])
def test_a_store_whose_library_is_not_there_names_its_extra(store: str, serving: Environment) -> None:
    done = serving.run(serving.stretto, "serve", "graph:app", "--store", store)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("which is not installed: pip install 'stretto[cluster]'.\n")
    assert done.stderr.startswith("stretto: A store of the kind ")


@pytest.mark.parametrize("name", ["thin", "lowest"])
def test_an_installed_client_watches_an_installed_server_through_a_kill(
    name: str, server: Server, serving: Environment, request: pytest.FixtureRequest
) -> None:
    with calling(request.getfixturevalue(name), server.address) as printed:
        before = _until(printed, "step_started")
        server.kill()
        server.up()
        (server.folder / "go").touch()
        *after, result = printed
    events = [line.split() for line in (*before, *after)]
    assert [int(number) for number, _ in events] == [1, 2, 3, 4, 5, 6]
    assert [kind for _, kind in events] == KINDS
    text, *path = result.split()
    assert text == "HELLO"
    assert [place for place in path if not place.startswith(str(serving.folder))] == []


def _until(printed: IO[str], word: str) -> list[str]:
    """The lines up to the one with this word."""
    lines = []
    for line in printed:
        lines.append(line)
        if word in line:
            return lines
    raise AssertionError("".join(lines))
