"""What a file must survive, and what the SQLite store must refuse."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap

import apsw
import pytest

from stretto.server.domain.change import Saved
from stretto.server.domain.errors import (
    StoreInUse,
    StoreTooNew,
    StoreUnavailable,
)
from stretto.server.domain.workflow import Status
from stretto.server.store import WorkflowFilter
from stretto.server.store.sqlite import SqliteStore, _schema
from stretto.server.store.sqlite._listing import listing
from tests.contract.making import (
    ENCODERS,
    PROJECT,
    accepted,
    blob,
    checkpoint,
    claim,
    commit,
    request,
    running,
    waiting,
)
from tests.unit.store.holding import opened


async def test_everything_survives_a_restart(path):
    async with opened(path) as store:
        await waiting(store)
        saved = Saved(checkpoints=(checkpoint("cp", channels=(("a", "1"),)),), blobs=(blob("a", "1"),))
        await store.save(PROJECT, "wf_1", saved)
        await store.create(accepted("wf_2", labels=(("a", "b"),)), request())
        before = await store.state(PROJECT, "wf_1", with_checkpoint=True)
        events = await store.events(PROJECT, "wf_1", 0, 99)
    assert sorted(file.name for file in path.parent.iterdir()) == ["stretto.db", "stretto.db.lock"]
    async with opened(path) as store:
        assert await store.state(PROJECT, "wf_1", with_checkpoint=True) == before
        assert await store.events(PROJECT, "wf_1", 0, 99) == events
        assert not (await store.create(accepted("wf_3"), request())).fresh
        assert len(await store.list(PROJECT, WorkflowFilter(labels=(("a", "b"),)), 9)) == 1
        done = await store.update(PROJECT, "wf_2", claim)
        assert (done.workflow.epoch, done.workflow.last_sequence) == (1, 2)


async def test_a_second_opener_is_refused_until_the_first_one_closes(path):
    async with opened(path) as first:
        await first.create(accepted())
        with pytest.raises(StoreInUse, match=rf"process {os.getpid()}.*deep/er/stretto\.db"):
            await SqliteStore(path, ENCODERS).open()
        assert (await first.get(PROJECT, "wf_1")).epoch == 0
    async with opened(path) as second:
        assert await second.get(PROJECT, "wf_1")


CHILD = """
    import asyncio, sys
    from stretto.server.store.sqlite import SqliteStore
    from tests.contract.making import accepted, ENCODERS

    async def work(store, lane):
        for number in range(100_000):
            await store.create(accepted(f"wf_{lane}_{number}"))
            print(f"wf_{lane}_{number}", flush=True)

    async def main():
        store = SqliteStore(sys.argv[1], ENCODERS)
        await store.open()
        await asyncio.gather(*(work(store, lane) for lane in range(8)))

    asyncio.run(main())
"""


async def test_a_killed_process_loses_nothing_acknowledged_and_frees_the_store(path):
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(CHILD), str(path), stdout=asyncio.subprocess.PIPE
    )
    acknowledged = [await child.stdout.readline() for _ in range(200)]
    with pytest.raises(StoreInUse, match=f"process {child.pid}"):
        await SqliteStore(path, ENCODERS).open()
    child.kill()
    acknowledged += (await child.stdout.read()).splitlines(keepends=True)
    assert await child.wait() == -signal.SIGKILL
    async with opened(path) as store:
        for line in acknowledged:
            if line.endswith(b"\n"):
                assert (await store.get(PROJECT, line.decode().strip())).last_sequence == 1
        for unfinished in await store.unfinished():
            assert len(await store.events(PROJECT, unfinished.workflow_id, 0, 9)) == 1


async def test_a_full_disk_is_told_honestly_and_left_behind_by_itself(store):
    published = []
    store.on_publication(published.extend)
    await running(store)
    told = len(published)
    store._writer._connection.execute("PRAGMA max_page_count = 1")
    large = Saved(blobs=(blob("a", "1", bytes(1_000_000)),))
    outcomes = await asyncio.gather(
        *(store.update(PROJECT, "wf_1", commit(events=(b"e",), saved=large)) for _ in range(3)),
        store.create(accepted("wf_2"), request()),
        return_exceptions=True,
    )
    failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert failed
    assert {type(error) for error in failed} == {StoreUnavailable}
    assert all(isinstance(error.__cause__, apsw.FullError) for error in failed)
    # Whoever got no error has its row; whoever got one has none. The limit was that connection's, so there is room now.
    fresh = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
    assert len(published) == told + len(fresh)
    assert (await store.get(PROJECT, "wf_1")).last_sequence == 2 + sum(
        one.workflow.workflow_id == "wf_1" for one in fresh
    )
    assert (await store.update(PROJECT, "wf_1", commit(events=(b"again",), saved=large))).fresh
    await store.probe()


FULL_DISK_CHILD = """
    import asyncio, os, resource, sys
    from stretto.server.domain.errors import StoreUnavailable
    from stretto.server.store.sqlite import SqliteStore
    from tests.contract.making import accepted, ENCODERS, PROJECT
    from stretto.server.domain.payload import Payload

    async def main():
        store = SqliteStore(sys.argv[1], ENCODERS)
        await store.open()
        made, failed = [], []
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
        for number in range(40):
            try:
                await store.create(accepted(f"wf_{number}", input=Payload("t", os.urandom(100_000))))
                made.append(number)
            except StoreUnavailable:
                failed.append(number)
        assert made and failed, (made, failed)
        for number in made:
            assert (await store.get(PROJECT, f"wf_{number}")).last_sequence == 1
        try:
            await store.probe()
        except StoreUnavailable:
            pass
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        await store.probe()
        await store.create(accepted("wf_after"))
        assert {one.workflow_id for one in await store.unfinished()} == {f"wf_{n}" for n in made} | {"wf_after"}
        await store.close()
        print("recovered")

    asyncio.run(main())
