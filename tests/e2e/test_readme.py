"""What the README tells a newcomer to type works."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks._processes import Service, free_address

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SERVE = "from stretto.cli import main; main()"


def block(name: str) -> str:
    """The code block that is marked for a test."""
    found = re.search(rf"<!-- test: {re.escape(name)} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found, name
    return found[1]


async def output_of(*argv: str) -> str:
    """What a command prints; it must succeed."""
    done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.fixture
async def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A server with the README's graph, started in the folder that it was pasted into."""
    (tmp_path / "hello.py").write_text(block("hello.py"))
    address = free_address()
    monkeypatch.setattr("benchmarks._processes.ROOT", tmp_path)
    argv = ["-c", SERVE, "serve", "--listen", address, "--store", f"sqlite:{tmp_path / 'hello.db'}", "hello:app"]
    service = Service(argv, address, tmp_path / "log")
    try:
        await service.ready()
        yield address
    finally:
        service.stop()


def test_the_graph_has_about_twenty_lines() -> None:
    assert len([line for line in block("hello.py").splitlines() if line]) <= 20


async def test_the_python_caller_gets_its_greeting(address: str) -> None:
    call = block("call.py").replace("127.0.0.1:50051", address)
    printed = await output_of(sys.executable, "-c", call)
    assert printed.splitlines()[-2:] == ["5 completed ", "Hello, Ada!"]


async def test_a_client_that_has_reflection_only_starts_a_workflow(address: str) -> None:
    """buf curl stands in for grpcurl: a stock client as well, and one that the tests have."""
    body, _, method = re.search(r"-d '(.*?)' (\S+) (\S+)", block("grpcurl"), re.DOTALL).groups()
    buf = Path(sys.executable).with_name("buf")
    argv = ("curl", "--protocol", "grpc", "--http2-prior-knowledge", "-d", body, f"http://{address}/{method}")
    assert json.loads(await output_of(str(buf), *argv))["workflow"]["workflowType"] == "greeting"


def test_every_link_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"
