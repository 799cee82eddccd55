"""What only the store in PostgreSQL has: its statements and their indexes, and whose fault a failure is."""

import asyncio
import re

import asyncpg
import pytest

from stretto.server.domain import transitions
from stretto.server.domain.errors import StaleEpoch, StrettoError, WorkflowNotFound
from stretto.server.domain.workflow import Status
from stretto.server.store import SessionFilter, WorkflowFilter
from stretto.server.store.postgres import _cluster, _connection, _session_reads, _sql
from stretto.server.store.postgres._address import parse
from stretto.server.store.postgres._listing import listing
from stretto.server.store.postgres._trace import trace_of
from tests.contract.making import PROJECT, accepted, claim, commit, running
from tests.contract.postgres_stores import opened
from tests.contract.talking import SESSION


async def test_every_table_can_be_asked_for_the_trace_of_a_transaction(postgres_url):
    async with opened(postgres_url):
        connection = await _connection.connect(parse(postgres_url), "test")
        for part in (*_sql.TABLES, "changed_workflow_state", "changed_session"):
            trace = trace_of({part: [("project", "name", 1, b"")]})
            assert await connection.fetchval(trace.text, "1000", *trace.values) is False
        await connection.close()


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