"""


def test_a_file_that_cannot_grow_is_told_honestly_and_left_behind_by_itself(path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK_CHILD), str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "recovered\n", done.stderr


async def test_a_newer_schema_is_refused(path):
    async with opened(path):
        pass
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA user_version = {len(_schema.MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(StoreTooNew, match=r"stretto\.db has schema \d+, this release knows \d+: upgrade"):
        await SqliteStore(path, ENCODERS).open()
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA user_version = {len(_schema.MIGRATIONS)}")
    connection.close()
    async with opened(path) as store:
        await store.probe()


async def test_a_database_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StoreUnavailable, match="another program"):
        await SqliteStore(path, ENCODERS).open()
    connection = apsw.Connection(str(path))
    assert connection.execute("SELECT name FROM sqlite_schema").get == "theirs"
    connection.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("Not a database. " * 100)
    with pytest.raises(StoreUnavailable, match=r"Cannot open the store .*notes\.txt"):
        await SqliteStore(path, ENCODERS).open()
    assert path.read_text().startswith("Not a database.")


async def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match=r"Cannot open the store .*file/stretto\.db: "):
        await SqliteStore(tmp_path / "file" / "stretto.db", ENCODERS).open()


async def test_closing_finishes_what_is_queued(path):
    async with opened(path) as store:
        creating = [asyncio.ensure_future(store.create(accepted(f"wf_{n}"))) for n in range(50)]
        await asyncio.sleep(0)
    assert all(done.fresh for done in await asyncio.gather(*creating))
    assert not path.with_name("stretto.db-wal").exists()


async def test_the_log_does_not_grow_without_bound(store, path):
    await running(store)
    for number in range(60):
        saved = Saved(blobs=(blob("a", str(number), bytes(500_000)),))
        await store.update(PROJECT, "wf_1", commit(saved=saved))
    assert path.with_name("stretto.db-wal").stat().st_size < 12_000_000


async def test_readers_cannot_write(store):
    with pytest.raises(StoreUnavailable):
        await store._read(lambda connection: connection.execute("DELETE FROM event"))
    assert await store.unfinished() == ()


@pytest.mark.parametrize(
    ("where", "index"),
    [
        (WorkflowFilter(), "workflow_by_creation (project=? AND (created_at,workflow_id)<(?,?))"),
        (WorkflowFilter(session_id="s"), "workflow_by_session (project=? AND session_id=? AND (created_at,"),
        (WorkflowFilter(statuses=(Status.FAILED,)), "workflow_by_status (status=? AND project=? AND (created_at,"),
        (WorkflowFilter(labels=(("a", "b"),)), "PRIMARY KEY (project=? AND name=? AND value=? AND (created_at,"),
    ],
)
async def test_a_page_is_found_along_an_index_without_sorting(store, where, index):
    text, values = listing(PROJECT, where, 10, (5, "wf_1"))
    plan = await store._read(lambda connection: connection.execute("EXPLAIN QUERY PLAN " + text, values).fetchall())
    details = [row[3] for row in plan]
    assert any(index in detail for detail in details), details
    assert not any("TEMP B-TREE" in detail for detail in details[:-1]), details
