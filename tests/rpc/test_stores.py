"""The tests beside this one run on the store that they are told to run on."""

from pathlib import Path

from stretto.server.domain.diagnosis import StoreKind
from stretto.testing import serving
from tests.rpc.conftest import World
from tests.rpc.small_apps import app_of, failing
from tests.rpc.stores import ABOVE

KINDS = {
    "memory": StoreKind.MEMORY,
    "sqlite": StoreKind.SQLITE,
    "postgres": StoreKind.POSTGRESQL,
    "redis": StoreKind.REDIS,
}


async def test_a_world_is_on_the_store(world: World, store_kind: str) -> None:
    assert world.store.kind is KINDS[store_kind]


async def test_a_server_of_the_test_tools_is_on_the_store(store_kind: str) -> None:
    async with serving(app_of(failing(0))) as server:
        assert (await server.client.diagnose()).diagnosis.store.kind == KINDS[store_kind].value


def test_the_modules_that_stand_above_the_store_are_there() -> None:
    assert [name for name in ABOVE if not Path(__file__).with_name(f"{name}.py").exists()] == []
