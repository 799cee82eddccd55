"""Several processes over the same rows of PostgreSQL."""

import asyncio
import contextlib

import pytest

from stretto.server.domain import transitions
from stretto.server.domain.change import RunSucceeded
from stretto.server.domain.errors import RequestIdReused, SessionBusy, SessionDeleted, StaleEpoch
from stretto.server.domain.workflow import Status
from tests.contract.making import PROJECT, YES, accepted, claim, commit, request, running
from tests.contract.postgres_stores import opened, two_processes
from tests.contract.talking import ALL, SESSION, sequences


async def test_only_one_of_two_processes_claims_a_workflow(postgres_url):
    async with two_processes(postgres_url) as stores:
        for number in range(20):
            name = f"wf_{number}"
            await stores[number % 2].create(accepted(name))
            claims = await asyncio.gather(*(store.update(PROJECT, name, claim) for store in (*stores, *stores)))
            assert sum(outcome.fresh for outcome in claims) == 1
            assert (await stores[0].get(PROJECT, name)).epoch == 1


async def test_an_owner_whose_workflow_another_process_took_is_stale(postgres_url):
    async with two_processes(postgres_url) as (one, other):
        await running(one)
        await one.update(PROJECT, "wf_1", commit(events=(b"first",)))
        await other.update(PROJECT, "wf_1", lambda workflow, _: transitions.release(workflow, 1, 2_500))
        taken = (await other.update(PROJECT, "wf_1", claim)).workflow.epoch
        with pytest.raises(StaleEpoch):
            await one.update(PROJECT, "wf_1", commit(events=(b"late",), end=RunSucceeded(YES)))
        await other.update(PROJECT, "wf_1", commit(epoch=taken, events=(b"second",), end=RunSucceeded(YES)))
        events = await one.events(PROJECT, "wf_1", 0, ALL)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert b"late" not in [event.body for event in events]


async def test_what_was_refused_by_something_remembered_is_asked_again(postgres_url):
    async with two_processes(postgres_url) as (one, other):
        await running(one)

        def only_a_released_one(workflow, _):
            if workflow.status is not Status.QUEUED:
                raise StaleEpoch
            return transitions.claim(workflow, 5_000)

        await other.update(PROJECT, "wf_1", lambda workflow, _: transitions.release(workflow, 1, 2_500))
        taken = (await one.update(PROJECT, "wf_1", only_a_released_one)).workflow.epoch
        await other.update(PROJECT, "wf_1", lambda workflow, _: transitions.release(workflow, taken, 2_600))
        unchanged = await one.update(PROJECT, "wf_1", lambda workflow, _: ())
        assert unchanged.workflow.status is Status.QUEUED


async def test_many_writers_of_one_workflow_leave_a_journal_without_gaps(postgres_url):
    async with two_processes(postgres_url) as stores:
        told = [[], []]
        for store, heard in zip(stores, told, strict=True):
            store.on_publication(heard.extend)
        await running(stores[0])
        for at in range(10):
            await asyncio.gather(
                *(store.update(PROJECT, "wf_1", commit(at=3_000 + at, events=(b"e",))) for store in stores)
            )
        events = await stores[0].events(PROJECT, "wf_1", 0, ALL)
        assert [event.sequence for event in events] == list(range(1, 23))
        for heard in told:
            numbers = [event.sequence for one in heard for event in one.events]
            assert numbers == sorted(numbers)
        assert sorted(event.sequence for heard in told for one in heard for event in one.events) == list(range(1, 23))


async def test_many_processes_that_write_one_workflow_at_once_all_come_through(postgres_url):
    async with contextlib.AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(opened(postgres_url, shared=True)) for _ in range(10)]
        await running(stores[0], session_id=SESSION)
        for at in range(5):
            writes = (store.update(PROJECT, "wf_1", commit(at=3_000 + at, events=(b"e",))) for store in stores)
            await asyncio.gather(*writes)
        assert (await stores[0].get(PROJECT, "wf_1")).last_sequence == 52


async def test_a_request_that_comes_to_two_processes_starts_one_workflow(postgres_url):
    async with two_processes(postgres_url) as stores:
        for number in range(10):
            starts = [
                store.create(accepted(f"wf_{number}_{which}"), request(f"r{number}"))
                for which, store in enumerate((*stores, *stores))
            ]
            outcomes = await asyncio.gather(*starts)
            assert len({outcome.workflow.workflow_id for outcome in outcomes}) == 1
            assert sum(outcome.fresh for outcome in outcomes) == 1
        with pytest.raises(RequestIdReused):
            await stores[1].create(accepted("wf_x"), request("r1", digest=b"another"))


async def test_two_processes_count_right_in_one_session(postgres_url):
    async with two_processes(postgres_url) as stores:
        await asyncio.gather(
            *(
                store.create(accepted(f"wf_{number}_{which}", session_id=SESSION))
                for number in range(10)
                for which, store in enumerate(stores)
            )
        )
        session = await stores[0].session(PROJECT, SESSION)
        assert (session.workflow_count, session.active_workflow_count) == (20, 20)
        entries = await stores[1].session_events(PROJECT, SESSION, 0, ALL)
        assert sequences(entries) == list(range(1, session.last_sequence + 1))


async def test_deleting_a_session_and_starting_in_it_from_another_process_leave_one_of_the_two(postgres_url):
    async with two_processes(postgres_url) as (one, other):
        for number in range(10):
            session_id = f"session_{number}"
            await one.create(accepted(f"wf_{number}", session_id=session_id))
            await one.update(PROJECT, f"wf_{number}", lambda workflow, _: transitions.cancel(workflow, "", 3_000))
            deleted, started = await asyncio.gather(
                one.delete_session(PROJECT, session_id, 4_000),
                other.create(accepted(f"late_{number}", session_id=session_id)),
                return_exceptions=True,
            )
            assert isinstance(deleted, SessionBusy) != isinstance(started, SessionDeleted)


async def test_both_processes_write_in_the_same_rows_until_all_is_done(postgres_url):
    """Batches that meet in many rows at once, in sessions too: some are repeated, none is lost."""
    async with two_processes(postgres_url) as stores:
        names = [f"wf_{number}" for number in range(12)]
        for number, name in enumerate(names):
            await running(stores[number % 2], name, session_id=f"session_{number % 3}")
        for at in range(5):
            outcomes = await asyncio.gather(
                *(
                    store.update(PROJECT, name, commit(workflow_id=name, at=3_000 + at, events=(b"e",)))
                    for store in stores
                    for name in (names if store is stores[0] else reversed(names))
                ),
                return_exceptions=True,
            )
            assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        for name in names:
            assert (await stores[0].get(PROJECT, name)).last_sequence == 12
