"""The whole server is killed in the middle of an audit: the model is asked again only what it has not answered."""

import asyncio
from collections import Counter

import pytest

from stretto.audit.v1 import project_audit_pb2 as audits
from stretto.client import Client

APP = "stretto.workflows:app"
HANG_SECONDS = 120.0
ASKS = {"comprehensive": "Analyse the project comprehensively", "compliance": "Check the compliance"}
"""Words of the two system messages."""
REQUEST = audits.AuditRequest(description="An underground car park.", specifications=["Slab: C30/37, XC4, XD3"])


@pytest.fixture
async def client(serving, openai_api, monkeypatch):
    """A client of a server whose model is simulated, and patient."""
    for name, value in openai_api.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STRETTO_MODEL_SECONDS_MAX", f"{HANG_SECONDS}")
    monkeypatch.setenv("STRETTO_AUDIT_QUERY_SECONDS_MAX", f"{HANG_SECONDS}")
    async with asyncio.timeout(HANG_SECONDS), Client(serving.address, timeout=HANG_SECONDS) as made:
        yield made


async def recorded(handle, query):
    """Return once the answer to a query is stored."""
    async with handle.watch() as events:
        async for event in events:
            if event.HasField("step_completed") and event.step.endswith(query):
                return
    raise AssertionError(f"it ended, and {query} has no answer")


def asked(api):
    """How often the model was asked each query."""
    systems = [each["body"]["messages"][0]["content"] for each in api.requests()]
    return Counter(query for query, words in ASKS.items() for system in systems if words in system)


async def under_way(api, calls):
    """Return once the model was called so often."""
    while await asyncio.to_thread(api.count) < calls:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(("answered", "hanging"), [("comprehensive", "compliance"), ("compliance", "comprehensive")])
async def test_only_the_query_without_a_recorded_answer_is_asked_again(serving, client, openai_api, answered, hanging):
    openai_api.script({"hang": True, "asked": ASKS[hanging]})
    server = await serving.up("--no-orchestrator", app=APP)
    handle = await client.start("project_audit", REQUEST, result=audits.AuditReport)
    await recorded(handle, answered)
    await under_way(openai_api, calls=2)
    await asyncio.to_thread(server.kill)
    await serving.up("--no-orchestrator", app=APP)
    report = await handle.result()
    assert asked(openai_api) == {answered: 1, hanging: 2}
    assert (report.summary.missing, report.compliance.missing, list(report.warnings)) == (False, False, [])
    assert report.performance.queries_succeeded == 2
    assert all(query.prompt_tokens and query.answer_tokens for query in report.performance.queries)


async def test_a_crash_before_anything_is_recorded_asks_both_again(serving, client, openai_api):
    openai_api.script({"hang": True, "repeat": 2})
    server = await serving.up("--no-orchestrator", app=APP)
    handle = await client.start("project_audit", REQUEST, result=audits.AuditReport)
    await under_way(openai_api, calls=2)
    await asyncio.to_thread(server.kill)
    await serving.up("--no-orchestrator", app=APP)
    report = await handle.result()
    assert asked(openai_api) == {"comprehensive": 2, "compliance": 2}
    assert report.performance.queries_succeeded == 2
