"""The graph of a turn, with a desk and an understanding that do as they are told."""

from typing import Any

import pytest

from stretto.orchestrator.brief import Brief, JsonObject, KnownWorkflow, OpenQuestion
from stretto.orchestrator.desk import Done, Refused
from stretto.orchestrator.graph import TurnContext, build
from stretto.orchestrator.plan import Decision, Launch, Plan
from stretto.orchestrator.understanding import Insight

TURN = build().compile()


class HandDesk:
    """Carries out everything but what it is told to refuse."""

    def __init__(self, *workflows: KnownWorkflow, questions: tuple[OpenQuestion, ...] = ()) -> None:
        self.workflows = workflows
        self.questions = questions
        self.refusals: dict[int, Refused] = {}
        self.orders: list[tuple[Any, ...]] = []
        self.time = 1_000_000

    def now(self) -> int:
        return self.time

    async def brief(self, message: str) -> Brief:
        return Brief(message=message, now=self.time, workflows=self.workflows, questions=self.questions)

    async def launch(self, number: int, workflow_type: str, values: JsonObject) -> Done | Refused:
        return self._order("launch", number, workflow_type, values)

    async def decide(self, number: int, interrupt_id: str, workflow_id: str, decision: JsonObject) -> Done | Refused:
        return self._order("decide", number, interrupt_id, workflow_id, decision)

    async def cancel(self, number: int, workflow_id: str) -> Done | Refused:
        return self._order("cancel", number, workflow_id)

    def _order(self, verb: str, number: int, *order: Any) -> Done | Refused:
        self.orders.append((verb, number, *order))
        return self.refusals.get(number) or Done(f"wf_{number}", "trip_booking")


class Told:
    """Understands what it is told to."""

    def __init__(self, plan: Plan | None = None, source: str = "offline", note: str = "", said: str = "") -> None:
        self._plan = plan or Plan(kind="answer")
        self._source, self._note, self._said = source, note, said

    async def triage(self, brief: Brief) -> Insight[Plan]:
        return Insight(self._plan, self._source, self._note)

    async def answer(self, brief: Brief) -> Insight[str]:
        return Insight(self._said or f"{len(brief.workflows)} known", "offline")


async def reply_of(desk: HandDesk, understanding: Told) -> dict[str, Any]:
    context = TurnContext(desk, understanding)
    reply: dict[str, Any] = (await TURN.ainvoke({"text": "words"}, context=context))["reply"]
    return reply


def a_workflow(**fields: Any) -> KnownWorkflow:
    given: dict[str, Any] = {
        "workflow_id": "wf_a",
        "workflow_type": "trip_booking",
        "status": "RUNNING",
        "phases": ("searching",),
        "fraction": 0.2,
        "headline": "Searching",
        "facts": {},
        "last_error": "",
        "as_of_sequence": 7,
        "created_at": 1,
        "updated_at": 2,
        "read_at": 900_000,
    }
    return KnownWorkflow(**{**given, **fields})


def launching(*names: str) -> Plan:
    return Plan(kind="launch", launches=tuple(Launch(workflow_type=name, input={"n": name}) for name in names))


async def test_a_launch_orders_each_workflow_once_and_says_what_it_started():
    desk = HandDesk()
    reply = await reply_of(desk, Told(launching("trip_booking", "tax_return")))
    assert desk.orders == [
        ("launch", 0, "trip_booking", {"n": "trip_booking"}),
        ("launch", 1, "tax_return", {"n": "tax_return"}),
    ]
    assert reply["kind"] == "TURN_KIND_LAUNCH"
    assert [touched["workflow_id"] for touched in reply["workflows"]] == ["wf_0", "wf_1"]
    assert "trip booking" in reply["text"]


async def test_a_launch_that_is_refused_asks_back_for_what_is_wrong():
    desk = HandDesk()
    desk.refusals[0] = Refused("ContractViolation", "breaks its contract", (("days_per_week", "must be at most 7"),))
    reply = await reply_of(desk, Told(launching("trip_booking")))
    assert reply["kind"] == "TURN_KIND_ASK_BACK"
    assert reply["asks_about"] == "trip_booking"
    assert "days per week must be at most 7" in reply["text"]


