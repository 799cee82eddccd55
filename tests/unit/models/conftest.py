"""A simulated provider for the tests of chat models, and what they need of retries."""

from collections.abc import Iterator

import pytest
import stamina
from stamina.instrumentation import set_on_retry_hooks

from tests.simulators.running import OpenAiApi, openai_api, openai_api_running

__all__ = ["openai_api", "openai_api_running"]


@pytest.fixture
def api(openai_api: OpenAiApi) -> OpenAiApi:
    return openai_api


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
