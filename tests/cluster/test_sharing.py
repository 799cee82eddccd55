"""Any server answers for any workflow, whoever runs it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

from stretto.server.cluster.queues import Queues
from stretto.server.cluster.routes import DEADLINES
from stretto.workflow.v1.workflow_pb2 import (
    WORKFLOW_STATUS_CANCELLED as CANCELLED,
)
from stretto.workflow.v1.workflow_pb2 import (
    WORKFLOW_STATUS_QUEUED as QUEUED,
)
from stretto.workflow.v1.workflow_pb2 import (
    WORKFLOW_STATUS_TIMED_OUT as TIMED_OUT,
)
from stretto.workflow.v1.workflow_pb2 import (
    WORKFLOW_STATUS_WAITING as WAITING,
)
from tests.cluster.clusters import Cluster, until
from tests.cluster.graphs import app_of, ask, graph_of, steps_of


async def test_a_worker_runs_what_a_server_accepts(cluster: Cluster) -> None:
    await cluster.worker(app_of(*steps_of("worker")))
    client = await cluster.server(app_of(*steps_of("server")), run_workflows=False)
    handle = await client.start("line", {"text": "x"})
    assert (await handle.result())["seen"] == ["worker:1", "worker:2", "worker:3"]


async def test_to_run_and_watch_a_workflow_nobody_reads_what_was_told_or_is_written_anyway(cluster: Cluster) -> None:
    """Reads would cost more than the commits do."""
    reads: list[str] = []
    gate = asyncio.Event()
    worker = await cluster.worker(app_of(*steps_of("any", gate=gate)))
    client = await cluster.server(app_of(*steps_of("any")), run_workflows=False)
    for member, node in (("worker", worker), ("server", cluster.nodes[-1])):
        store: Any = node.host.store
        for verb in ("get", "events"):
            setattr(store, verb, _counted(getattr(store, verb), f"{verb} by {member}", reads))
    handle = await client.start("line", {})
    async with handle.watch() as events:
        async for event in events:
            assert event.sequence
            gate.set()  # What has ended before it is watched is read.
    assert reads == []


async def test_of_a_workflow_that_has_ended_no_deadline_stays_in_redis(cluster: Cluster) -> None:
    gate = asyncio.Event()
    await cluster.worker(app_of(*steps_of("any", gate=gate)))
    client = await cluster.server(app_of(*steps_of("any")), run_workflows=False)
    queues: Any = cluster.nodes[0].host.cluster._queues  # type: ignore[union-attr]
    await client.start("line", {}, deadline=timedelta(days=1))
    await until(partial(_has_depth, queues, DEADLINES, 1))
    gate.set()
    await until(partial(_has_depth, queues, DEADLINES, 0))


async def _has_depth(queues: Queues, queue: str, depth: int) -> bool:
    return await queues.depth(queue) == depth


def _counted(verb: Callable[..., Awaitable[object]], name: str, calls: list[str]) -> Callable[..., Awaitable[object]]:
    async def counted(*where: object) -> object:
        calls.append(name)
        return await verb(*where)

    return counted


async def test_any_server_watches_decides_and_cancels(cluster: Cluster) -> None:
    app = app_of(ask, *steps_of("any", 1))
    await cluster.worker(app)
    one, other = [await cluster.server(app, run_workflows=False) for _ in range(2)]
    started = await one.start("line", {})
    seen = other.handle(started.id)
    kinds = []
    async with seen.watch() as events:
        async for event in events:
            kinds.append(event.WhichOneof("kind"))
            if kinds[-1] == "interrupt_raised":
                await seen.decide({"yes": True})
    assert kinds[-1] == "completed"
    assert (await started.result())["answer"] == {"yes": True}
    second = await one.start("line", {})
    await until(partial(_is, second, WAITING))
    await other.handle(second.id).cancel("enough")
    assert await until(partial(_is, second, CANCELLED))


async def test_a_cancel_reaches_the_worker_that_runs_the_workflow(cluster: Cluster) -> None:
    gate = asyncio.Event()
    app = app_of(*steps_of("any", gate=gate))
    await cluster.worker(app)
    client = await cluster.server(app, run_workflows=False)
    handle = await client.start("line", {})
    async with handle.watch() as events:
        async for event in events:
            if event.step == "step_2" and event.HasField("step_started"):
                await handle.cancel("enough")
    assert await _is(handle, CANCELLED)


async def test_a_watcher_goes_from_server_to_server_without_a_gap(cluster: Cluster) -> None:
    app = app_of(*steps_of("any", 6))
    await cluster.worker(app)
    clients = [await cluster.server(app, run_workflows=False) for _ in range(2)]
    handle = await clients[0].start("line", {})
    sequences: list[int] = []
    turn = 0
    ended = False
    while not ended:
        turn += 1
        async with clients[turn % 2].handle(handle.id).watch(len(sequences)) as events:
            async for event in events:
                sequences.append(event.sequence)
                ended = event.HasField("completed")
                break
    assert sequences == list(range(1, len(sequences) + 1))
    assert len(sequences) >= 14


async def test_a_hundred_workflows_are_divided_and_each_runs_once(cluster: Cluster) -> None:
    log: list[str] = []
    for number in range(3):
        await cluster.worker(app_of(*steps_of(f"worker{number}", log=log)))
    clients = [await cluster.server(app_of(*steps_of("none")), run_workflows=False) for _ in range(2)]
    handles = await asyncio.gather(*(clients[number % 2].start("line", {}) for number in range(100)))
    results = await asyncio.gather(*(handle.result() for handle in handles))
    assert all(len({one.partition(":")[0] for one in result["seen"]}) == 1 for result in results)
    assert len(log) == 300
    assert {one.partition(":")[0] for one in log} == {"worker0", "worker1", "worker2"}


async def test_a_worker_runs_chosen_types_only(cluster: Cluster) -> None:
    def both(member: str):
        app = app_of(*steps_of(member), name="first")
        app.workflow("second", graph_of(*steps_of(member)))
        return app

    await cluster.worker(app_of(*steps_of("one"), name="first"))
    await cluster.worker(app_of(*steps_of("two"), name="second"))
    client = await cluster.server(both("server"), run_workflows=False)
    for _ in range(5):
        assert (await (await client.start("first", {})).result())["seen"][0] == "one:1"
        assert (await (await client.start("second", {})).result())["seen"][0] == "two:1"


async def test_two_versions_side_by_side_run_where_they_are_at_home(cluster: Cluster) -> None:
    old, new = (partial(app_of, version=version) for version in ("1", "2"))
    await cluster.worker(old(*steps_of("old worker")))
    await cluster.worker(new(*steps_of("new worker")))
    of_old = await cluster.server(old(*steps_of("old server")), run_workflows=False)
    of_new = await cluster.server(new(*steps_of("new server")), run_workflows=False)
    for _ in range(10):
        for client, home in ((of_old, "old worker"), (of_new, "new worker")):
            result = await (await client.start("line", {})).result()
            assert {one.partition(":")[0] for one in result["seen"]} == {home}


async def test_a_version_that_nobody_has_waits_for_somebody_who_has_it(cluster: Cluster) -> None:
    await cluster.worker(app_of(*steps_of("old"), version="1"))
    client = await cluster.server(app_of(*steps_of("none"), version="2"), run_workflows=False)
    handle = await client.start("line", {})
    other = await client.start("line", {})
    assert (await handle.state()).workflow.status == QUEUED
    await cluster.worker(app_of(*steps_of("new"), version="2"))
    assert (await handle.result())["seen"][0] == "new:1"
    assert (await other.result())["seen"][0] == "new:1"


async def test_a_type_with_a_limit_keeps_it_and_lets_others_pass(cluster: Cluster) -> None:
    gate = asyncio.Event()
    log: list[str] = []
    app = app_of(*steps_of("slow", gate=gate, log=log), name="slow", concurrency_max=2)
    app.workflow("quick", graph_of(*steps_of("quick")))
    await cluster.worker(app)
    client = await cluster.server(app, run_workflows=False)
    slow = await asyncio.gather(*(client.start("slow", {}) for _ in range(10)))
    for _ in range(5):
        await (await client.start("quick", {})).result()
    assert log.count("slow:2") <= 2
    gate.set()
    await asyncio.gather(*(handle.result() for handle in slow))


async def test_a_deadline_ends_a_workflow_wherever_it_is(cluster: Cluster) -> None:
    gate = asyncio.Event()
    app = app_of(*steps_of("any", gate=gate))
    await cluster.worker(app)
    client = await cluster.server(app, run_workflows=False)
    handle = await client.start("line", {}, deadline=timedelta(seconds=0.5))
    assert await until(partial(_is, handle, TIMED_OUT))
    await until(lambda: cluster.nodes[0].host.dispatcher.running_count == 0)


async def _is(handle, status) -> bool:
    return (await handle.state()).workflow.status == status
