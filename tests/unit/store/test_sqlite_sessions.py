"""How the SQLite store keeps sessions: what it writes, along which indexes it reads, and how it removes them."""

import hashlib

import apsw
import pytest

from stretto.server.domain.change import RunSucceeded, Saved
from stretto.server.domain.errors import SessionDeleted, SessionNotFound, StoreUnavailable, WorkflowNotFound
from stretto.server.domain.session import Session, StoredSessionEvent
from stretto.server.domain.workflow import Status
from stretto.server.store import SessionFilter, WorkflowFilter, _cache
from stretto.server.store.sqlite import _operations, _purge, _schema, _session_reads
from tests.contract.making import HISTORY, PROJECT, YES, accepted, commit, decide, request, running
from tests.contract.talking import ALL, SESSION, ended, journal, kinds, replied, said, sequences, started
from tests.unit.store import version_one
from tests.unit.store.holding import commits_of, fail_with_an_io_error, opened, together


def statements_of(store):
    """The statements that the writer runs from now on, by their first words."""
    seen = []
    store._writer._connection.set_exec_trace(lambda _, text, __: not seen.append(" ".join(text.split()[:4])))
    return seen


async def test_sessions_survive_a_restart(path):
    async with opened(path) as store:
        await ended(store)
        await said(store)
        before = await store.session(PROJECT, SESSION), await journal(store)
        await ended(store, "wf_2", "s2")
        await store.delete_session(PROJECT, "s2", 9_000)
    async with opened(path) as store:
        assert (await store.session(PROJECT, SESSION), await journal(store)) == before
        with pytest.raises(SessionDeleted):
            await store.create(accepted("wf_3", session_id="s2"))
        with pytest.raises(WorkflowNotFound):
            await store.get(PROJECT, "wf_2")
        await replied(store)
        assert sequences(await journal(store)) == list(range(1, len(before[1]) + 2))
        assert await store.purge() > 0


async def a_store_of_version_one(path):
    connection = version_one.make(path)
    version_one.add(connection, "wf_c", "s1", created_at=300, status=Status.WAITING, events=2, asks=True)
    version_one.add(connection, "wf_b", "s1", created_at=200, status=Status.SUCCEEDED, events=3)
    version_one.add(connection, "wf_a", "s1", created_at=300, status=Status.RUNNING, events=1)
    version_one.add(connection, "wf_d", "s2", created_at=100, status=Status.FAILED, events=2)
    version_one.add(connection, "wf_e", "", created_at=100, status=Status.RUNNING, events=2)
    version_one.add(connection, "wf_b", "s1", created_at=900, status=Status.QUEUED, events=1, project="green")
    connection.close()


async def test_workflows_of_the_first_schema_get_their_sessions(path):
    await a_store_of_version_one(path)
    async with opened(path) as store:
        assert await store.sessions(PROJECT, SessionFilter(), ALL) == (
            Session(
                project=PROJECT,
                session_id="s1",
                created_at=200,
                updated_at=350,
                last_sequence=6,
                workflow_count=3,
                active_workflow_count=2,
                pending_interrupt_count=1,
            ),
            Session(
                project=PROJECT,
                session_id="s2",
                created_at=100,
                updated_at=150,
                last_sequence=2,
                workflow_count=1,
            ),
        )
        found = await journal(store, "s1")
        assert sequences(found) == [1, 2, 3, 4, 5, 6]
        assert set(kinds(found)) == {"PROGRESS"}
        assert [entry.body for entry in found] == [b"wf_b-1", b"wf_b-2", b"wf_b-3", b"wf_a-1", b"wf_c-1", b"wf_c-2"]
        assert [(entry.workflow_id, entry.event_sequence) for entry in found[3:]] == [
            ("wf_a", 1),
            ("wf_c", 1),
            ("wf_c", 2),
        ]
        assert len(await store.session_events("green", "s1", 0, ALL)) == 1
        assert (await store.session("green", "s1")).active_workflow_count == 1
        with pytest.raises(SessionNotFound):
            await store.session(PROJECT, "")


