"""A session for the tests of understanding with a model, and a way to fall back on that is easily told apart."""

from stretto.orchestrator.brief import Brief, Example, KnownType, KnownWorkflow, OpenQuestion
from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding import Insight
from stretto.orchestrator.understanding.model import WithModel
from tests.simulators.running import OpenAiApi
from tests.unit.models.making import model_at

NOW = 1_790_000_000_000_000
SECOND = 1_000_000

TRIP = KnownType(
    name="trip_planning",
    description="Plans a journey to a city.",
    input_schema={
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "minimum": 1, "maximum": 30},
            "style": {"type": "string", "enum": ["STYLE_CHEAP", "STYLE_GRAND"]},
            "stops": {"type": "array", "items": {"type": "object", "properties": {"city": {"type": "string"}}}},
            "budget": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
        },
        "required": ["city", "days"],
    },
    examples=(Example("Plan a trip to Lisbon for 4 days", {"city": "Lisbon", "days": 4}),),
)
GARDEN = KnownType(
    name="garden_care",
    description="Looks after plants and watering.",
    input_schema={"type": "object", "properties": {"plants": {"type": "array", "items": {"type": "string"}}}},
)
QUESTION = OpenQuestion(
    workflow_id="wf-1",
    workflow_type="trip_planning",
    interrupt_id="int-1",
    step="approval",
    question={"question": "Is this journey fine?"},
    decision_schema={
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "enum": ["VERDICT_APPROVE", "VERDICT_REJECT"]},
            "reason": {"type": "string"},
        },
        "required": ["verdict"],
    },
    raised_at=NOW - 3 * SECOND,
)


def workflow(workflow_id: str = "wf-1", status: str = "RUNNING", **more: object) -> KnownWorkflow:
    values = {
        "workflow_type": "trip_planning",
        "phases": ("searching_trains",),
        "fraction": 0.2,
        "headline": "Found 3 trains.",
        "facts": {"trains": 3},
        "last_error": "",
        "as_of_sequence": 7,
        "created_at": NOW - 9 * SECOND,
        "updated_at": NOW - 2 * SECOND,
        "read_at": NOW,
    }
    return KnownWorkflow(workflow_id=workflow_id, status=status, **(values | more))


def brief(message: str, **more: object) -> Brief:
    values = {
        "types": (TRIP, GARDEN),
        "workflows": (workflow(), workflow("wf-0", "SUCCEEDED")),
        "questions": (QUESTION,),
    }
    return Brief(message=message, now=NOW, **(values | more))


class Plain:
    """Understands nothing, but at once."""

    plan = Plan(kind="ask_back", text="Pardon?")

    async def triage(self, brief: Brief) -> Insight[Plan]:
        return Insight(self.plan, "offline")

    async def answer(self, brief: Brief) -> Insight[str]:
        return Insight("No idea.", "offline")


def understanding(api: OpenAiApi, *, seconds_max: float = 100, **limits: float) -> WithModel:
    return WithModel(model_at(api, **limits), Plain(), seconds_max=seconds_max)
