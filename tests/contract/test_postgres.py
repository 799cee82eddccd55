"""What only the store in PostgreSQL has: outages, what became of a commit, and other processes over the same rows."""

import asyncio
import contextlib
import re

import asyncpg
import pytest

from stretto.server.domain import transitions
from stretto.server.domain.change import Change, RunSucceeded
from stretto.server.domain.errors import (
    RequestIdReused,
    SessionBusy,
    SessionDeleted,
    StaleEpoch,
    StoreInUse,
    StoreTooNew,
    StoreUnavailable,
    StrettoError,
    WorkflowNotFound,
)
from stretto.server.domain.workflow import Status, evolve
from stretto.server.store import SessionFilter, WorkflowFilter
from stretto.server.store.postgres import (
    PostgresStore,
    _cluster,
    _connection,
    _line,
    _pool,
    _schema,
    _session_reads,
    _sql,
    _writer,
)
from stretto.server.store.postgres._address import parse
from stretto.server.store.postgres._listing import listing
from stretto.server.store.postgres._trace import trace_of
from tests.contract.making import ENCODERS, PROJECT, YES, accepted, claim, commit, request, running
from tests.contract.talking import ALL, SESSION, sequences
from tests.services.proxy import Cut, proxy_to
from tools.services.postgres import postgres_service


@contextlib.asynccontextmanager
async def opened(url: str, *, shared: bool = False):
    store = PostgresStore(url, ENCODERS, shared=shared)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def through_a_proxy(service, url: str):
    """A store whose connections can be cut."""
    async with proxy_to(service.port) as proxy, opened(url.replace(f":{service.port}", f":{proxy.port}")) as store:
        yield store, proxy


@contextlib.asynccontextmanager
async def two_processes(url: str):
    async with opened(url, shared=True) as one, opened(url, shared=True) as other:
        yield one, other


@pytest.fixture
def impatient(monkeypatch):
    """Times so short that a test can wait for them."""
    monkeypatch.setattr(_writer, "ANSWER_SECONDS_MAX", 0.5)
    monkeypatch.setattr(_pool, "ANSWER_SECONDS_MAX", 0.5)
    monkeypatch.setattr(_line, "LOCK_SECONDS_MAX", 0.1)
    monkeypatch.setattr(_connection, "CONNECT_SECONDS_MAX", 0.5)
    monkeypatch.setattr(_connection, "ANSWER_SECONDS_MAX", 0.5)


@pytest.mark.parametrize("cut", [Cut.AFTER, Cut.SILENCE])
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
        proxy.cut_at(b"COMMIT", Cut.BEFORE)
        with pytest.raises(StoreUnavailable):
            await store.create(accepted(), request())
        assert proxy.was_cut.is_set()
        with pytest.raises(WorkflowNotFound):
            await store.get(PROJECT, "wf_1")
        assert (await store.create(accepted(), request())).fresh


async def test_while_a_commit_is_undecided_others_are_refused_at_once(postgres_running, postgres_url):
    async with through_a_proxy(postgres_running, postgres_url) as (store, proxy):
        proxy.cut_at(b"COMMIT", Cut.AFTER, refuse=True)
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
            proxy_to(service.port) as proxy,
            opened(service.url.replace(f":{service.port}", f":{proxy.port}"), shared=True) as store,
        ):
            proxy.cut_at(b"COMMIT", Cut.BEFORE, refuse=True)
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
        proxy.cut_at(b"COMMIT", Cut.AFTER)
        await store.update(PROJECT, "wf_1", lambda found, _: (Change(workflow=evolve(found, crashes=1)),))
        assert proxy.was_cut.is_set()
        assert (await store.get(PROJECT, "wf_1")).crashes == 1


async def test_every_table_can_be_asked_for_the_trace_of_a_transaction(postgres_url):
    async with opened(postgres_url):
        connection = await _connection.connect(parse(postgres_url), "test")
        for part in (*_sql.TABLES, "changed_workflow_state", "changed_session"):
            trace = trace_of({part: [("project", "name", 1, b"")]})
            assert await connection.fetchval(trace.text, "1000", *trace.values) is False
        await connection.close()