async def test_a_launch_that_is_refused_in_part_says_both():
    desk = HandDesk()
    desk.refusals[1] = Refused("UnknownWorkflowType", "No workflow type.")
    reply = await reply_of(desk, Told(launching("trip_booking", "tax_return")))
    assert reply["kind"] == "TURN_KIND_LAUNCH"
    assert len(reply["workflows"]) == 1
    assert "could not start tax return" in reply["text"]


async def test_an_answer_tells_when_its_context_was_read():
    reply = await reply_of(HandDesk(a_workflow()), Told(said="It is at 20 %."))
    assert reply["kind"] == "TURN_KIND_ANSWER"
    assert reply["text"] == "It is at 20 %."
    assert reply["context"] == [
        {
            "workflow_id": "wf_a",
            "workflow_type": "trip_booking",
            "as_of_sequence": 7,
            "read_at": "1970-01-01T00:00:00.900000+00:00",
            "age_ms": 100,
        }
    ]


def a_question(interrupt_id: str) -> OpenQuestion:
    return OpenQuestion(
        workflow_id="wf_a",
        workflow_type="trip_booking",
        interrupt_id=interrupt_id,
        step="asking",
        question="Book?",
        decision_schema={},
        raised_at=1,
    )


async def test_a_decision_goes_to_the_workflow_that_asks():
    desk = HandDesk(questions=(a_question("q1"),))
    plan = Plan(kind="decide", decisions=(Decision(interrupt_id="q1", decision={"approved": True}),))
    reply = await reply_of(desk, Told(plan))
    assert desk.orders == [("decide", 0, "q1", "wf_a", {"approved": True})]
    assert reply["workflows"][0]["interrupt_id"] == "q1"
    assert reply["text"].startswith("Approved")


async def test_a_decision_goes_there_also_when_the_question_was_decided_since():
    class Closing(HandDesk):
        async def brief(self, message: str) -> Brief:
            brief = await super().brief(message)
            self.questions = ()
            return brief

    desk = Closing(questions=(a_question("q1"),))
    await reply_of(desk, Told(Plan(kind="decide", decisions=(Decision(interrupt_id="q1", decision={}),))))
    assert desk.orders == [("decide", 0, "q1", "wf_a", {})]


@pytest.mark.parametrize(
    ("decision", "begins"),
    [
        ({"approved": False}, "Rejected"),
        ({"verdict": "VERDICT_REJECT", "reason": "too dear"}, "Rejected"),
        ({"verdict": "VERDICT_APPROVE"}, "Approved"),
        ({"verdict": "VERDICT_EDIT", "days": 3}, "I have passed your changes on"),
        ({"colour": "green"}, "I have passed your decision on"),
    ],
)
async def test_a_decision_is_told_as_what_it_means(decision, begins):
    plan = Plan(kind="decide", decisions=(Decision(interrupt_id="q1", decision=decision),))
    reply = await reply_of(HandDesk(), Told(plan))
    assert reply["text"].startswith(begins)


@pytest.mark.parametrize(
    ("winner", "told"),
    [
        ({"verdict": "VERDICT_REJECT"}, "it has been rejected already"),
        ({"verdict": "VERDICT_EDIT", "days": 3}, "it has been changed already"),
        (True, "it has been approved already"),
        ({"colour": "green"}, "it has been decided already"),
        (None, "it has been decided already"),
    ],
)
async def test_a_decision_that_somebody_else_gave_first_is_told_which_one_won(winner, told):
    desk = HandDesk()
    desk.refusals[0] = Refused("AlreadyDecided", "The interrupt has another decision already.", winner=winner)
    plan = Plan(kind="decide", decisions=(Decision(interrupt_id="q1", decision={}),))
    reply = await reply_of(desk, Told(plan))
    assert reply["kind"] == "TURN_KIND_ASK_BACK"
    assert told in reply["text"]


async def test_a_fallback_is_told_with_its_reason():
    reply = await reply_of(HandDesk(), Told(source="fallback", note="The model did not answer in time."))
    assert reply["source"] == "UNDERSTANDING_SOURCE_FALLBACK"
    assert reply["note"] == "The model did not answer in time."


def test_a_plan_has_what_its_kind_needs():
    for kind in ("launch", "decide", "cancel", "ask_back"):
        with pytest.raises(ValueError, match="needs"):
            Plan.model_validate({"kind": kind})