async def test_workflows_of_the_first_schema_go_on_in_their_sessions(path):
    await a_store_of_version_one(path)
    async with opened(path) as store:
        state = await store.session_state(PROJECT, "s1", active_max=9, ended_max=9, with_checkpoints=True)
        assert [one.workflow.workflow_id for one in state.workflows] == ["wf_c", "wf_a", "wf_b"]
        assert [len(one.interrupts) for one in state.workflows] == [1, 0, 0]
        assert [one.workflow_id for one in await store.list(PROJECT, WorkflowFilter(session_id="s1"), ALL)] == [
            "wf_c",
            "wf_a",
            "wf_b",
        ]
        old = await store.get(PROJECT, "wf_a")
        assert (old.session_id, old.headline, old.trouble) == ("s1", "Half-way", None)
        assert (old.status_since, old.queued_for, old.ran_for, old.waited_for) == (0, 0, 0, 0)
        await store.update(PROJECT, "wf_c", decide("q1", YES))
        await store.update(PROJECT, "wf_a", commit(workflow_id="wf_a", end=RunSucceeded(YES)))
        assert kinds(await journal(store, "s1"))[6:] == ["PROGRESS", "PROGRESS", "NOTICE"]
        session = await store.session(PROJECT, "s1")
        assert (session.last_sequence, session.active_workflow_count, session.pending_interrupt_count) == (9, 1, 0)
        deleted = await store.delete_session(PROJECT, "s2", 5_000)
        assert deleted.last_sequence == 3


async def test_a_store_of_the_first_schema_without_sessions_opens_too(path):
    connection = version_one.make(path)
    version_one.add(connection, "wf_e", "", created_at=100, status=Status.RUNNING, events=2)
    connection.close()
    async with opened(path) as store:
        assert await store.sessions(PROJECT, SessionFilter(), ALL) == ()
        assert (await store.get(PROJECT, "wf_e")).last_sequence == 2


def test_the_first_migration_is_the_one_that_was_released():
    """A released entry never changes: files that it made are out there."""
    assert hashlib.sha256(_schema.MIGRATIONS[0].encode()).hexdigest().startswith("e289ba032c082a01")


async def test_a_workflow_without_a_session_costs_no_statement_more(store):
    seen = statements_of(store)
    await running(store)
    await store.update(PROJECT, "wf_1", commit(events=(b"e",)))
    assert {text.partition(" (")[0].partition(" VALUES")[0] for text in seen} == {
        "BEGIN IMMEDIATE",
        "INSERT INTO workflow",
        "INSERT INTO workflow_state",
        "INSERT INTO event",
        "COMMIT",
    }


async def test_a_sessions_row_is_written_once_for_all_changes_of_a_batch(store):
    await store.create(accepted("hold"))
    names = [f"wf_{number}" for number in range(8)]
    for name in names:
        await started(store, name)
    seen, told = statements_of(store), []
    store.on_session_publication(told.append)
    rules = [(name, commit(workflow_id=name, events=(b"e",))) for name in names for _ in range(3)]
    await together(store, *(store.update(PROJECT, name, rule) for name, rule in rules))
    assert sum(text.startswith("INSERT INTO session (") for text in seen) == 1
    ((publication,),) = told
    assert len(publication.events) == 24
    assert publication.session == await store.session(PROJECT, SESSION)
    assert sequences(await journal(store)) == list(range(1, 16 + 24 + 1))


async def test_sessions_are_not_read_again_while_they_are_remembered(store):
    await started(store)
    seen = statements_of(store)
    await store.update(PROJECT, "wf_1", commit(events=(b"e",)))
    assert not [text for text in seen if text.startswith("WITH")]


async def test_many_more_sessions_than_the_writer_remembers_are_all_right(store, monkeypatch):
    monkeypatch.setattr(_cache, "ENTRIES_MAX", 3)
    names = [f"wf_{number}" for number in range(10)]
    for name in names:
        await started(store, name, f"s_{name}")
    for number in range(3):
        for name in names:
            await store.update(PROJECT, name, commit(workflow_id=name, events=(b"%d" % number,)))
    for name in names:
        assert sequences(await journal(store, f"s_{name}")) == [1, 2, 3, 4, 5]
    assert len(store._writer._caches.sessions._entries) <= 3


