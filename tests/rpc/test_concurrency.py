"""Many workflows at once: bounds that hold, turns for everybody, deadlines of one's own, and no state that crosses."""

import asyncio
import operator
from collections import Counter
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy, Send, interrupt
from typing_extensions import TypedDict

from stretto.client import Client, WorkflowFailed, WorkflowTimedOut
from stretto.server import App
from stretto.testing import ManualClock, serving
from stretto.testing._server import LocalServer

PATIENT = RetryPolicy(max_attempts=3, retry_on=ValueError)
SECONDS_MAX = 30
"""Bounds a test that would hang; none comes near it."""


class State(TypedDict, total=False):
    canary: str
    seen: Annotated[list[str], operator.add]


def graph_of(*nodes: Any, **policies: Any) -> StateGraph:
    graph, before = StateGraph(State), START
    for node in nodes:
        graph.add_node(node.__name__, node, **policies)
        graph.add_edge(before, node.__name__)
        before = node.__name__
    return graph


class Gate:
    """A node that stays inside until the test lets one through; knows who is inside, and the most that ever were."""

    def __init__(self) -> None:
        self.inside: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.order: list[str] = []
        self._places = asyncio.Semaphore(0)
        self._changed = asyncio.Condition()

    def node(self, name: str) -> Any:
        async def stays(state: State) -> State:
            await self._come(name, state["canary"])
            await self._places.acquire()
            await self._go(name)
            return {"seen": [state["canary"]]}

        return stays

    async def _come(self, name: str, canary: str) -> None:
        self.order.append(canary)
        for counted in (name, "all"):
            self.inside[counted] += 1
            self.most[counted] = max(self.most[counted], self.inside[counted])
        await self._tell()

    async def _go(self, name: str) -> None:
        self.inside.subtract((name, "all"))
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def open(self, count: int = 1) -> None:
        """Let some through, whoever comes first."""
        for _ in range(count):
            self._places.release()

    async def until(self, **inside: int) -> None:
        """Return once so many are inside."""
        async with self._changed:
            await self._changed.wait_for(lambda: all(self.inside[name] == count for name, count in inside.items()))

    async def until_come(self, count: int) -> None:
        """Return once so many have come, whether or not they are still inside."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.order) >= count)


@asynccontextmanager
async def bounded(app: App, concurrency_max: int):
    """A server that runs so many workflows at once, and a client of it."""
    server = LocalServer((app,), None, "memory:", instant_retries=True)
    server._settings = server._settings.model_copy(update={"concurrency_max": concurrency_max})
    await server.start()
    try:
        async with asyncio.timeout(SECONDS_MAX), Client(server.address) as client:
            yield client
    finally:
        await server.stop()


async def start(client: Client, name: str, canaries: Any, **more: Any) -> list[Any]:
    return await asyncio.gather(*(client.start(name, {"canary": canary}, **more) for canary in canaries))


async def canaries_of(handles: list[Any]) -> list[list[str]]:
    results = await asyncio.gather(*(handle.result() for handle in handles))
    return [result["seen"] for result in results]


async def test_a_server_runs_as_many_workflows_at_once_as_it_may_and_no_more():
    gate = Gate()
    app = App()
    app.workflow("stays", graph_of(gate.node("stays")))
    async with bounded(app, 4) as client:
        handles = await start(client, "stays", [f"c{number}" for number in range(20)])
        for come in range(4, 21):  # Each one that leaves makes room for the next.
            await gate.until_come(come)
            await gate.until(all=4)
            gate.open()
        gate.open(3)
        assert await canaries_of(handles) == [[f"c{number}"] for number in range(20)]
    assert gate.most["all"] == 4


async def test_a_type_has_a_bound_of_its_own_and_leaves_the_rest_to_others():
    gate = Gate()
    app = App()
    app.workflow("narrow", graph_of(gate.node("narrow")), concurrency_max=2)
    app.workflow("wide", graph_of(gate.node("wide")))
    async with bounded(app, 7) as client:
        narrow = await start(client, "narrow", [f"n{number}" for number in range(12)])
        await gate.until(narrow=2)
        wide = await start(client, "wide", [f"w{number}" for number in range(12)])
        await gate.until(narrow=2, wide=5)
        gate.open(24)
        assert sorted(await canaries_of(narrow + wide)) == sorted([canary] for canary in gate.order)
    assert (gate.most["narrow"], gate.most["all"]) == (2, 7)


async def test_a_hundred_workflows_of_one_session_do_not_starve_the_only_one_of_another():
    gate = Gate()
    app = App()
    app.workflow("stays", graph_of(gate.node("stays")))
    async with bounded(app, 3) as client:
        many = await start(client, "stays", [f"many{number}" for number in range(100)], session_id="busy")
        await gate.until(all=3)
        (lone,) = await start(client, "stays", ["lone"], session_id="quiet")
        gate.open(101)
        await lone.result()
        assert len(await canaries_of(many)) == 100
    # Three were inside when it came, and the busy session may have had the turn just then.
    assert gate.order.index("lone") in (3, 4)


async def test_a_deadline_ends_its_own_workflow_with_a_reason_and_no_other():
    gate = Gate()
    app = App()
    app.workflow("stays", graph_of(gate.node("stays")))
    async with asyncio.timeout(SECONDS_MAX), serving(app, clock=ManualClock()) as server:
        late = await start(server.client, "stays", ["l0", "l1", "l2"], deadline=timedelta(seconds=30))
        patient = await start(server.client, "stays", ["p0", "p1"], deadline=timedelta(minutes=5))
        forever = await start(server.client, "stays", ["f0", "f1"])
        await gate.until(all=7)
        # Deadlines count from the caller's time. This clock has stood still since the server began to start.
        server.clock.advance(timedelta(minutes=2))
        for handle in late:
            with pytest.raises(WorkflowTimedOut, match="these steps were running: stays") as caught:
                await handle.result()
            assert caught.value.reason == "DEADLINE_EXCEEDED"
        gate.open(7)
        assert await canaries_of(patient + forever) == [["p0"], ["p1"], ["f0"], ["f1"]]


async def simple(state: State) -> State:
    return {"seen": [state["canary"]]}


async def first(state: State) -> State:
    return {"seen": [f"first {state['canary']}"]}


async def last(state: State) -> State:
    return {"seen": [f"last {state['canary']}"]}


def side_by_side() -> StateGraph:
    graph = StateGraph(State)
    graph.add_node("spread", lambda _: {})
    graph.add_node("one", simple)
    graph.add_edge(START, "spread")
    graph.add_conditional_edges(
        "spread", lambda state: [Send("one", {"canary": f"{state['canary']}.{part}"}) for part in range(4)], ["one"]
    )
    return graph


def stumbling() -> StateGraph:
    tries: Counter[str] = Counter()

    async def stumbles(state: State) -> State:
        tries[state["canary"]] += 1
        if tries[state["canary"]] < 3:
            raise ValueError(state["canary"])
        return {"seen": [state["canary"]]}

    return graph_of(stumbles, retry_policy=PATIENT)


def asking() -> StateGraph:
    def asks(state: State) -> State:
        return {"seen": [f"{state['canary']} {interrupt(state['canary'])}"]}

    return graph_of(asks)


def blocking(state: State) -> State:
    """A plain function, which runs in a thread."""
    return {"seen": [state["canary"]]}


def mixed_app() -> App:
    outer = StateGraph(State)
    outer.add_node("inner", graph_of(first, last).compile())
    outer.add_edge(START, "inner")
    app = App()
    app.workflow("simple", graph_of(simple))
    app.workflow("chain", graph_of(first, simple, last))
    app.workflow("parallel", side_by_side())
    app.workflow("nested", outer)
    app.workflow("stumbling", stumbling())
    app.workflow("asking", asking())
    app.workflow("threaded", graph_of(blocking))
    return app


EXPECTED = {
    "simple": ["c"],
    "chain": ["first c", "c", "last c"],
    "parallel": ["c.0", "c.1", "c.2", "c.3"],
    "nested": ["first c", "last c"],
    "stumbling": ["c"],
    "asking": ["c yes"],
    "threaded": ["c"],
}


async def test_seven_workflows_of_mixed_kinds_at_once_all_end_well():
    async with asyncio.timeout(SECONDS_MAX), serving(mixed_app()) as server:
        handles = dict(
            zip(EXPECTED, [await server.client.start(name, {"canary": "c"}) for name in EXPECTED], strict=True)
        )
        await server.next_interrupt(handles["asking"])
        await handles["asking"].decide("yes")
        assert dict(zip(EXPECTED, await canaries_of(list(handles.values())), strict=True)) == EXPECTED


@pytest.mark.parametrize("count", [15, 100])
async def test_simultaneous_workflows_all_succeed_and_none_sees_the_state_of_another(count):
    canaries = [f"canary-{number}" for number in range(count)]
    async with asyncio.timeout(SECONDS_MAX), serving(mixed_app()) as server:
        handles = await start(server.client, "chain", canaries)
        seen = await canaries_of(handles)
        states = await asyncio.gather(*(handle.state() for handle in handles))
    assert seen == [[f"first {canary}", canary, f"last {canary}"] for canary in canaries]
    assert [state.snapshot["canary"] for state in states] == canaries
    assert len({handle.id for handle in handles}) == count


async def test_workflows_that_fail_touch_none_of_those_beside_them():
    async def picky(state: State) -> State:
        if state["canary"].startswith("bad"):
            raise ValueError(f"no {state['canary']}")
        return {"seen": [state["canary"]]}

    app = App()
    app.workflow("picky", graph_of(first, picky, last))
    names = [f"{'bad' if number % 5 == 0 else 'good'}-{number}" for number in range(20)]
    async with asyncio.timeout(SECONDS_MAX), serving(app) as server:
        handles = await start(server.client, "picky", names)
        ends = await asyncio.gather(*(handle.result() for handle in handles), return_exceptions=True)
    for name, end in zip(names, ends, strict=True):
        if name.startswith("bad"):
            assert isinstance(end, WorkflowFailed)
            assert (end.error.message, end.error.step) == (f"no {name}", "picky")
        else:
            assert end["seen"] == [f"first {name}", name, f"last {name}"]
