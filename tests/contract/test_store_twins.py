"""Whatever happens in sessions, both stores do and tell the same, and the counts are those of what is there."""

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from stretto.server.domain import transitions
from stretto.server.domain.change import EncodedEvent, RunCommit, RunFailed, RunPaused, RunSucceeded
from stretto.server.domain.errors import StrettoError
from stretto.server.domain.session import TURN, EntryKind
from stretto.server.domain.workflow import Failure, Reason
from stretto.server.store import SessionFilter, WorkflowFilter
from stretto.server.store.memory import MemoryStore
from stretto.server.store.sqlite import SqliteStore
from tests.contract.making import ENCODERS, NO, PROJECT, YES, a_workflow, accepted, decide, question, request
from tests.contract.talking import ALL, sequences

SESSIONS = ("s1", "s2")
TYPES = ("orders", TURN)
ENDS = (None, RunSucceeded(YES), RunFailed(Failure(Reason.STEP_FAILED, "broke")), RunPaused())
_ANY_TIME = 10**9


def _run(workflow, interrupts, *, at, texts, end, asks):
    run = RunCommit(
        project=PROJECT,
        workflow_id=workflow.workflow_id,
        epoch=workflow.epoch,
        at=at,
        events=tuple(EncodedEvent(b"e%d" % at, is_text=is_text) for is_text in texts),
        raised=(question(f"q{at}"),) if asks else (),
        end=end,
    )
    return transitions.commit_run(workflow, interrupts, run)


def _retry(workflow, _, *, at):
    made = a_workflow(
        f"wf_{at}", workflow_type=workflow.workflow_type, session_id=workflow.session_id, created_at=at, updated_at=at
    )
    return transitions.retry(workflow, made, None)


def _decide_first(workflow, interrupts, *, at, decision):
    pending = [one.interrupt_id for one in interrupts if one.decision is None]
    return decide(pending[0], decision, at)(workflow, interrupts) if pending else ()


MOVES = st.one_of(
    st.tuples(st.just("create"), st.sampled_from((*SESSIONS, "")), st.sampled_from(TYPES), st.integers(0, 6)),
    st.tuples(st.just("claim"), st.integers(0, 3)),
    st.tuples(
        st.just("commit"),
        st.integers(0, 3),
        st.lists(st.booleans(), max_size=3),
        st.sampled_from(ENDS),
        st.booleans(),
    ),
    st.tuples(st.just("decide"), st.integers(0, 3), st.sampled_from((YES, NO))),
    st.tuples(st.just("cancel"), st.integers(0, 3)),
    st.tuples(st.just("retry"), st.integers(0, 3)),
    st.tuples(st.just("delete"), st.sampled_from(SESSIONS)),
    st.tuples(st.just("purge")),
    st.tuples(st.just("forget")),
)


RULES = {
    "claim": lambda at: lambda workflow, _: transitions.claim(workflow, at),
    "commit": lambda at, texts, end, asks: partial(_run, at=at, texts=texts, end=end, asks=asks),
    "decide": lambda at, decision: partial(_decide_first, at=at, decision=decision),
    "cancel": lambda at: lambda workflow, _: transitions.cancel(workflow, "", at),
    "retry": lambda at: partial(_retry, at=at),
}


async def play(store, at, names, move):
    """One move; `names` are the workflows that there were, and what the move makes is named after its time."""
    verb, *rest = move
    if verb in RULES:
        chosen, *told = rest
        return await store.update(PROJECT, names[-1 - chosen % len(names)], RULES[verb](at, *told))
    if verb == "create":
        session_id, workflow_type, used = rest
        made = accepted(f"wf_{at}", session_id=session_id, workflow_type=workflow_type, created_at=at, updated_at=at)
        return await store.create(made, request(f"r{used}") if used else None)
    if verb == "delete":
        return await store.delete_session(PROJECT, rest[0], at)
    while await store.purge():
        pass
    return await store.forget_sessions(_ANY_TIME) if verb == "forget" else None


async def outcome(coroutine):
    try:
        return await coroutine
    except StrettoError as error:
        return type(error), error.metadata


async def everything(store, names):
    """All that can be read."""
    found = {"sessions": await store.sessions(PROJECT, SessionFilter(), ALL)}
    found["list"] = await store.list(PROJECT, WorkflowFilter(workflow_types=TYPES), ALL)
    found["shown"] = await store.list(PROJECT, WorkflowFilter(), ALL)
    found["unfinished"] = set(await store.unfinished())
    for session_id in SESSIONS:
        found["events", session_id] = await store.session_events(PROJECT, session_id, 0, ALL)
        found["messages", session_id] = await store.messages(PROJECT, session_id, ALL, newest_first=True)
        state = store.session_state(PROJECT, session_id, active_max=3, ended_max=3, with_checkpoints=True)
        found["state", session_id] = await outcome(state)
    for name in names:
        found["get", name] = await outcome(store.get(PROJECT, name))
        found["journal", name] = await store.events(PROJECT, name, 0, ALL)
    return found


def expect_right(found):
    """Sequences have no gaps, pointers lead to their events, and the counts of a session are those of its rows."""
    for session in found["sessions"]:
        entries = found["events", session.session_id]
        rows = [one for one in found["list"] if one.session_id == session.session_id]
        ours = [one for one in rows if one.workflow_type != TURN]
        assert sequences(entries) == list(range(1, session.last_sequence + 1))
        for entry in entries:
            if entry.event_sequence:
                assert entry.body == found["journal", entry.workflow_id][entry.event_sequence - 1].body
        for row in ours:
            own = [entry.event_sequence for entry in entries if entry.workflow_id == row.workflow_id]
            assert [one for one in own if one] == list(range(1, row.last_sequence + 1))
        words = [entry for entry in entries if entry.kind in (EntryKind.MESSAGE, EntryKind.NOTICE)]
        assert (session.message_count, session.workflow_count) == (len(words), len(ours))
        assert session.active_workflow_count == sum(not one.status.terminal for one in ours)
        assert session.busy_count == sum(not one.status.terminal for one in rows)
        assert session.pending_interrupt_count == sum(one.interrupts_pending for one in ours)


async def compare(moves, folder):
    twins = MemoryStore(ENCODERS), SqliteStore(Path(folder) / "stretto.db", ENCODERS, synchronous="OFF")
    told = [], []
    for store, heard in zip(twins, told, strict=True):
        await store.open()
        store.on_session_publication(heard.extend)
    try:
        names = ["wf_none"]
        for at, move in enumerate(moves, start=1_000):
            first, second = [await outcome(play(store, at, names, move)) for store in twins]
            assert first == second
            if move[0] in ("create", "retry") and not isinstance(first, tuple):
                names.append(first.workflow.workflow_id)
        first, second = [await everything(store, names) for store in twins]
        assert first == second
        assert told_of(told[0]) == told_of(told[1])
        expect_right(first)
    finally:
        for store in twins:
            await store.close()


def told_of(publications):
    """What watchers heard: each entry once, in order, whatever publications it came in."""
    return [(one.session.session_id, event) for one in publications for event in one.events]


@settings(max_examples=40, deadline=None)
@given(st.lists(MOVES, min_size=5, max_size=40))
def test_both_stores_do_and_tell_the_same(moves):
    # In a thread: a loop that is run here would take away the one that the plugin for asynchronous tests keeps.
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, compare(moves, folder)).result()