async def test_a_store_that_is_closed_before_it_knows_what_became_of_a_commit_says_so(postgres_running, postgres_url):
    async with through_a_proxy(postgres_running, postgres_url) as (store, proxy):
        proxy.cut_at(b"COMMIT", Cut.AFTER, refuse=True)
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


@pytest.mark.parametrize(("first", "second"), [(False, False), (False, True), (True, False)])
async def test_a_store_for_one_process_is_for_one(postgres_url, impatient, first, second):
    async with opened(postgres_url, shared=first):
        with pytest.raises(StoreInUse, match="--redis") as refused:
            await PostgresStore(postgres_url, ENCODERS, shared=second).open()
    assert "secret" not in str(refused.value)
    async with opened(postgres_url, shared=second) as store:
        await store.probe()


async def test_stores_in_other_schemas_are_others(postgres_url):
    async with opened(postgres_url) as one, opened(f"{postgres_url}_other") as other:
        await one.create(accepted())
        with pytest.raises(WorkflowNotFound):
            await other.get(PROJECT, "wf_1")
        assert one.identity != other.identity


async def test_processes_that_share_a_store_know_it_by_one_name(postgres_url):
    async with two_processes(postgres_url) as (one, other):
        assert one.identity == other.identity != ""


async def test_whoever_lost_its_connection_still_keeps_others_out(postgres_running, postgres_url, impatient):
    async with through_a_proxy(postgres_running, postgres_url) as (store, proxy):
        proxy.cut_at(b"COMMIT", Cut.AFTER)
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
        proxy.cut_at(b"COMMIT", Cut.BEFORE)
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
        proxy.cut_at(b"COMMIT", Cut.AFTER)
        created = asyncio.create_task(store.create(accepted()))
        await proxy.was_cut.wait()
        proxy.cut_at(b"pg_xact_status", Cut.SILENCE)
        assert (await created).fresh
        assert proxy.was_cut.is_set()


async def test_a_connection_that_falls_silent_at_the_end_of_an_attempt_is_given_up(
    postgres_running, postgres_url, impatient
):
    url = postgres_url.replace(f":{postgres_running.port}", ":{}")
    async with proxy_to(postgres_running.port) as proxy, opened(url.format(proxy.port), shared=True) as store:
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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"user": "nobody", "password": "hidden"}, "user or the password is wrong"),
        ({"user": "postgres", "password": "hidden"}, "user or the password is wrong"),
        ({"user": "postgres", "password": "secret", "database": "nowhere"}, "no such database"),
    ],
)
async def test_a_store_that_cannot_be_opened_says_why(postgres_running, change, words):
    with pytest.raises(StoreUnavailable, match=words) as refused:
        await PostgresStore(postgres_running.url_of(**change), ENCODERS).open()
    assert "hidden" not in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_a_store_where_nobody_listens_says_so(postgres_running):
    async with proxy_to(postgres_running.port) as proxy:
        port = proxy.port
    with pytest.raises(StoreUnavailable, match=f"{port}.*nobody listens there") as refused:
        await PostgresStore(f"postgresql://postgres:hidden@127.0.0.1:{port}/postgres", ENCODERS).open()
    assert "hidden" not in str(refused.value)


async def test_a_user_without_the_right_to_make_a_schema_is_told_what_to_grant(postgres_running, postgres_url):
    admin = await asyncpg.connect(postgres_running.url)
    await admin.execute("CREATE ROLE poor LOGIN PASSWORD 'poor'")
    schema = postgres_url.partition("?")[2]
    with pytest.raises(StoreUnavailable, match="grant the user CREATE"):
        await PostgresStore(f"{postgres_running.url_of('poor', 'poor')}?{schema}", ENCODERS).open()
    await admin.execute(f"CREATE SCHEMA {schema.partition('=')[2]} AUTHORIZATION poor")
    await admin.close()
    async with opened(f"{postgres_running.url_of('poor', 'poor')}?{schema}") as store:
        await store.create(accepted())


async def test_a_schema_of_another_program_is_left_alone(postgres_running, postgres_url):
    admin = await asyncpg.connect(postgres_running.url)
    schema = postgres_url.partition("schema=")[2]
    await admin.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.theirs (one INTEGER)")
    with pytest.raises(StoreUnavailable, match=r"another program \(theirs\)"):
        await PostgresStore(postgres_url, ENCODERS).open()
    await admin.close()


