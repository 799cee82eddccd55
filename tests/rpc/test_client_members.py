"""The members of those who share a store, as the client library tells of them; each test for both twins."""

from dataclasses import replace

import pytest

from stretto import client as library
from stretto.client import Client, ClientSync
from stretto.operations.v1.member_pb2 import MEMBER_KIND_WORKER
from stretto.server.domain.diagnosis import Sharing
from stretto.server.domain.member import Member, MemberKind, Presence
from tests.rpc.conftest import DIAGNOSIS, World
from tests.rpc.twins import Threaded


@pytest.fixture(params=[Client, ClientSync], ids=["async", "sync"])
async def client(request: pytest.FixtureRequest, world: World):
    made = request.param(world.address)
    async with made if request.param is Client else Threaded(made) as connected:
        yield connected


def present(world: World, *member_ids: str) -> None:
    world.membership.present = tuple(
        Presence(Member(member_id=member_id, kind=MemberKind.WORKER, lease=10_000_000, version="1"), 0)
        for member_id in member_ids
    )


async def test_all_members_are_listed_page_after_page(client, world: World) -> None:
    present(world, "worker-1", "worker-2", "worker-3")
    found = [member async for member in client.members(page_size=2)]
    assert [member.member_id for member in found] == ["worker-1", "worker-2", "worker-3"]
    assert found[0].kind == MEMBER_KIND_WORKER


async def test_a_member_is_drained_by_its_id(client, world: World) -> None:
    present(world, "worker-1")
    assert (await client.drain("worker-1")).draining
    assert world.membership.asked == ["worker-1"]


async def test_the_server_that_answers_is_drained_by_its_id_too(client, world: World) -> None:
    present(world, "server-7", "server-8")
    world.diagnostics.told = replace(DIAGNOSIS, sharing=Sharing("server-8"))
    assert (await client.drain()).member_id == "server-8"
    assert world.membership.asked == ["server-8"]


async def test_an_unknown_member_is_not_found(client) -> None:
    with pytest.raises(library.NotFound) as caught:
        await client.drain("gone")
    assert caught.value.reason == "MEMBER_NOT_FOUND"
