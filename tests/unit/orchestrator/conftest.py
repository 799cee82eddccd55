"""A simulated provider for the tests of understanding with a chat model."""

from tests.simulators.running import openai_api, openai_api_running

__all__ = ["openai_api", "openai_api_running"]
