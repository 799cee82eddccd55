"""Many workflows at once on a real server with executors of its own."""

import asyncio
from pathlib import Path

import pytest

from stretto.workflow.v1 import workflow_pb2 as model


async def completed(caller, workflow_id: str) -> bool:
    return [event async for event in caller.watch(workflow_id)][-1].WhichOneof("kind") == "completed"


def entered(folder: Path) -> set[str]:
    """The paths whose workflows have begun to wait for them."""
    return {str(mark).removesuffix(".ran") for mark in folder.glob("*.ran")}


async def until_inside(folder: Path, opened: set[str], count: int) -> set[str]:
    """Those that are inside, once they are so many; more than that is a broken bound."""
    while len(inside := entered(folder) - opened) < count:
        await asyncio.sleep(0.01)
    assert len(inside) == count
    return inside


@pytest.mark.parametrize("executors", [1, 2])
async def test_a_bound_holds_over_all_executors_and_is_reached(serving, caller, tmp_path, executors):
    await serving.up("--concurrency-max", "3", "--executors", str(executors))
    paths = [str(tmp_path / f"door-{number}") for number in range(9)]
    started = [await caller.start("waits_for_file", path=path) for path in paths]
    opened: set[str] = set()
    async with asyncio.timeout(60):
        for left in range(9, 0, -1):
            door = min(await until_inside(tmp_path, opened, min(3, left)))
            opened.add(door)
            Path(door).touch()
        assert all(await asyncio.gather(*(completed(caller, workflow_id) for workflow_id in started)))


async def test_a_hundred_workflows_at_once_all_succeed_each_with_its_own_state(serving, caller, tmp_path):
    await serving.up("--executors", "2")
    door = [tmp_path / f"door-{number}" for number in range(100)]
    for path in door:
        path.touch()
    async with asyncio.timeout(60):
        ids = await asyncio.gather(*(caller.start("waits_for_file", path=str(path)) for path in door))
        assert all(await asyncio.gather(*(completed(caller, workflow_id) for workflow_id in ids)))
        states = [await caller.state(workflow_id) for workflow_id in ids]
    assert [state.snapshot["path"] for state in states] == [str(path) for path in door]
    assert {state.workflow.status for state in states} == {model.WORKFLOW_STATUS_SUCCEEDED}
    assert [Path(f"{path}.ran").read_text() for path in door] == ["x"] * 100