async def test_a_standby_is_refused():
    with postgres_service() as service:
        service.stop()
        service.become_standby()
        service.start()
        with pytest.raises(StoreUnavailable, match="standby"):
            await PostgresStore(service.url, ENCODERS).open()


@pytest.mark.parametrize("told", [{"schema": "a-b"}, {"schema": ""}, {"schema": "x" * 64}])
def test_a_schema_has_a_plain_name(told):
    with pytest.raises(ValueError, match="No schema is called"):
        parse(f"postgresql://there/db?schema={told['schema']}")


def test_an_address_is_told_without_its_password():
    address = parse("postgres://me:hidden@there:5433/db?schema=mine&sslmode=require")
    assert (str(address), address.schema) == ("postgresql://there:5433/db", "mine")
    assert "hidden" not in repr(address)
    assert address.dsn == "postgresql://me:hidden@there:5433/db?sslmode=require"
    assert parse("postgresql:///db?host=/run/pg").shown == "postgresql:///run/pg/db"


async def test_of_several_hosts_the_primary_is_found(postgres_running, postgres_url):
    async with proxy_to(postgres_running.port) as proxy:
        dead = proxy.port
    live = f"127.0.0.1:{postgres_running.port}"
    url = postgres_url.replace(live, f"127.0.0.1:{dead},{live}")
    async with opened(f"{url}&target_session_attrs=primary") as store:
        await store.create(accepted())


FILTERS = (
    WorkflowFilter(),
    WorkflowFilter(statuses=(Status.RUNNING, Status.FAILED), workflow_types=("orders",)),
    WorkflowFilter(session_id=SESSION, statuses=(Status.QUEUED,)),
    WorkflowFilter(labels=(("team", "blue"), ("zone", "north"))),
)
STATEMENTS = {
    **{f"list {number}": listing(PROJECT, where, 9, (7, "wf"))[0] for number, where in enumerate(FILTERS)},
    "sessions": _session_reads.listing(PROJECT, SessionFilter(), 9, (7, "s"))[0],
    "active sessions": _session_reads.listing(PROJECT, SessionFilter(active_only=True), 9, None)[0],
    "workflows of a session": _session_reads._WORKFLOWS,
    "entries of a session": _session_reads._EVENTS,
    "messages": _session_reads._MESSAGES.format(order="DESC"),
    "counts": _cluster._COUNTS,
    "owned": _cluster._OWNED,
    "positions": _cluster._POSITIONS,
    "queued": _cluster._UNFINISHED.format(
        statuses="= 1",
        further=" AND (s.project, s.created_at, s.workflow_id) > ($1, $2, $3)",
        order="s.project, s.created_at, s.workflow_id",
    ),
    "overdue": _cluster._UNFINISHED.format(
        statuses="IN (1, 2, 3)", further=" AND s.deadline > 0 AND s.deadline <= $1", order="s.deadline"
    ),
    "workflows of a batch": _sql.WORKFLOWS,
    "sessions of a batch": _sql.SESSIONS,
    "rows of a batch": _sql.writing((*_sql.TABLES, "changed_workflow_state", "changed_session")),
}


INDEXES = {
    "list 0": "workflow_by_creation",
    "list 1": "workflow_by_status",
    "list 2": "workflow_by_session",
    "list 3": "workflow_label_pkey",
    "sessions": "session_by_creation",
    "active sessions": "session_active",
    "workflows of a session": "workflow_of_session",
    "messages": "session_message",
    "counts": "workflow_by_status",
    "owned": "workflow_by_status",
    "queued": "workflow_by_status",
    "overdue": "workflow_by_deadline",
}


async def test_every_statement_goes_along_its_index(postgres_url):
    async with opened(postgres_url):
        connection = await _connection.connect(parse(postgres_url), "test")
        for number, (name, text) in enumerate(STATEMENTS.items()):
            await connection.execute(f"PREPARE statement_{number} AS {text}")
            count = max([int(place) for place in re.findall(r"\$(\d+)", text)], default=0)
            values = f"({', '.join(['NULL'] * count)})" if count else ""
            rows = await connection.fetch(f"EXPLAIN EXECUTE statement_{number}{values}")
            plan = "\n".join(row[0] for row in rows)
            # Which of no deleted sessions is this one: the table is empty but for those that are being removed.
            walked = set(re.findall(r"Seq Scan on (\w+)", plan)) - {"purge"}
            assert not walked, f"{name}:\n{plan}"
            assert f"using {INDEXES.get(name, '')}" in plan, f"{name}:\n{plan}"
        await connection.close()


