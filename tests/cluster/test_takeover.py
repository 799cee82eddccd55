"""What a dead, a silent and a frozen member leave behind, and what an emptied or absent Redis does not lose."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from stretto.client import Client
from stretto.server.domain.errors import StoreUnavailable
from stretto.workflow.v1.workflow_pb2 import (
    WORKFLOW_STATUS_CANCELLED as CANCELLED,
)
from stretto.workflow.v1.workflow_pb2 import (
    WORKFLOW_STATUS_TIMED_OUT as TIMED_OUT,
)
from tests.cluster.clusters import Cluster, Node, until
from tests.cluster.graphs import app_of, ask, steps_of
from tools.services.redis import RedisService


async def half_way(cluster: Cluster, log: list[str], gate: asyncio.Event) -> tuple[Node, Client, Any]:
    """A worker whose workflow waits in its second step, and a client."""
    worker = await cluster.worker(app_of(*steps_of("first", gate=gate, log=log)))
    client = await cluster.server(app_of(*steps_of("none")), run_workflows=False)
    handle = await client.start("line", {})
    await until(lambda: "first:2" in log)
    return worker, client, handle


async def test_p13_a_dead_workers_workflows_go_on_elsewhere_where_they_were(cluster: Cluster) -> None:
    log: list[str] = []
    worker, _, handle = await half_way(cluster, log, asyncio.Event())
    await cluster.worker(app_of(*steps_of("second", log=log)))
    await cluster.kill(worker)
    result = await handle.result()
    assert result["seen"] == ["first:1", "second:2", "second:3"]
    assert log == ["first:1", "first:2", "second:2", "second:3"]


async def test_p7_a_silent_worker_that_goes_on_changes_nothing(cluster: Cluster) -> None:
    log: list[str] = []
    gate = asyncio.Event()
    worker, _, handle = await half_way(cluster, log, gate)
    await cluster.worker(app_of(*steps_of("second", log=log)))
    worker.fall_silent()
    deaf(worker)
    result = await handle.result()
    with structlog.testing.capture_logs() as told:
        gate.set()
        await until(lambda: worker.host.dispatcher.running_count == 0)
    assert [one["event"] for one in told if one["event"] == "stale_write_refused"]
    assert result["seen"] == ["first:1", "second:2", "second:3"]
    assert (await handle.result())["seen"] == result["seen"]
    assert "first:3" not in log


async def test_a_worker_that_lost_its_workflows_notices_and_stops_them(cluster: Cluster) -> None:
    log: list[str] = []
    worker, _, handle = await half_way(cluster, log, asyncio.Event())
    deaf(worker)
    membership: Any = worker.host.cluster._membership  # type: ignore[union-attr]
    renew, membership.renew = membership.renew, partial(asyncio.sleep, 0)
    await cluster.worker(app_of(*steps_of("second", log=log)))
    await handle.result()
    membership.renew = renew
    await until(lambda: worker.host.dispatcher.running_count == 0)


async def test_a_workflow_that_ended_while_the_store_was_asked_is_not_taken_for_lost(cluster: Cluster) -> None:
    log: list[str] = []
    worker, _, _ = await half_way(cluster, log, asyncio.Event())
    dispatcher: Any = worker.host.dispatcher
    store: Any = worker.host.store
    owned, answers = store.owned, [()]

    async def without_it_at_first(member_id: str) -> Any:
        return answers.pop() if answers else await owned(member_id)

    store.owned = without_it_at_first
    await dispatcher._reconcile()
    assert not answers
    assert dispatcher.running_count == 1


async def test_a_worker_that_lost_the_store_holds_nothing_back_from_others(cluster: Cluster) -> None:
    log: list[str] = []
    parted = await cluster.worker(app_of(*steps_of("parted", log=log)))
    client = await cluster.server(app_of(*steps_of("none")), run_workflows=False)
    lost: Any = parted.host.store
    kept, lost.get, lost.update, lost.renew = (lost.get, lost.update, lost.renew), away, away, away
    try:
        handle = await client.start("line", {})
        await cluster.worker(app_of(*steps_of("well", log=log)))
        assert (await handle.result())["seen"] == ["well:1", "well:2", "well:3"]
    finally:
        lost.get, lost.update, lost.renew = kept


async def test_after_many_deaths_a_workflow_is_quarantined(cluster: Cluster) -> None:
    log: list[str] = []
    app = app_of(*steps_of("any", gate=asyncio.Event(), log=log))
    client = await cluster.server(app, run_workflows=False)
    handle = await client.start("line", {})
    for death in range(1, 4):
        worker = await cluster.worker(app)
        await until(lambda death=death: log.count("any:2") == death)
        await cluster.kill(worker)
    state = await until(partial(_ended, handle))
    assert state.error.message.startswith("Executors died 3 times in a row")


async def test_a_server_that_dies_loses_no_start_that_it_acknowledged(cluster: Cluster) -> None:
    app = app_of(*steps_of("any"))
    dying = await cluster.server(app, run_workflows=False)
    handles = [await dying.start("line", {}) for _ in range(20)]
    await cluster.kill(cluster.nodes[0])
    living = await cluster.server(app, run_workflows=False)
    await cluster.worker(app)
    for handle in handles:
        assert (await living.handle(handle.id).result())["seen"]


async def test_p17_an_emptied_redis_loses_nothing(cluster: Cluster, redis: RedisService) -> None:
    gate = asyncio.Event()
    app = app_of(*steps_of("any", gate=gate))
    client = await cluster.server(app, run_workflows=False)
    queued = [await client.start("line", {}) for _ in range(20)]
    late = await client.start("line", {}, deadline=timedelta(seconds=2))
    redis.flush()
    await cluster.worker(app)
    redis.flush()
    assert (await until(partial(_ended, late))).workflow.status == TIMED_OUT
    gate.set()
    for handle in queued:
        assert (await handle.result())["seen"]


async def test_p17_without_redis_all_goes_on(cluster: Cluster, redis: RedisService) -> None:
    app = app_of(ask, *steps_of("any", 1))
    await cluster.worker(app)
    client, other = [await cluster.server(app, run_workflows=False) for _ in range(2)]
    redis.stop()
    try:
        handle = await client.start("line", {})
        seen = other.handle(handle.id)
        sequences = []
        async with seen.watch() as events:
            async for event in events:
                sequences.append(event.sequence)
                if event.HasField("interrupt_raised"):
                    await seen.decide({"yes": True})
        assert sequences == list(range(1, len(sequences) + 1))
        assert (await handle.result())["answer"] == {"yes": True}
        diagnosis = (await client.diagnose()).diagnosis
        assert diagnosis.sharing.work_queue.HasField("disconnected_since")
    finally:
        redis.start()
    assert (await (await client.start("line", {})).state()).workflow.workflow_id


async def test_p17_a_cancel_reaches_its_worker_without_redis(cluster: Cluster, redis: RedisService) -> None:
    log: list[str] = []
    _, _, handle = await half_way(cluster, log, asyncio.Event())
    redis.stop()
    try:
        await handle.cancel("enough")
        assert (await until(partial(_ended, handle))).workflow.status == CANCELLED
    finally:
        redis.start()


async def test_p13_a_drained_worker_hands_back_and_is_gone(cluster: Cluster) -> None:
    log: list[str] = []
    gate = asyncio.Event()
    worker, _, handle = await half_way(cluster, log, gate)
    stopping = asyncio.create_task(cluster.stop(worker))
    await until(lambda: is_draining(worker))
    gate.set()
    await stopping
    assert worker.member_id not in [presence.member.member_id for presence in await cluster.members()]
    await cluster.worker(app_of(*steps_of("second", log=log)))
    assert (await handle.result())["seen"] == ["first:1", "first:2", "second:3"]
    assert log.count("first:2") == 1


async def test_a_new_member_judges_nobody_in_its_first_lease(cluster: Cluster) -> None:
    log: list[str] = []
    worker, _, _ = await half_way(cluster, log, asyncio.Event())
    newcomer = await cluster.worker(app_of(*steps_of("second", log=log)))
    membership: Any = newcomer.host.cluster._membership  # type: ignore[union-attr]
    assert not membership.may_judge
    await until(lambda: membership.may_judge)
    assert worker.host.dispatcher.running_count == 1


async def away(*_: object) -> None:
    raise StoreUnavailable


def deaf(worker: Node) -> None:
    """Let it hear nothing of others."""
    cluster: Any = worker.host.cluster
    cluster._bus._hearing.listeners.clear()


def is_draining(worker: Node) -> bool:
    """Whether its run was told to stop between two steps."""
    executors: Any = worker.host.executors
    runs = executors._executor._executor._graphs.runs.values()
    return all(run._control.drain_requested for run in runs)


async def _ended(handle: Any) -> Any:
    state = await handle.state()
    return state if state.workflow.HasField("ended_at") else None