async def test_a_deleted_session_is_not_remembered(store):
    await ended(store)
    assert (PROJECT, SESSION) in store._writer._caches.sessions
    await store.delete_session(PROJECT, SESSION, 9_000)
    assert (PROJECT, SESSION) not in store._writer._caches.sessions


async def test_after_a_failure_the_file_is_believed_about_sessions_too(store, path):
    await started(store)
    before = await journal(store)
    told = []
    store.on_session_publication(told.extend)
    store._writer._connection.set_commit_hook(fail_with_an_io_error)
    with pytest.raises(StoreUnavailable):
        await store.update(PROJECT, "wf_1", commit(events=(b"lost",)))
    assert (await journal(store), told) == (before, [])
    # A commit whose flush failed may turn out to be in the file after all; so that is played here.
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE session SET last_sequence = 7")
    connection.close()
    await store.update(PROJECT, "wf_1", commit(events=(b"kept",)))
    assert [(entry.sequence, entry.body) for entry in await journal(store)][2:] == [(8, b"kept")]


async def test_a_batch_sees_what_it_has_deleted_and_what_it_has_made(store):
    await store.create(accepted("hold"))
    await started(store)
    finish = commit(end=RunSucceeded(YES))
    done, deleted, lookup, late, again, other, replayed = await together(
        store,
        store.update(PROJECT, "wf_1", finish, request()),
        store.delete_session(PROJECT, SESSION, 9_000),
        store.update(PROJECT, "wf_1", lambda *_: ()),
        store.create(accepted("wf_2", session_id=SESSION)),
        store.delete_session(PROJECT, SESSION, 9_999),
        store.create(accepted("wf_3", session_id="s3")),
        store.update(PROJECT, "wf_1", finish, request()),
    )
    assert done.fresh
    assert other.fresh
    assert deleted == again
    assert [type(one) for one in (lookup, late, replayed)] == [WorkflowNotFound, SessionDeleted, SessionDeleted]
    assert await journal(store) == ()
    assert sequences(await journal(store, "s3")) == [1]


async def test_a_batch_may_purge_and_forget_what_it_has_deleted(store):
    await store.create(accepted("hold"))
    await ended(store)
    deleted, purged, forgotten, made = await together(
        store,
        store.delete_session(PROJECT, SESSION, 9_000),
        store.purge(),
        store.forget_sessions(9_001),
        store.create(accepted("wf_2", session_id="s2")),
    )
    assert deleted.deleted_at
    assert purged > 0
    assert forgotten == 1
    assert made.fresh
    assert (await store.create(accepted("wf_3", session_id=SESSION))).fresh
    assert sequences(await journal(store)) == [1]


async def test_the_guilty_change_of_a_session_fails_alone(store):
    await store.create(accepted("hold"))
    await started(store)
    good, overflow, last = await together(
        store,
        store.update(PROJECT, "wf_1", commit(events=(b"good",))),
        store.create(accepted("wf_2", session_id=SESSION, created_at=2**80)),
        store.update(PROJECT, "wf_1", commit(events=(b"last",))),
    )
    assert (good.fresh, type(overflow), last.fresh) == (True, OverflowError, True)
    assert [entry.body for entry in await journal(store)][2:] == [b"good", b"last"]
    assert (await store.session(PROJECT, SESSION)).workflow_count == 1


TABLES = (
    "workflow",
    "workflow_state",
    "workflow_label",
    "event",
    "interrupt",
    "checkpoint",
    "channel_blob",
    "pending_write",
    "session_event",
    "purge",
)


async def counts(store):
    """How many rows each table has."""
    return {
        table: await store._read(lambda connection, name=table: connection.execute(f"SELECT count(*) FROM {name}").get)
        for table in TABLES
    }


async def a_large_session(store):
    """More of everything than one piece takes."""
    labels = (("team", "blue"), ("zone", 'odd "é\\'))
    for number in range(_purge.WORKFLOWS + 3):
        await ended(store, f"wf_{number}", labels=labels)
        await store.save(PROJECT, f"wf_{number}", HISTORY)
    await said(store)
    await replied(store)


