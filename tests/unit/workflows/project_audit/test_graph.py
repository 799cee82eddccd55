"""The graphs of both audits by themselves, without a server."""

import asyncio
from dataclasses import replace

import pytest

import stretto.models
from stretto.models import estimated
from stretto.workflows.fan_out import SourcesFailed
from stretto.workflows.project_audit.answers import ComplianceStatus
from stretto.workflows.project_audit.forms import form_of
from stretto.workflows.project_audit.graph import audit
from stretto.workflows.project_audit.prompts import context
from stretto.workflows.project_audit.queries import QUERIES
from stretto.workflows.project_audit_staged.graph import staged
from stretto.workflows.project_audit_staged.roles import CREW, EDITOR

REQUEST = {"description": "A shed.", "specifications": ["Slab: C25/30, XC2, cover 35 mm"]}
COMPREHENSIVE, COMPLIANCE = QUERIES


@pytest.fixture(autouse=True)
def no_model(monkeypatch):
    monkeypatch.setattr(stretto.models, "configured", lambda: None)


class Broken(Exception):
    """Raised by rules that do not work."""


def broken(request, told):
    raise Broken("No rules today.")


async def report_of(graph):
    return (await graph.ainvoke({"request": REQUEST}))["result"]


async def test_an_audit_is_a_plain_graph():
    report = await report_of(audit())
    assert report["answerer"] == "ANSWERER_RULES"
    assert report["compliance"]["status"] == ComplianceStatus.COMPLIANT
    assert report["performance"]["queries_succeeded"] == 2


async def test_rules_that_break_fail_their_query_alone():
    report = await report_of(audit([COMPREHENSIVE, replace(COMPLIANCE, rules=broken)]))
    assert report["compliance"] == {"status": "COMPLIANCE_STATUS_UNKNOWN", "findings": [], "missing": True}
    assert report["warnings"][0].startswith("The query compliance has no answer: No rules today.")
    [comprehensive, compliance] = report["performance"]["queries"]
    assert (comprehensive["succeeded"], compliance["succeeded"]) == (True, False)


async def test_a_query_that_fails_costs_its_prompt_at_least():
    report = await report_of(audit([COMPREHENSIVE, replace(COMPLIANCE, rules=broken)]))
    form = form_of(COMPLIANCE.shape)
    least = estimated(COMPLIANCE.system, context(REQUEST), "", shape=COMPLIANCE.shape, form=form)
    compliance = report["performance"]["queries"][1]
    assert (compliance["prompt_tokens"], compliance["answer_tokens"]) == (least.prompt, 0)


async def test_two_broken_queries_fail_the_audit():
    with pytest.raises(SourcesFailed, match="0 of 2 sources answered"):
        await report_of(audit([replace(query, rules=broken) for query in QUERIES]))


async def test_audits_at_the_same_time_do_not_mix():
    graph = audit()
    requests = [{"description": f"Shed {number}.", "project_name": f"Shed {number}"} for number in range(20)]
    states = await asyncio.gather(*(graph.ainvoke({"request": request}) for request in requests))
    for number, state in enumerate(states):
        assert f"Shed {number}." in state["result"]["summary"]["text"]


async def test_what_is_missing_and_what_findings_mean_together_is_not_for_a_model_to_say(monkeypatch):
    class Modest:
        async def structured(self, system, prompt, shape, *, form, meter, seen):
            found = {"subject": "Slab", "requirement": "EN 206", "status": "VIOLATED", "explanation": "It is weak."}
            given = {"text": "A shed.", "status": "COMPLIANT", "compliance": {"status": "COMPLIANT", "missing": True}}
            return shape.model_validate({**given, "missing": True, "findings": [found]})

    monkeypatch.setattr(stretto.models, "configured", Modest)
    report = await report_of(audit())
    assert (report["summary"]["missing"], report["compliance"]["missing"]) == (False, False)
    assert report["compliance"]["status"] == ComplianceStatus.VIOLATED


async def test_a_crew_writes_in_its_order_and_comes_to_the_same_report():
    quick, slow = await report_of(audit()), await report_of(staged())
    assert [each["name"] for each in slow["performance"]["queries"]] == [role.name for role in (*CREW, EDITOR)]
    for field in ("headline", "summary", "compliance", "risks"):
        assert slow[field] == quick[field]


def test_both_graphs_can_be_drawn():
    assert {"preparing", "asking", "merging"} < set(audit().get_graph().nodes)
    assert [role.name for role in CREW] == list(staged().get_graph().nodes)[2:7]
