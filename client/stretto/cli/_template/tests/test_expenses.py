"""The life of a claim, seen from outside: a real server, and the client that callers use."""

from collections.abc import Iterator

import pytest
from stretto.client import ClientSync, InvalidInput, WorkflowHandleSync
from stretto.testing import serving_sync
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

from expenses import bank
from expenses.app import app
from expenses.v1.expenses_pb2 import Claim, Outcome, Receipt, Verdict

CLAIM = Claim(
    claim_id="EXP-17",
    employee="ada@example.com",
    receipts=[Receipt(text="Train to Bern", cents=5200), Receipt(text="Lunch", cents=1850)],
)


@pytest.fixture
def client() -> Iterator[ClientSync]:
    """A client of a server that a test has for itself."""
    with serving_sync(app) as server:
        yield server.client


def follow(workflow: WorkflowHandleSync[Outcome], verdict: Verdict) -> list[ProgressEvent]:
    """Watch a workflow to its end and answer its question; gives back all events."""
    events = []
    for event in workflow.watch():
        events.append(event)
        if event.HasField("interrupt_raised"):
            workflow.decide(verdict)
    return events


def test_an_approved_claim_is_paid(client: ClientSync) -> None:
    workflow = client.start("expenses", CLAIM, result=Outcome)
    events = follow(workflow, Verdict(approved=True))
    assert [event.step_progress.fraction for event in events if event.HasField("step_progress")] == [0.5, 1.0]
    assert workflow.result() == Outcome(paid=True, total_cents=7050, transfer="EXP-17: 70.50 to ada@example.com")


def test_a_refused_claim_is_not_paid(client: ClientSync) -> None:
    workflow = client.start("expenses", CLAIM, result=Outcome)
    follow(workflow, Verdict(approved=False, reason="no receipt for the lunch"))
    assert workflow.result() == Outcome(paid=False, total_cents=7050, reason="no receipt for the lunch")


def test_a_busy_bank_is_asked_again(client: ClientSync, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    async def busy_at_first(claim_id: str, *_: object) -> str:
        calls.append(claim_id)
        if len(calls) == 1:
            raise bank.BankBusyError("come back later")
        return "transfer 1"

    monkeypatch.setattr(bank, "transfer", busy_at_first)
    workflow = client.start("expenses", CLAIM, result=Outcome)
    events = follow(workflow, Verdict(approved=True))
    assert [event.step for event in events if event.HasField("step_retrying")] == ["pay"]
    assert calls == ["EXP-17", "EXP-17"]
    assert workflow.result().transfer == "transfer 1"


def test_a_claim_without_receipts_never_starts(client: ClientSync) -> None:
    with pytest.raises(InvalidInput) as refused:
        client.start("expenses", Claim(claim_id="EXP-18", employee="ada@example.com"))
    assert [violation.field for violation in refused.value.violations] == ["receipts"]
