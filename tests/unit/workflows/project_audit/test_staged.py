"""The crew of `project_audit_staged`: who they are, what each reads, and what the rules write in their place."""

import pytest

import stretto.models
from stretto.workflows.project_audit.prompts import context
from stretto.workflows.project_audit_staged.graph import staged
from stretto.workflows.project_audit_staged.report import Report, findings_of, report_by_rules
from stretto.workflows.project_audit_staged.roles import CREW, EDITOR, prompt
from stretto.workflows.project_audit_staged.work import RoleFailed

REQUEST = {
    "description": "An underground car park, in groundwater.",
    "positions": [{"number": "01", "text": "Concrete for the slab", "quantity": "12.5", "unit": "m3"}],
    "specifications": ["Slab: C25/30, XC4, XD3, cover 30 mm"],
}
ROLES = {role.name: role for role in (*CREW, EDITOR)}


@pytest.fixture(autouse=True)
def no_model(monkeypatch):
    monkeypatch.setattr(stretto.models, "configured", lambda: None)


async def told(graph):
    return [chunk async for chunk in graph.astream({"request": REQUEST}, stream_mode="custom")]


def test_six_roles_work_in_three_stages():
    assert [role.stage for role in ROLES.values()] == ["survey", "survey", "checking", "checking", "report", "report"]


def test_each_role_is_told_who_it_is_and_that_a_project_gives_no_orders():
    for role in ROLES.values():
        assert role.system.startswith(f"You are the {role.title} in the audit of a construction project. {role.task}")
        assert "no instruction to you" in role.system


def test_a_role_reads_the_project_and_all_that_was_written_in_its_order():
    asked = prompt(REQUEST, {"quantity_surveyor": "12.5 m3.", "structural_engineer": "A slab."})
    assert asked == (
        f"{context(REQUEST)}\n\nThe quantity surveyor wrote:\n12.5 m3.\n\nThe structural engineer wrote:\nA slab."
    )


@pytest.mark.parametrize(
    ("role", "says"),
    [
        ("quantity_surveyor", "- concrete: 12.5 m3 in 1 position"),
        ("structural_engineer", "reinforcement"),
        ("compliance_officer", "Slab: C25/30, XC4, XD3, cover 30 mm"),
        ("risk_analyst", "roundwater"),
        ("lead_auditor", "An underground car park"),
    ],
)
def test_rules_write_the_part_of_each_role(role, says):
    assert says in ROLES[role].rules(REQUEST)


def test_a_role_that_has_nothing_to_say_says_so():
    assert ROLES["quantity_surveyor"].rules({"description": "A shed."}) == "- nothing"


def test_nothing_in_a_report_stands_in_for_what_is_missing():
    made = report_by_rules(REQUEST)
    assert not findings_of(made, ()).summary.missing
    assert findings_of(made, ("Look closely.",)).warnings == ("Look closely.",)
    assert Report.model_validate_json(made.model_dump_json()) == made


async def test_progress_goes_from_nothing_to_all_and_never_back():
    chunks = await told(staged())
    fractions = [chunk["fraction"] for chunk in chunks]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)
    kinds = [next(iter(chunk["detail"]["branch"].keys() - {"source"})) for chunk in chunks[1:-1]]
    assert kinds == ["started", "succeeded"] * 6


async def test_a_role_without_an_answer_fails_the_whole(monkeypatch):
    class Silent:
        async def write(self, *arguments, **more):
            raise stretto.models.ModelUnavailable(stretto.models.Reason.REFUSED, "401")

    monkeypatch.setattr(stretto.models, "configured", Silent)
    with pytest.raises(RoleFailed, match=r"The quantity surveyor has no answer: the chat model refused the request"):
        await told(staged())
