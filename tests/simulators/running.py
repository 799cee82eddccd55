"""Fixtures of simulators. A conftest that imports a fixture and the one of its process offers it."""

from collections.abc import Iterator

import pytest

from tests.simulators.processes import (
    OpenAiApi,
    PrometheusApi,
    SchedulerApi,
    openai_api_process,
    prometheus_process,
    scheduler_process,
)

__all__ = [
    "OpenAiApi",
    "PrometheusApi",
    "SchedulerApi",
    "openai_api",
    "openai_api_process",
    "openai_api_running",
    "prometheus_api",
    "prometheus_api_running",
    "scheduler_api",
    "scheduler_api_running",
]


@pytest.fixture(scope="session")
def openai_api_running() -> Iterator[OpenAiApi]:
    """One simulated chat model for all tests of a session."""
    with openai_api_process() as running:
        yield running


@pytest.fixture
def openai_api(openai_api_running: OpenAiApi) -> OpenAiApi:
    """It without a script and with an empty log."""
    openai_api_running.reset()
    return openai_api_running


@pytest.fixture(scope="session")
def scheduler_api_running() -> Iterator[SchedulerApi]:
    """One simulated scheduler for all tests of a session."""
    with scheduler_process() as running:
        yield running


@pytest.fixture
def scheduler_api(scheduler_api_running: SchedulerApi) -> SchedulerApi:
    """It without jobs and faults, and with an empty log."""
    scheduler_api_running.reset()
    return scheduler_api_running


@pytest.fixture(scope="session")
def prometheus_api_running() -> Iterator[PrometheusApi]:
    """One simulated Prometheus for all tests of a session."""
    with prometheus_process() as running:
        yield running


@pytest.fixture
def prometheus_api(prometheus_api_running: PrometheusApi) -> PrometheusApi:
    """It without samples and faults, and with an empty log."""
    prometheus_api_running.reset()
    return prometheus_api_running
