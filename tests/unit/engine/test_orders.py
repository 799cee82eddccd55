"""What a turn orders starts with the commit that ends it, or not at all."""

from functools import partial

import pytest

from stretto.server.domain import transitions
from stretto.server.domain.change import RunCommit, RunFailed, RunReleased, RunSucceeded
from stretto.server.domain.errors import StaleEpoch, StoreUnavailable, WorkflowNotFound
from stretto.server.domain.payload import STRUCT, Payload
from stretto.server.domain.session import TURN
from stretto.server.domain.workflow import Failure, Reason, Status, Workflow
from stretto.server.engine import ledger
from stretto.server.engine.desk import TurnName
from stretto.server.engine.ledger import StoreLedger
from stretto.server.engine.orders import Orders
from stretto.server.rpc.session_events import ENCODERS
from stretto.server.store.memory import MemoryStore
from stretto.session.v1.session_pb2 import Reply

PROJECT = "red"
NAME = TurnName(PROJECT, "s1", "wf_turn", 1)
REPLY = RunSucceeded(Payload(Reply.DESCRIPTOR.full_name, Reply(text="done").SerializeToString()))


def a_workflow(workflow_id: str, workflow_type: str = "trip") -> Workflow:
    return Workflow(
        project=PROJECT,
        workflow_id=workflow_id,
        workflow_type=workflow_type,
        type_version="1",
        status=Status.QUEUED,
        request_id="",
        input=Payload(STRUCT, b""),
        session_id="s1",
        created_at=1_000,
        updated_at=1_000,
    )


class Turn:
    """A running turn with a ledger."""

    def __init__(self) -> None:
        self.store = MemoryStore(ENCODERS)
        self.orders = Orders()
        self.ledger = StoreLedger(self.store, self.orders)

    async def begin(self) -> "Turn":
        await self.store.open()
        await self.store.create(transitions.accept(a_workflow("wf_turn", TURN)))
        await self.store.update(PROJECT, "wf_turn", lambda row, _: transitions.claim(row, 2_000))
        return self

    async def end(self, end, epoch: int = 1) -> None:
        """Commit the end, and tell that the run is over, as an executor does."""
        try:
            await self.ledger.commit(RunCommit(project=PROJECT, workflow_id="wf_turn", epoch=epoch, at=3_000, end=end))
        finally:
            self.ledger.ended(PROJECT, "wf_turn", epoch)

    async def has(self, workflow_id: str) -> bool:
        try:
            await self.store.get(PROJECT, workflow_id)
        except WorkflowNotFound:
            return False
        return True


@pytest.fixture
async def turn() -> Turn:
    return await Turn().begin()


async def test_orders_are_carried_out_with_the_turns_success_in_the_order_of_their_numbers(turn):
    turn.orders.place(NAME, 1, a_workflow("wf_b"))
    turn.orders.place(NAME, 0, a_workflow("wf_a"))
    assert not await turn.has("wf_a")
    await turn.end(REPLY)
    entries = await turn.store.session_events(PROJECT, "s1", 0, 100)
    assert [entry.workflow_id for entry in entries] == ["wf_turn", "wf_turn", "wf_a", "wf_b"]
    assert not turn.orders


@pytest.mark.parametrize(
    "end", [RunFailed(Failure(Reason.STEP_FAILED, "no")), RunReleased()], ids=["it fails", "it is handed back"]
)
async def test_a_turn_that_does_not_succeed_starts_nothing(turn, end):
    turn.orders.place(NAME, 0, a_workflow("wf_a"))
    await turn.end(end)
    assert not await turn.has("wf_a")
    assert not turn.orders


async def test_a_turn_that_is_cancelled_as_it_ends_starts_nothing(turn):
    turn.orders.place(NAME, 0, a_workflow("wf_a"))
    cancel = partial(transitions.cancel, cause="", at=2_500)
    await turn.store.update(PROJECT, "wf_turn", lambda row, _: cancel(row))
    await turn.end(REPLY)
    row = await turn.store.get(PROJECT, "wf_turn")
    assert await turn.has("wf_a") == (row.status is Status.SUCCEEDED)


async def test_an_executor_that_lost_the_turn_starts_nothing(turn):
    turn.orders.place(NAME, 0, a_workflow("wf_a"))
    with pytest.raises(StaleEpoch):
        await turn.end(REPLY, epoch=7)
    assert not await turn.has("wf_a")


async def test_a_turn_that_begins_again_orders_anew(turn):
    turn.orders.place(NAME, 0, a_workflow("wf_a"))
    turn.orders.place(NAME, 1, a_workflow("wf_b"))
    turn.orders.begin(NAME)
    turn.orders.place(NAME, 0, a_workflow("wf_c"))
    await turn.end(REPLY)
    assert [await turn.has(name) for name in ("wf_a", "wf_b", "wf_c")] == [False, False, True]


async def test_what_a_run_has_ordered_is_forgotten_with_it_though_nobody_tells_who_ended_the_turn(turn):
    turn.orders.place(NAME, 0, a_workflow("wf_a"))
    turn.ledger.ended(PROJECT, "wf_turn", 1)
    assert not turn.orders


async def test_the_end_of_an_earlier_run_leaves_the_orders_of_a_later_one(turn):
    turn.orders.place(NAME, 0, a_workflow("wf_a"))
    turn.ledger.ended(PROJECT, "wf_turn", 0)
    await turn.end(REPLY)
    assert await turn.has("wf_a")


async def test_an_end_that_waits_for_the_store_carries_what_was_ordered_though_its_executor_dies(turn, monkeypatch):
    update = turn.store.update

    async def update_once_it_is_there(*asked):
        monkeypatch.setattr(turn.store, "update", update)
        turn.ledger.ended(PROJECT, "wf_turn", 1)
        raise StoreUnavailable

    monkeypatch.setattr(turn.store, "update", update_once_it_is_there)
    monkeypatch.setattr(ledger, "RETRY_SECONDS", 0)
    turn.orders.place(NAME, 0, a_workflow("wf_a"))
    await turn.end(REPLY)
    assert await turn.has("wf_a")


async def test_a_commit_for_a_workflow_that_is_deleted_is_nobodys(turn):
    with pytest.raises(StaleEpoch):
        await turn.ledger.commit(RunCommit(project=PROJECT, workflow_id="wf_no", epoch=1, at=3_000))