async def test_many_processes_may_open_a_new_store_at_once(postgres_url):
    stores = [PostgresStore(postgres_url, ENCODERS, shared=True) for _ in range(8)]
    await asyncio.gather(*(store.open() for store in stores))
    await asyncio.gather(*(store.create(accepted(f"wf_{number}")) for number, store in enumerate(stores)))
    assert len(await stores[0].unfinished()) == 8
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_release_goes_on_with_a_newer_schema_that_only_adds(postgres_url):
    async with opened(postgres_url) as store:
        await store.create(accepted())
    added = _schema.Migration("CREATE TABLE added (one INTEGER)", oldest_reader=1)
    await migrated(postgres_url, (*_schema.MIGRATIONS, added))
    async with opened(postgres_url) as store:
        assert (await store.get(PROJECT, "wf_1")).workflow_id == "wf_1"


async def test_a_release_refuses_a_schema_that_it_would_misread(postgres_url):
    changed = _schema.Migration("ALTER TABLE event RENAME TO happening", oldest_reader=2)
    await migrated(postgres_url, (*_schema.MIGRATIONS, changed))
    with pytest.raises(StoreTooNew, match="upgrade Stretto"):
        await PostgresStore(postgres_url, ENCODERS).open()


async def test_a_migration_that_fails_changes_nothing(postgres_url):
    broken = _schema.Migration("CREATE TABLE added (one INTEGER); SELECT 1 / 0", oldest_reader=1)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrated(postgres_url, (*_schema.MIGRATIONS, broken))
    async with opened(postgres_url) as store:
        await store.create(accepted())


async def migrated(url: str, migrations) -> None:
    address = parse(url)
    connection = await _connection.connect(address, "test")
    try:
        await _schema.migrate(connection, address, migrations)
    finally:
        await connection.close()


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


async def test_words_may_hold_any_character(postgres_url):
    async with opened(postgres_url) as store:
        await running(store)
        words = "one\x00two\N{SNOWMAN}"
        await store.update(PROJECT, "wf_1", commit(headline=words))
        await store.update(PROJECT, "wf_1", lambda workflow, _: transitions.cancel(workflow, words, 5_000))
    async with opened(postgres_url) as store:
        found = await store.get(PROJECT, "wf_1")
        assert (found.headline, found.cancel_cause) == (words, words)


async def test_what_one_operation_does_wrong_is_its_own_and_others_of_its_batch_are_written(postgres_url):
    async with opened(postgres_url) as store:
        await store.create(accepted("wf_1"))

        def broken(workflow, _):
            raise ZeroDivisionError

        outcomes = await asyncio.gather(
            store.create(accepted("wf_2")),
            store.update(PROJECT, "wf_1", broken),
            store.create(accepted("wf_1")),
            store.create(accepted("wf_3")),
            store.update(PROJECT, "wf_0", claim),
            return_exceptions=True,
        )
        kinds = [None if not isinstance(one, Exception) else type(one) for one in outcomes]
        assert kinds == [None, ZeroDivisionError, asyncpg.UniqueViolationError, None, WorkflowNotFound]
        assert {one.workflow_id for one in await store.unfinished()} == {"wf_1", "wf_2", "wf_3"}


async def test_a_listener_that_fails_stops_neither_the_writer_nor_its_caller(postgres_url):
    async with opened(postgres_url) as store:
        failed = asyncio.Event()
        asyncio.get_running_loop().set_exception_handler(lambda *_: failed.set())
        store.on_publication(lambda _: 1 / 0)
        await store.create(accepted())
        await failed.wait()
        await store.create(accepted("wf_2"))


async def test_other_refusals_are_no_outages(postgres_url):
    async with opened(postgres_url) as store:
        await store.create(accepted())
        with pytest.raises(StrettoError) as refused:
            await store.update(PROJECT, "wf_1", commit(epoch=9, events=(b"e",)))
        assert type(refused.value) is StaleEpoch
