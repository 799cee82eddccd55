"""What a conversation without a model says of what workflows found: their real results, read as a server reads them."""

from typing import Any

import pytest

from stretto.audit.v1 import project_audit_pb2 as audit
from stretto.exercise.v1 import exercise_plan_pb2 as exercise
from stretto.finance.v1 import finance_review_pb2 as finance
from stretto.orchestrator.brief import KnownWorkflow
from stretto.orchestrator.understanding.offline import Offline
from stretto.server.domain.payload import STRUCT, Payload
from stretto.server.domain.workflow import Status, Workflow
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.rpc.context import reading_of
from stretto.server.rpc.contracts import Contracts, contract_of
from stretto.server.store.port import WorkflowState
from stretto.troubleshooting.v1 import troubleshooting_pb2 as trouble
from tests.unit.orchestrator.offline_world import brief, workflow
from tests.unit.orchestrator.shipped_world import SHIPPED

CONTRACTS = Contracts([
    WorkflowType(name=kind.DESCRIPTOR.name, contract=contract_of(result=kind))
    for kind in (trouble.TroubleshootingReport, audit.AuditReport, exercise.ExercisePlan, finance.FinanceReview)
])  # fmt: skip


def done(kind: str, headline: str, result: Any) -> KnownWorkflow:
    """A workflow that has ended with a result: a message, or the state of a graph without a contract."""
    struct = isinstance(result, dict)
    payload = (
        CONTRACTS.encode(STRUCT, result)
        if struct
        else Payload(result.DESCRIPTOR.full_name, result.SerializeToString(deterministic=True))
    )
    stored = Workflow(
        project="p", workflow_id="w", workflow_type=kind, type_version="1", status=Status.SUCCEEDED, request_id="",
        input=CONTRACTS.encode(STRUCT, {"message": f"Start {kind}"}), result=payload, created_at=1, updated_at=2,
    )  # fmt: skip
    facts = reading_of(WorkflowState(stored, (), None), CONTRACTS).facts
    return workflow(kind, "SUCCEEDED", headline=headline, facts=facts)


HEADLINE = "nightly-etl failed because memory ran out (3 of 3 sources agree)."
REPORT = trouble.TroubleshootingReport(
    kind=trouble.QUERY_KIND_JOB_FAILURE,
    summary=HEADLINE,
    warnings=["The metrics could not be asked."],
    diagnosis=trouble.Diagnosis(
        severity=trouble.SEVERITY_HIGH,
        actions=["Give the job more memory.", "Run it again."],
        jobs=[
            trouble.JobDiagnosis(
                job_name="nightly-etl",
                cause=trouble.CAUSE_OUT_OF_MEMORY,
                explanation="nightly-etl ran out of memory on worker-3.",
            ),
            trouble.JobDiagnosis(
                job_name="report-mailer",
                cause=trouble.CAUSE_TIMEOUT,
                explanation="report-mailer waited in vain for the mail server.",
            ),
        ],
    ),
)
REPORT.figures.parallel_latency.FromMilliseconds(1500)
TROUBLE = done("troubleshooting", HEADLINE, REPORT)
AUDIT = done(
    "project_audit",
    "The project violates the standards in 1 point; 1 risk.",
    audit.AuditReport(
        headline="The project violates the standards in 1 point; 1 risk.",
        summary=audit.ProjectSummary(
            text="It is a car park with one slab.",
            gaps=["There are no positions."],
            quantities=[audit.Quantity(material="concrete", amount="12.5", unit="m3", positions=3)],
        ),
        compliance=audit.Compliance(
            status=audit.COMPLIANCE_STATUS_VIOLATED,
            findings=[
                audit.ComplianceFinding(
                    subject="Slab",
                    status=audit.COMPLIANCE_STATUS_VIOLATED,
                    explanation="Its cover of 45 mm is below 55 mm.",
                )
            ],
        ),
        risks=[
            audit.Risk(
                severity=audit.RISK_SEVERITY_HIGH,
                title="Corrosion",
                explanation="Salt gets to the steel.",
                measure="Change the cover before it is built.",
            ),
            audit.Risk(explanation="The bill is old.", measure="Ask for a new one."),
        ],
        performance=audit.Performance(queries_run=2, prompt_tokens=429),
    ),
)
PLAN = done(
    "exercise_planning",
    "Your plan is ready: 12 sessions.",
    exercise.ExercisePlan(
        outcome=exercise.OUTCOME_APPROVED,
        summary="Your plan is ready: 12 sessions.",
        sessions=12,
        warnings=["There are no exercises for the knee."],
        substitutions=[exercise.Substitution(day="Monday", exercise="squat", substitute="bridge")],
    ),
)
REVIEW = done(
    "finance_review",
    "Your review of 2026-10 is ready.",
    finance.FinanceReview(
        summary="Your review of 2026-10 is ready.",
        month="2026-10",
        anomalies=[
            finance.Anomaly(
                kind=finance.ANOMALY_KIND_DUPLICATE,
                description="Rent",
                amount="950.00",
                explanation="It was paid twice on one day.",
            )
        ],
        savings=[finance.Saving(category="dining", amount="3.85", explanation="Spend 10 percent less.")],
    ),
)
OWN = done(
    "hive_inspection",
    "All hives are inspected",
    {
        "note": "Two of the hives are too small for the winter.",
        "hives": [{"name": "North", "explanation": "Its queen is missing."}, {"name": "South", "state": "strong"}],
        "next_steps": ["Join the two small hives.", "Feed them."],
        "count": 2,
        "timing": {"seconds": 3},
    },
)

