"""What postgresql.md tells to type works: the database that it makes, and the backup."""

import os
import shlex
import subprocess

import asyncpg

from stretto.server.store import open_store
from tests.contract.making import ENCODERS, PROJECT, accepted
from tests.docs.pages import ROOT, blocks
from tools.services.postgres import PostgresService, find, postgres_service

FOUND = blocks(ROOT / "docs/how-to/postgresql.md")
ROLE = ("stretto", "change-me")


def typed(name: str) -> list[str]:
    return shlex.split(next(block.text for block in FOUND if block.argument == name))


async def administer(service: PostgresService, text: str, database: str = "postgres") -> None:
    connection = await asyncpg.connect(service.url_of("postgres", "secret", database))
    for statement in filter(str.strip, text.split(";")):
        await connection.execute(statement)
    await connection.close()


def run(service: PostgresService, folder, argv: list[str]) -> None:
    """Run a program of PostgreSQL's as the page's role."""
    environment = {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(service.port)}
    environment |= {"PGUSER": ROLE[0], "PGPASSWORD": ROLE[1]}
    subprocess.run([find() / argv[0], *argv[1:]], check=True, cwd=folder, env=environment)


async def test_the_database_of_the_page_holds_a_store_that_its_backup_brings_back(tmp_path):
    database, schema = (block.text for block in FOUND if block.language == "sql")
    with postgres_service() as service:
        await administer(service, database)
        url = service.url_of(*ROLE, "stretto")
        await keep_one(url)
        run(service, tmp_path, typed("pg_dump"))
        await administer(service, f"DROP DATABASE stretto; {database.splitlines()[1]}")
        run(service, tmp_path, typed("pg_restore"))
        await expect_one(url)
        await administer(service, "CREATE DATABASE theirs")
        await administer(service, schema, "theirs")
        await keep_one(service.url_of(*ROLE, "theirs"))


async def keep_one(url: str) -> None:
    store = open_store(url, ENCODERS)
    await store.open()
    await store.create(accepted())
    await store.close()


async def expect_one(url: str) -> None:
    store = open_store(url, ENCODERS)
    await store.open()
    assert (await store.get(PROJECT, "wf_1")).workflow_id == "wf_1"
    await store.close()
