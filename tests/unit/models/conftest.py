"""One simulator for all tests of chat models, which forgets everything in between."""

from collections.abc import Iterator

import pytest
import stamina
from stamina.instrumentation import set_on_retry_hooks

from tests.simulators.running import OpenAiApi, openai_api_process


@pytest.fixture(scope="session")
def simulator() -> Iterator[OpenAiApi]:
    with openai_api_process() as running:
        yield running


@pytest.fixture
def api(simulator: OpenAiApi) -> OpenAiApi:
    simulator.reset()
    return simulator


@pytest.fixture
def at_once() -> Iterator[None]:
    """Retries come without their waits."""
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@pytest.fixture
def retries_waited() -> Iterator[list[float]]:
    """How long the retries of a test waited."""
    waited: list[float] = []
    set_on_retry_hooks([lambda details: waited.append(details.wait_for)])
    yield waited
    set_on_retry_hooks(None)
