"""LangGraph's own conformance suite for checkpointers, over every store."""

from collections.abc import AsyncGenerator

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import BASE_CAPABILITIES

from stretto.server.engine.checkpointer import Checkpointer
from stretto.server.engine.serializer import strict_serializer
from stretto.server.engine.store_log import StoreLog
from stretto.server.rpc.session_events import ENCODERS
from stretto.server.store import open_store


@pytest.mark.parametrize("url", ["memory:", "sqlite:{folder}/conformance.db"])
async def test_the_checkpointer_conforms_over_every_store(url, tmp_path):
    store = open_store(url.format(folder=tmp_path), ENCODERS)
    await store.open()

    @checkpointer_test(name="stretto")
    async def saver() -> AsyncGenerator[BaseCheckpointSaver, None]:
        log = StoreLog(store, "default")
        yield Checkpointer(lambda *_: log, strict_serializer())

    report = await validate(saver)
    await store.close()
    for capability in BASE_CAPABILITIES:
        result = report.results[capability.value]
        assert result.detected
        assert result.passed, result.failures
        assert result.tests_passed > 0
