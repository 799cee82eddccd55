"""What a row shows, as far as the events of a commit go."""

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph

from stretto.server.domain.event import Event, StepCompleted, StepProgress, StepStarted
from stretto.server.engine.buffer import EVENTS_MAX
from stretto.server.engine.shown import Shown
from tests.harness import PROJECT, app_of, engine_of


def test_steps_come_tell_and_go():
    began = Event(1, StepStarted(), "a", "a1", 1)
    told = Event(2, StepProgress(0.5, "half", None), "a", "a1", 1)
    shown = Shown().after([began, told])
    assert [(step.step, step.fraction, step.message) for step in shown.steps.values()] == [("a", 0.5, "half")]
    assert (shown.fraction, shown.headline) == (0.5, "half")
    ended = shown.after([Event(3, StepCompleted(2, None), "a", "a1", 1)])
    assert ended.steps == {}
    assert (ended.fraction, ended.headline) == (0.5, "half")


async def test_a_row_never_runs_ahead_of_its_journal():
    count = 3 * EVENTS_MAX

    def flooding(state: dict) -> dict:
        tell = get_stream_writer()
        for number in range(count):
            tell({"fraction": number / count, "message": str(number)})
        return {}

    graph = StateGraph(dict).add_node(flooding).add_edge(START, "flooding").add_edge("flooding", END)
    rows = []
    async with engine_of(app_of(flood=graph.compile())) as engine:
        engine.store.on_publication(lambda many: rows.extend(one.workflow for one in many))
        workflow, events = await engine.run("flood")
    headlines = {0: ""}
    for event in events:
        message = event.step_progress.message
        headlines[event.sequence] = message or headlines[event.sequence - 1]
    assert len(rows) > 4
    assert {row.last_sequence: row.headline for row in rows} == {
        row.last_sequence: headlines[row.last_sequence] for row in rows
    }
    assert workflow.project == PROJECT
