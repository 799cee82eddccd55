"""What becomes of commits and connections when PostgreSQL crashes, falls silent or is cut off."""

import asyncio
import contextlib

import asyncpg
import pytest

from stretto.server.domain.change import Change
from stretto.server.domain.errors import StoreInUse, StoreUnavailable, WorkflowNotFound
from stretto.server.domain.workflow import evolve
from stretto.server.store.postgres import PostgresStore, _connection
from stretto.server.store.postgres._address import parse
from tests.contract.making import ENCODERS, PROJECT, accepted, commit, request, running
from tests.contract.postgres_stores import opened, through_a_proxy
from tests.contract.talking import ALL, SESSION
from tests.services.proxy import Cut, Proxy
from tools.services.postgres import postgres_service


@pytest.mark.parametrize("cut", [Cut.UNANSWERED, Cut.SILENCE])
async def test_a_commit_whose_answer_is_lost_is_told_as_done(postgres_running, postgres_url, impatient, cut):
    async with through_a_proxy(postgres_running, postgres_url) as (store, proxy):
        told = []
        store.on_publication(told.extend)
        proxy.cut_at(b"COMMIT", cut)
        assert (await store.create(accepted(), request())).fresh
        assert proxy.was_cut.is_set()
        assert [one.workflow.workflow_id for one in told] == ["wf_1"]
        assert not (await store.create(accepted("wf_2"), request())).fresh
        assert len(await store.events(PROJECT, "wf_1", 0, ALL)) == 1


async def test_a_commit_that_never_arrived_is_told_as_not_done(postgres_running, postgres_url):
    async with through_a_proxy(postgres_running, postgres_url) as (store, proxy):
        proxy.cut_at(b"COMMIT", Cut.UNHEARD)
        with pytest.raises(StoreUnavailable):
            await store.create(accepted(), request())
        assert proxy.was_cut.is_set()
        with pytest.raises(WorkflowNotFound):
            await store.get(PROJECT, "wf_1")
        assert (await store.create(accepted(), request())).fresh


async def test_while_a_commit_is_undecided_others_are_refused_at_once(postgres_running, postgres_url):
    async with through_a_proxy(postgres_running, postgres_url) as (store, proxy):
        proxy.cut_at(b"COMMIT", Cut.UNANSWERED, refuse=True)
        undecided = asyncio.create_task(store.create(accepted()))
        await proxy.was_cut.wait()
        with pytest.raises(StoreUnavailable):
            while True:
                await store.probe()
        with pytest.raises(StoreUnavailable):
            await store.get(PROJECT, "wf_1")
        assert not undecided.done()
        proxy.allow()
        assert (await undecided).workflow == await store.get(PROJECT, "wf_1")
        await store.probe()


async def test_a_commit_that_a_crash_undid_is_not_taken_for_that_of_another_process():
    """After a crash, the database gives the numbers of transactions that left no trace to others."""
    with postgres_service(options=("wal_writer_delay=10s",)) as service:
        async with (
            opened(service.url, shared=True) as other,
            Proxy(service.port) as proxy,
            opened(service.url.replace(f":{service.port}", f":{proxy.port}"), shared=True) as store,
        ):
            proxy.cut_at(b"COMMIT", Cut.UNHEARD, refuse=True)
            undecided = asyncio.create_task(store.create(accepted()))
            await proxy.was_cut.wait()
            await asyncio.to_thread(service.restart)
            for number in range(20):
                with contextlib.suppress(StoreUnavailable):
                    await other.create(accepted(f"wf_of_other_{number}"))
            proxy.allow()
            with pytest.raises(StoreUnavailable):
                await undecided
            with pytest.raises(WorkflowNotFound):
                await other.get(PROJECT, "wf_1")


async def test_a_commit_that_tells_nobody_anything_is_told_as_done_too(postgres_running, postgres_url, impatient):
    async with through_a_proxy(postgres_running, postgres_url) as (store, proxy):
        await store.create(accepted())
        proxy.cut_at(b"COMMIT", Cut.UNANSWERED)
        await store.update(PROJECT, "wf_1", lambda found, _: (Change(workflow=evolve(found, crashes=1)),))
        assert proxy.was_cut.is_set()
        assert (await store.get(PROJECT, "wf_1")).crashes == 1


async def test_a_store_that_is_closed_before_it_knows_what_became_of_a_commit_says_so(postgres_running, postgres_url):
    async with through_a_proxy(postgres_running, postgres_url) as (store, proxy):
        proxy.cut_at(b"COMMIT", Cut.UNANSWERED, refuse=True)
        undecided = asyncio.create_task(store.create(accepted()))
        await proxy.was_cut.wait()
        await store.close()
        with pytest.raises(StoreUnavailable, match="before it was known"):
            await undecided


async def test_what_is_acknowledged_while_the_database_crashes_is_there_and_nothing_else_is():
    with postgres_service() as service:
        async with opened(service.url) as store:
            outcomes = {}

            async def start(number):
                try:
                    outcomes[number] = (await store.create(accepted(f"wf_{number}"), request(f"r{number}"))).fresh
                except StoreUnavailable:
                    outcomes[number] = None

            async def keep_starting(first):
                for number in range(first, first + 200):
                    await start(number)
                    await asyncio.sleep(0)

            starting = [asyncio.create_task(keep_starting(first)) for first in (0, 1_000, 2_000)]
            for _ in range(3):
                seen = len(outcomes)
                while len(outcomes) < seen + 20:
                    await asyncio.sleep(0)
                await asyncio.to_thread(service.restart)
            await asyncio.gather(*starting)
            assert {True, None} == set(outcomes.values())
            for number, fresh in outcomes.items():
                found = await store.requested(PROJECT, request(f"r{number}"))
                assert (found is not None) == (fresh is True), number
            await store.create(accepted("afterwards"))


