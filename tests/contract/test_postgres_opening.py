"""How a store in PostgreSQL is opened, or why not: who else has it, where it is, which schema there is."""

import asyncio

import asyncpg
import pytest

from stretto.server.domain.errors import StoreInUse, StoreTooNew, StoreUnavailable, WorkflowNotFound
from stretto.server.store.postgres import PostgresStore, _connection, _schema
from stretto.server.store.postgres._address import parse
from tests.contract.making import ENCODERS, PROJECT, accepted
from tests.contract.postgres_stores import opened, two_processes
from tests.services.proxy import Proxy
from tools.services.postgres import postgres_service


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
    async with Proxy(postgres_running.port) as proxy:
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
    async with Proxy(postgres_running.port) as proxy:
        dead = proxy.port
    live = f"127.0.0.1:{postgres_running.port}"
    url = postgres_url.replace(live, f"127.0.0.1:{dead},{live}")
    async with opened(f"{url}&target_session_attrs=primary") as store:
        await store.create(accepted())


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
