"""What the store in memory promises beyond the contract of all stores."""

from stretto.server.domain import transitions
from stretto.server.store.memory import MemoryStore
from tests.contract.making import ENCODERS, PROJECT, a_workflow


async def test_opened_again_it_has_what_it_had_and_tells_only_those_who_listen_since():
    store = MemoryStore(ENCODERS)
    told: list[str] = []
    await store.open()
    store.on_publication(lambda _: told.append("before"))
    await store.create(transitions.accept(a_workflow("wf_1")))
    await store.close()
    await store.open()
    store.on_publication(lambda _: told.append("since"))
    await store.create(transitions.accept(a_workflow("wf_2")))
    assert (await store.get(PROJECT, "wf_1")).workflow_id == "wf_1"
    assert told == ["before", "since"]
