"""Chat models for tests: each with a circuit of its own, because circuits are shared by name."""

import itertools
from typing import Any

import pytest

from stretto.models import ChatModel, ModelSettings, ModelUnavailable, Reason, connect
from tests.simulators.running import OpenAiApi

PATIENCE = 60
"""Seconds for calls that must not run out of time, however busy the machine is."""
_numbers = itertools.count()


def model_at(api: OpenAiApi, *, seconds_max: float = PATIENCE, attempts_max: int = 2) -> ChatModel:
    name = f"openai:simulated-{next(_numbers)}"
    return connect(ModelSettings(model=name, url=api.url, seconds_max=seconds_max, attempts_max=attempts_max))


async def fault_of_writing(model: ChatModel, prompt: str = "Hello") -> ModelUnavailable:
    with pytest.raises(ModelUnavailable) as caught:
        await model.write("Be short.", prompt)
    return caught.value


async def reason_of_writing(model: ChatModel) -> Reason:
    return (await fault_of_writing(model)).reason


def messages_of(api: OpenAiApi, number: int) -> list[tuple[Any, Any]]:
    """Roles and texts of the request of that number."""
    return [(message["role"], message["content"]) for message in api.requests()[number]["body"]["messages"]]
