"""A domain that nobody has heard of: its graph and its registration, and nothing besides."""

import asyncio
from typing import Any, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from stretto.server import App
from tests.protos.generated.beekeeping_pb2 import HiveVisit, VisitDecision, VisitReport

JARS_PER_HIVE = 11


class Visit(TypedDict, total=False):
    hives: int
    purpose: str
    jars: int
    verdict: str


def beekeeping(gate: asyncio.Event) -> App:
    """An app with one type, which waits at a gate in its first step."""

    async def smoking_the_hives(visit: Visit) -> Visit:
        get_stream_writer()({"fraction": 0.4, "message": f"Smoke drifts over {visit['hives']} hives"})
        await gate.wait()
        return {"jars": visit["hives"] * JARS_PER_HIVE}

    async def asking_the_beekeeper(visit: Visit) -> Visit:
        answer: Any = interrupt({"question": f"Shall {visit['jars']} jars be taken?"})
        return {"verdict": answer["verdict"]}

    async def taking_the_frames(visit: Visit) -> Visit:
        taken = visit["jars"] if visit["verdict"] == "VERDICT_APPROVE" else 0
        get_stream_writer()({"fraction": 0.9, "message": f"{taken} jars taken"})
        return {"jars": taken}

    graph = StateGraph(Visit)
    nodes = (smoking_the_hives, asking_the_beekeeper, taking_the_frames)
    graph.add_sequence(nodes)
    graph.add_edge(START, nodes[0].__name__)
    app = App()
    app.workflow(
        "hive_visit",
        graph,
        description="Visits beehives: harvests honey, checks queens, or treats mites.",
        input=HiveVisit,
        result=VisitReport,
        decision=VisitDecision,
        examples=[
            ("Harvest the honey of 6 hives", HiveVisit(hives=6, purpose="PURPOSE_HONEY_HARVEST")),
            ("Have a look at the queens in my 3 hives", HiveVisit(hives=3, purpose="PURPOSE_QUEEN_CHECK")),
            ("The bees have mites, treat all 8 hives", HiveVisit(hives=8, purpose="PURPOSE_MITE_TREATMENT")),
        ],
        to_result=lambda visit: {"summary": f"{visit['jars']} jars of honey", "jars": visit["jars"]},
    )
    return app
