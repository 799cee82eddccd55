"""Simulators for tests and benchmarks: started as processes of their own, and told what to do over HTTP."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
_SECONDS_MAX = 10

# Whatever proxy the machine has, the simulator is on this side of it.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class OpenAiApi:
    """A running simulator of OpenAI's API."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.url = f"{address}/v1"

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process use it as its chat model."""
        return {"STRETTO_MODEL": "openai:simulated", "STRETTO_MODEL_URL": self.url}

    def script(self, *behaviours: dict[str, Any]) -> None:
        """Say how the next requests are answered; see `openai_api/script.py`."""
        self._call("PUT", "/script", list(behaviours))

    def count(self) -> int:
        """How many chat completions were asked for."""
        return int(self._call("GET", "/log")["count"])

    def requests(self) -> list[dict[str, Any]]:
        """The last of them, each with its `authorization` and its `body`."""
        return list(self._call("GET", "/log")["requests"])

    def reset(self) -> None:
        """Forget script and requests."""
        self._call("DELETE", "/log")

    def _call(self, method: str, path: str, value: Any = None) -> Any:
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self._address + path, data, method=method)
        with _direct.open(request, timeout=_SECONDS_MAX) as response:
            return json.load(response)


@contextlib.contextmanager
def openai_api_process(port: int = 0) -> Iterator[OpenAiApi]:
    """Run a simulator for as long as the block."""
    command = [sys.executable, "-m", "tests.simulators.openai_api", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError("the simulator ended before it listened; its standard error says why")
            yield OpenAiApi(address)
        finally:
            process.terminate()
            process.wait(_SECONDS_MAX)


@pytest.fixture(scope="session")
def openai_api_running() -> Iterator[OpenAiApi]:
    """One simulator for all tests of a session."""
    with openai_api_process() as running:
        yield running


@pytest.fixture
def openai_api(openai_api_running: OpenAiApi) -> OpenAiApi:
    """The simulator, without a script and with an empty log. A conftest that imports both fixtures offers it."""
    openai_api_running.reset()
    return openai_api_running
