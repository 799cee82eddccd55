from langgraph.graph import START, StateGraph
from pydantic import BaseModel
from typing_extensions import TypedDict

from tests.harness import app_of, engine_of
from tests.unit.models.making import model_at


class State(TypedDict, total=False):
    said: str


class Pick(BaseModel):
    colour: str


async def test_watchers_see_text_being_written_and_nothing_of_structured_answers(api):
    model = model_at(api)
    api.script({"answer": {"colour": "blue"}}, {"text": "It is blue now."})

    async def node(state):
        pick = await model.structured("Pick.", "One", Pick)
        return {"said": pick.colour + await model.write("Tell.", "What?")}

    graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile()
    async with engine_of(app_of(says=graph)) as engine:
        workflow, events = await engine.run("says")
    deltas = [event.token_delta.text for event in events if event.WhichOneof("kind") == "token_delta"]
    assert "".join(deltas) == "It is blue now."
    assert engine.result(workflow)["said"] == "blueIt is blue now."


async def test_watchers_see_nothing_of_text_that_is_not_for_them(api):
    model = model_at(api)
    api.script({"text": "Not yet"})

    async def node(state):
        return {"said": await model.write("Tell.", "What?", watched=False)}

    graph = StateGraph(State).add_node("node", node).add_edge(START, "node").compile()
    async with engine_of(app_of(says=graph)) as engine:
        _, events = await engine.run("says")
    assert not [event for event in events if event.WhichOneof("kind") == "token_delta"]


async def test_text_that_nobody_watches_is_asked_for_again_when_it_breaks_off(api, at_once):
    api.script({"text": "Half of it", "cut_after": 2}, {"text": "All of it"})
    assert await model_at(api).write("Tell.", "What?", watched=False) == "All of it"
