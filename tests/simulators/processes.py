"""Simulators as processes of their own, told what to do over HTTP: for tests, benchmarks and the demo."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_SECONDS_MAX = 10

# Whatever proxy the machine has, the simulator is on this side of it.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Simulator:
    """A running simulator."""

    def __init__(self, address: str) -> None:
        self.url = address
        self._address = address

    def _call(self, method: str, path: str, value: Any = None) -> Any:
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self._address + path, data, method=method)
        with _direct.open(request, timeout=_SECONDS_MAX) as response:
            return json.load(response)


class OpenAiApi(Simulator):
    """A running simulator of OpenAI's API."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
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


class SourceApi(Simulator):
    """A running simulator of a source of evidence: see `source.py` for what it can be told."""

    def faults(self, *faults: Mapping[str, Any]) -> None:
        """Say what goes wrong with the next requests; see `faults.py`."""
        self._call("PUT", "/simulator/faults", list(faults))

    def count(self) -> int:
        """How many requests came."""
        return int(self._call("GET", "/simulator/log")["count"])

    def requests(self) -> list[dict[str, Any]]:
        """The last of them, each with its `path`, its `query` and its `headers`."""
        return list(self._call("GET", "/simulator/log")["requests"])

    def reset(self) -> None:
        """Forget all that it was told, and the requests."""
        self._call("DELETE", "/simulator")


class SchedulerApi(SourceApi):
    """A running simulator of Airflow's API."""

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process ask it for jobs."""
        return {"STRETTO_TROUBLESHOOTING_SCHEDULER_URL": self.url}

    def jobs(self, *jobs: Mapping[str, Any]) -> None:
        """Say which jobs there are; see `scheduler/jobs.py`, which also has a few ready-made."""
        self._call("PUT", "/simulator/jobs", list(jobs))

    def token(self, token: str) -> None:
        """Say which token is wanted; none when empty."""
        self._call("PUT", "/simulator/token", token)


class PrometheusApi(SourceApi):
    """A running simulator of Prometheus' API."""

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process ask it for metrics."""
        return {"STRETTO_TROUBLESHOOTING_METRICS_URL": self.url}

    def samples(self, samples: Sequence[Mapping[str, Any]]) -> None:
        """Say what was measured; `prometheus/samples.py` makes what a machine and a service tell."""
        self._call("PUT", "/simulator/samples", list(samples))


@contextlib.contextmanager
def openai_api_process(port: int = 0) -> Iterator[OpenAiApi]:
    """Run a simulated chat model for as long as the block."""
    with _process("openai_api", "--port", str(port)) as address:
        yield OpenAiApi(address)


@contextlib.contextmanager
def scheduler_process(port: int = 0, *, delay_seconds: float = 0) -> Iterator[SchedulerApi]:
    """Run a simulated scheduler for as long as the block, each of whose answers takes that time."""
    with _process("scheduler", "--port", str(port), "--delay-seconds", str(delay_seconds)) as address:
        yield SchedulerApi(address)


@contextlib.contextmanager
def prometheus_process(port: int = 0, *, delay_seconds: float = 0) -> Iterator[PrometheusApi]:
    """Run a simulated Prometheus for as long as the block, each of whose answers takes that time."""
    with _process("prometheus", "--port", str(port), "--delay-seconds", str(delay_seconds)) as address:
        yield PrometheusApi(address)


@contextlib.contextmanager
def _process(name: str, *arguments: str) -> Iterator[str]:
    command = [sys.executable, "-m", f"tests.simulators.{name}", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError("the simulator ended before it listened; its standard error says why")
            yield address
        finally:
            process.terminate()
            process.wait(_SECONDS_MAX)