async def test_everything_that_belonged_to_a_deleted_session_is_removed_and_nothing_else(store):
    await ended(store, "wf_other", "s2", labels=(("team", "blue"),))
    await store.save(PROJECT, "wf_other", HISTORY)
    before = await counts(store)
    await a_large_session(store)
    assert all(
        count > before[table] for table, count in (await counts(store)).items() if table not in ("purge", "interrupt")
    )
    await store.delete_session(PROJECT, SESSION, 9_000)
    while await store.purge():
        pass
    assert await counts(store) == before


async def test_a_purge_stops_when_its_time_is_over(store, monkeypatch):
    await a_large_session(store)
    await store.delete_session(PROJECT, SESSION, 9_000)
    monkeypatch.setattr(_purge, "SECONDS_MAX", 0)
    commits, pieces = commits_of(store), []
    while count := await store.purge():
        pieces.append(count)
        with pytest.raises(WorkflowNotFound):
            await store.get(PROJECT, "wf_0")
    assert len(pieces) > 15
    assert max(pieces) <= _purge.SMALL_ROWS
    assert len(commits) == len(pieces) + 1
    assert set((await counts(store)).values()) == {0}


async def test_sessions_are_purged_before_they_are_forgotten(store, monkeypatch):
    await ended(store)
    await store.delete_session(PROJECT, SESSION, 9_000)
    assert await store.forget_sessions(9_001) == 0
    while await store.purge():
        pass
    assert await store.forget_sessions(9_001) == 1
    monkeypatch.setattr(_operations, "FORGOTTEN_MAX", 2)
    for number in range(5):
        await ended(store, f"wf_n{number}", f"s_{number}")
        await store.delete_session(PROJECT, f"s_{number}", 9_000)
    while await store.purge():
        pass
    assert await store.forget_sessions(9_001) == 5


@pytest.mark.parametrize(
    ("where", "index"),
    [
        (SessionFilter(), "session_by_creation (project=? AND (created_at,session_id)<(?,?))"),
        (SessionFilter(active_only=True), "session_active (project=? AND (created_at,session_id)<(?,?))"),
    ],
)
async def test_a_page_of_sessions_is_found_along_an_index_without_sorting(store, where, index):
    text, values = _session_reads.listing(PROJECT, where, 10, (5, "s1"))
    assert_plan(await plan_of(store, text, values), index)


@pytest.mark.parametrize(
    ("text", "values", "index"),
    [
        (
            _session_reads._EVENTS,
            (PROJECT, "s1", 0, 9),
            "SEARCH s USING PRIMARY KEY (project=? AND session_id=? AND seq",
        ),
        (
            _session_reads._MESSAGES.format(order="DESC"),
            (PROJECT, "s1", 0, 9, 9),
            "INDEX session_message (project=? AND",
        ),
        (
            _session_reads._TURN_MESSAGES,
            (PROJECT, "s1", "t"),
            "session_turn (project=? AND session_id=? AND workflow_id=?)",
        ),
    ],
)
async def test_a_journal_is_read_along_an_index_without_sorting(store, text, values, index):
    assert_plan(await plan_of(store, text, values), index)


async def test_a_sessions_state_is_found_along_an_index(store):
    plan = await plan_of(store, _session_reads._WORKFLOWS, (PROJECT, "s1", 9, 9))
    searches = [detail for detail in plan if "workflow_of_session (project=? AND session_id=? AND ended_at" in detail]
    assert len(searches) == 2
    assert not any("SCAN workflow" in detail for detail in plan), plan


async def plan_of(store, text, values):
    rows = await store._read(lambda connection: connection.execute("EXPLAIN QUERY PLAN " + text, values).fetchall())
    return [row[3] for row in rows]


def assert_plan(plan, index):
    assert any(index in detail for detail in plan), plan
    assert not any("TEMP B-TREE" in detail for detail in plan), plan


async def test_entries_that_stand_for_events_have_no_second_copy_of_them(store):
    await started(store)
    await store.update(PROJECT, "wf_1", commit(events=(b"e" * 1_000,), saved=Saved()))
    rows = await store._read(lambda connection: connection.execute("SELECT body FROM session_event").fetchall())
    assert rows == [(None,)] * 3
    assert (await journal(store))[2] == StoredSessionEvent(3, 4, b"e" * 1_000, "wf_1", 3)