FOUND = [
    (
        TROUBLE,
        (
            "Jobs: nightly-etl ran out of memory on worker-3. report-mailer waited in vain for the mail server. "
            "Actions: Give the job more memory. Run it again. Warnings: The metrics could not be asked. "
            "Kind: job failure."
        ),
    ),
    (
        AUDIT,
        (
            "It is a car park with one slab. Gaps: There are no positions. "
            "Findings: Slab: Its cover of 45 mm is below 55 mm. Risks: Corrosion: Salt gets to the steel. "
            "The bill is old."
        ),
    ),
    (
        PLAN,
        (
            "Warnings: There are no exercises for the knee. Outcome: approved. Sessions: 12. "
            "Substitutions: Monday, squat, bridge."
        ),
    ),
    (
        REVIEW,
        "Anomalies: duplicate: It was paid twice on one day. Savings: dining: Spend 10 percent less. Month: 2026-10.",
    ),
]


@pytest.mark.parametrize(("one", "told"), FOUND, ids=[one.workflow_type for one, _ in FOUND])
async def test_what_a_workflow_found_is_told_in_its_sentences_and_nothing_twice(one: KnownWorkflow, told: str) -> None:
    headline = f"{one.workflow_type}: done 2 seconds ago — {one.headline.rstrip('.')}."
    said = await answered("What did you find?", one)
    assert said.startswith(f"{headline} {told}")
    assert said.count(one.headline.rstrip(".")) == 1


async def test_a_graph_without_a_contract_is_told_of_like_any_other() -> None:
    said = await answered("What did you find?", OWN)
    sentences = (
        "Two of the hives are too small",
        "North: Its queen is missing.",
        "Join the two small hives. Feed them.",
    )
    assert all(sentence in said for sentence in sentences)
    assert "seconds: 3" not in said


async def answered(message: str, one: KnownWorkflow) -> str:
    there = brief(message, types=SHIPPED, workflows=(one,))
    assert (await Offline().triage(there)).value.kind == "answer"
    return (await Offline().answer(there)).value


ASKED = [
    (TROUBLE, "What should I do?", "Actions: Give the job more memory. Run it again."),
    (TROUBLE, "What are the next steps?", "Actions: Give the job more memory. Run it again."),
    (TROUBLE, "What was the cause of nightly-etl?", "Cause: nightly-etl: out of memory."),
    (TROUBLE, "Why did they fail?", "Cause: nightly-etl: out of memory and report-mailer: timeout."),
    (TROUBLE, "Which warnings are there?", "Warnings: The metrics could not be asked."),
    (TROUBLE, "How severe is it?", "Diagnosis severity: high."),
    (TROUBLE, "What is the latency?", "Figures parallel latency: 1.5 seconds."),
    (AUDIT, "Which risks did it find?", "Risks: Corrosion: Salt gets to the steel. The bill is old."),
    (
        AUDIT,
        "What should I do about it?",
        "Measure: Corrosion: Change the cover before it is built. Ask for a new one.",
    ),
    (AUDIT, "What is missing?", "Gaps: There are no positions."),
    (AUDIT, "What are the quantities?", "Quantities: concrete, 12.5, m3."),
    (AUDIT, "What is the compliance status?", "Compliance status: violated."),
    (PLAN, "Any warnings?", "Warnings: There are no exercises for the knee."),
    (PLAN, "How many sessions does it have?", "Sessions: 12. Minutes per session: 0."),
    (REVIEW, "Is there any problem?", "Anomalies: duplicate: It was paid twice on one day."),
    (REVIEW, "Where can I save?", "Savings: dining: Spend 10 percent less."),
    (OWN, "What should we do?", "Next steps: Join the two small hives. Feed them."),
    (OWN, "What is wrong with the hives?", "Hives: North: Its queen is missing. South, strong."),
]


@pytest.mark.parametrize(
    ("one", "message", "told"), ASKED, ids=[f"{one.workflow_type}-{asks}" for one, asks, _ in ASKED]
)
async def test_a_question_that_names_what_it_wants_gets_just_that(one: KnownWorkflow, message: str, told: str) -> None:
    assert (await answered(message, one)).endswith(f" {told}")


LONG = {"tips": [f"Tip {number}." for number in range(7)], "tips_count": 30, "pairs": ["a, b", "c, d"]}


@pytest.mark.parametrize(
    ("message", "facts", "told"),
    [
        ("How many tips are there?", LONG, "— Done. tips count: 30."),
        ("Which tips are there?", LONG, "— Done. Tips: Tip 0. Tip 1. Tip 2. Tip 3. Tip 4. And 2 more."),
        ("Which pairs are there?", LONG, "— Done. Pairs: a, b; c, d."),
        (
            "Which checks are there?",
            {"checks.found": ["It is so."], "checks.found.source": ["a book"], "checks.ok": True},
            "— Done. Found: It is so. Checks ok: yes.",
        ),
    ],
)
async def test_lists_are_told_by_their_first_items_or_counted(message: str, facts: dict[str, Any], told: str) -> None:
    one = workflow("hive_inspection", "SUCCEEDED", headline="Done", facts=facts)
    assert (await answered(message, one)).lower().endswith(told.lower())


@pytest.mark.parametrize(
    ("phases", "told"),
    [
        (("asking", "asking/scheduler", "asking/logs", "asking/metrics"), "asking scheduler, logs and metrics, 20 %"),
        (("asking/logs", "designing_plan"), "asking logs and designing plan, 20 %"),
        (("asking", "asking/logs", "asking/logs/reading"), "asking logs reading, 20 %"),
        (("a_b", "c_d"), "a b and c d, 20 %"),
    ],
)
async def test_steps_inside_of_a_step_are_told_with_it_and_once(phases: tuple[str, ...], told: str) -> None:
    assert f"troubleshooting: {told}" in await answered("How is it going?", workflow("troubleshooting", phases=phases))