async def test_a_read_after_a_restart_finds_the_database_again():
    with postgres_service() as service:
        async with opened(service.url) as store:
            await store.create(accepted())
            await store.get(PROJECT, "wf_1")
            await asyncio.to_thread(service.restart)
            assert (await store.get(PROJECT, "wf_1")).workflow_id == "wf_1"


async def test_a_database_that_is_silent_is_unavailable_until_it_speaks_again(impatient):
    with postgres_service() as service:
        async with opened(service.url) as store:
            await store.create(accepted())
            service.freeze()
            try:
                for call in (store.get(PROJECT, "wf_1"), store.create(accepted("wf_2"))):
                    with pytest.raises(StoreUnavailable):
                        await call
            finally:
                service.thaw()
            await store.create(accepted("wf_2"))
            assert (await store.get(PROJECT, "wf_1")).workflow_id == "wf_1"


async def test_whoever_lost_its_connection_still_keeps_others_out(postgres_running, postgres_url):
    async with through_a_proxy(postgres_running, postgres_url) as (store, proxy):
        proxy.cut_at(b"COMMIT", Cut.UNANSWERED)
        await store.create(accepted())
        await store.probe()
        with pytest.raises(StoreInUse):
            await PostgresStore(postgres_url, ENCODERS).open()


async def test_a_connection_that_is_cut_off_without_a_word_is_ended_in_the_database_too(
    postgres_running, postgres_url, impatient
):
    async with through_a_proxy(postgres_running, postgres_url) as (store, proxy):
        proxy.cut_at(b"BEGIN", Cut.SILENCE)
        with pytest.raises(StoreUnavailable):
            await store.create(accepted())
        await store.create(accepted())


async def test_a_connection_that_falls_silent_before_it_has_the_lock_is_given_up(
    postgres_running, postgres_url, impatient
):
    async with through_a_proxy(postgres_running, postgres_url) as (store, proxy):
        proxy.cut_at(b"COMMIT", Cut.UNHEARD)
        with pytest.raises(StoreUnavailable):
            await store.create(accepted())
        proxy.cut_at(b"pg_terminate_backend", Cut.SILENCE)
        with pytest.raises(StoreUnavailable):
            await store.create(accepted())
        assert proxy.was_cut.is_set()
        assert (await store.create(accepted())).fresh


async def test_a_connection_that_falls_silent_at_the_question_for_a_commit_is_asked_over_another_one(
    postgres_running, postgres_url, impatient
):
    async with through_a_proxy(postgres_running, postgres_url) as (store, proxy):
        proxy.cut_at(b"COMMIT", Cut.UNANSWERED)
        created = asyncio.create_task(store.create(accepted()))
        await proxy.was_cut.wait()
        proxy.cut_at(b"pg_xact_status", Cut.SILENCE)
        assert (await created).fresh
        assert proxy.was_cut.is_set()


async def test_a_connection_that_falls_silent_at_the_end_of_an_attempt_is_given_up(
    postgres_running, postgres_url, impatient
):
    url = postgres_url.replace(f":{postgres_running.port}", ":{}")
    async with Proxy(postgres_running.port) as proxy, opened(url.format(proxy.port), shared=True) as store:
        await running(store)
        async with opened(postgres_url, shared=True) as other:
            await other.update(PROJECT, "wf_1", commit(events=(b"of another process",)))
        proxy.cut_at(b"ROLLBACK", Cut.SILENCE)
        with pytest.raises(StoreUnavailable):
            await store.update(PROJECT, "wf_1", commit(events=(b"lost",)))
        assert proxy.was_cut.is_set()
        await store.update(PROJECT, "wf_1", commit(events=(b"last",)))
        bodies = [event.body for event in await store.events(PROJECT, "wf_1", 0, ALL)]
        assert bodies[2:] == [b"of another process", b"last"]


async def test_the_locks_of_a_frozen_process_go_after_a_while(postgres_url, monkeypatch):
    monkeypatch.setitem(_connection._SETTINGS, "idle_in_transaction_session_timeout", "200ms")
    async with opened(postgres_url, shared=True) as store:
        await store.create(accepted(session_id=SESSION))
        frozen = await _connection.connect(parse(postgres_url), "frozen")
        await frozen.execute("BEGIN")
        await frozen.fetch("SELECT 1 FROM session FOR UPDATE")
        await store.create(accepted("wf_2", session_id=SESSION))
        # Which one depends on whether the client has read already that the database gave it up.
        expected = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
        with pytest.raises(expected) as lost:
            await frozen.execute("COMMIT")
        assert _connection.is_storage_error(lost.value)
        frozen.terminate()


async def test_a_lock_that_stays_makes_the_store_unavailable_and_nothing_is_written(postgres_url, monkeypatch):
    monkeypatch.setitem(_connection._SETTINGS, "lock_timeout", "100ms")
    async with opened(postgres_url, shared=True) as store:
        await store.create(accepted(session_id=SESSION))
        holder = await _connection.connect(parse(postgres_url), "holder")
        async with holder.transaction():
            await holder.fetch("SELECT 1 FROM session FOR UPDATE")
            with pytest.raises(StoreUnavailable):
                await store.create(accepted("wf_2", session_id=SESSION))
        await holder.close()
        with pytest.raises(WorkflowNotFound):
            await store.get(PROJECT, "wf_2")
        await store.create(accepted("wf_2", session_id=SESSION))
