"""What stores promise about sessions and their journals."""

import asyncio
from dataclasses import replace

import pytest

from stretto.server.domain import transitions
from stretto.server.domain.change import (
    Change,
    EncodedEvent,
    RunFailed,
    RunPaused,
    RunSucceeded,
    Saved,
    StoredCheckpoint,
)
from stretto.server.domain.errors import SessionNotFound, StaleEpoch
from stretto.server.domain.session import (
    TURN,
    EntryKind,
    Noticed,
    NoticeKind,
    Replied,
    ReplyFailed,
    Session,
    SessionPublication,
    StoredSessionEvent,
    UserSaid,
)
from stretto.server.domain.workflow import Failure, Reason, Status
from stretto.server.store import SessionFilter, WorkflowFilter
from stretto.server.store.port import SMALL_BYTES_MAX
from tests.contract.making import (
    HISTORY,
    NO,
    PROJECT,
    YES,
    a_workflow,
    accepted,
    blob,
    checkpoint,
    claim,
    commit,
    decide,
    encode_session,
    question,
    request,
    running,
    write,
)
from tests.contract.talking import (
    ALL,
    REPLY,
    SESSION,
    broke,
    ended,
    journal,
    kinds,
    replied,
    said,
    sequences,
    started,
    wrote,
)


async def test_a_session_comes_to_be_with_its_first_workflow(store):
    with pytest.raises(SessionNotFound):
        await store.session(PROJECT, SESSION)
    await store.create(accepted(session_id=SESSION, created_at=1_500, updated_at=1_500))
    assert await store.session(PROJECT, SESSION) == Session(
        project=PROJECT,
        session_id=SESSION,
        created_at=1_500,
        updated_at=1_500,
        last_sequence=1,
        workflow_count=1,
        active_workflow_count=1,
    )
    with pytest.raises(SessionNotFound):
        await store.session("green", SESSION)


async def test_a_workflow_without_a_session_makes_none(store):
    told = []
    store.on_session_publication(told.extend)
    await running(store)
    assert await store.sessions(PROJECT, SessionFilter(), 10) == ()
    assert told == []
    with pytest.raises(SessionNotFound):
        await store.session(PROJECT, "")


async def test_a_sessions_journal_has_the_events_of_its_workflows_under_one_sequence(store):
    await started(store, "wf_1")
    await started(store, "wf_2")
    await store.update(PROJECT, "wf_1", commit(events=(b"one",)))
    found = await journal(store)
    assert sequences(found) == [1, 2, 3, 4, 5]
    assert set(kinds(found)) == {"PROGRESS"}
    told = [(entry.workflow_id, entry.event_sequence) for entry in found]
    assert told == [("wf_1", 1), ("wf_1", 2), ("wf_2", 1), ("wf_2", 2), ("wf_1", 3)]
    bodies = {(name, event.sequence): event.body for name in ("wf_1", "wf_2") for event in await events(store, name)}
    assert [bodies[key] for key in told] == [entry.body for entry in found]


async def events(store, workflow_id):
    return await store.events(PROJECT, workflow_id, 0, ALL)


async def test_numbers_are_without_gaps_when_workflows_of_one_session_commit_together(store):
    names = [f"wf_{number}" for number in range(6)]
    told: list[SessionPublication] = []
    store.on_session_publication(told.extend)
    await asyncio.gather(*(started(store, name, SESSION if name < "wf_4" else "s2") for name in names))
    await asyncio.gather(
        *(
            store.update(PROJECT, name, commit(workflow_id=name, events=(b"%d" % number, b"more")))
            for number in range(10)
            for name in names
        )
    )
    for session_id, count in ((SESSION, 4), ("s2", 2)):
        found = await journal(store, session_id)
        assert sequences(found) == list(range(1, count * 22 + 1))
        assert (await store.session(PROJECT, session_id)).last_sequence == count * 22
        of_one = [one for one in told if one.session.session_id == session_id]
        assert tuple(event for one in of_one for event in one.events) == found
        for one in of_one:
            assert not one.events or one.events[-1].sequence == one.session.last_sequence
        assert of_one[-1].session == await store.session(PROJECT, session_id)
        for name in names:
            own = [entry.event_sequence for entry in found if entry.workflow_id == name]
            assert own in ([], list(range(1, 23)))


async def test_a_turn_is_a_message_then_text_then_a_reply(store):
    turn = await said(store)
    await store.update(PROJECT, "turn_1", wrote("turn_1", b"Hel", b"lo"))
    await replied(store)
    found = await journal(store)
    assert kinds(found) == ["MESSAGE", "REPLY_DELTA", "REPLY_DELTA", "MESSAGE"]
    assert found[0].body == encode_session(SESSION, 1_000, UserSaid("turn_1", turn.input))
    assert [(one.body, one.workflow_id, one.event_sequence) for one in found[1:3]] == [
        (b"Hel", "turn_1", 3),
        (b"lo", "turn_1", 4),
    ]
    assert found[3] == StoredSessionEvent(
        4, EntryKind.MESSAGE, encode_session(SESSION, 3_000, Replied("turn_1", REPLY)), "turn_1"
    )
    session = await store.session(PROJECT, SESSION)
    assert (session.message_count, session.workflow_count, session.active_workflow_count) == (2, 0, 0)


async def test_a_turn_that_fails_leaves_a_message_too(store):
    await said(store)
    await broke(store)
    last = (await journal(store))[-1]
    assert last.body == encode_session(SESSION, 3_000, ReplyFailed("turn_1", Failure(Reason.STEP_FAILED, "broke")))


async def test_a_workflow_that_ends_or_asks_leaves_a_notice_right_after_its_events(store):
    await started(store, "wf_1")
    await store.update(PROJECT, "wf_1", commit(events=(b"asks",), raised=(question(),), end=RunPaused()))
    assert (await store.session(PROJECT, SESSION)).pending_interrupt_count == 1
    await store.update(PROJECT, "wf_1", decide("q1", YES))
    await store.update(PROJECT, "wf_1", claim)
    await store.update(PROJECT, "wf_1", commit(epoch=2, end=RunSucceeded(NO)))
    found = await journal(store)
    assert kinds(found) == ["PROGRESS", "PROGRESS", "PROGRESS", "NOTICE", "PROGRESS", "PROGRESS", "NOTICE"]
    asks = Noticed(NoticeKind.WAITING, "wf_1", "orders", "Orders asks: Wirklich? \N{SNOWMAN}", question())
    assert found[3].body == encode_session(SESSION, 3_000, asks)
    done = Noticed(NoticeKind.SUCCEEDED, "wf_1", "orders", "Orders is done.")
    assert found[6] == StoredSessionEvent(7, EntryKind.NOTICE, encode_session(SESSION, 3_000, done), "wf_1")
    session = await store.session(PROJECT, SESSION)
    assert (session.message_count, session.pending_interrupt_count, session.active_workflow_count) == (2, 0, 0)


async def test_notices_are_in_the_same_transaction_as_what_they_tell(store):
    """Who hears of a workflow's end finds the notice in the session, and the other way round."""
    heard = []

    def on_session(publications):
        heard.append("session")
        reads.extend(asyncio.ensure_future(store.get(PROJECT, "wf_1")) for _ in publications)

    def on_workflow(publications):
        heard.append("workflow")
        reads.extend(asyncio.ensure_future(journal(store)) for _ in publications)

    await started(store)
    reads = []
    store.on_session_publication(on_session)
    store.on_publication(on_workflow)
    await store.update(PROJECT, "wf_1", commit(end=RunSucceeded(YES)))
    workflow, entries = await asyncio.gather(*reads)
    assert heard == ["session", "workflow"]
    assert workflow.status is Status.SUCCEEDED
    assert kinds(entries)[-1] == "NOTICE"


async def test_a_refused_or_broken_change_leaves_no_trace_in_its_session(store):
    await started(store)
    before = await store.session(PROJECT, SESSION), await journal(store)
    told = []
    store.on_session_publication(told.extend)
    broken = Change(
        workflow=a_workflow("wf_2", session_id=SESSION), created=True, events=(EncodedEvent(b"e"), object())
    )
    outcomes = await asyncio.gather(
        store.update(PROJECT, "wf_1", commit(epoch=9, events=(b"late",))),
        store.create(broken),
        store.update(
            PROJECT, "wf_1", lambda workflow, _: (Change(workflow=workflow, events=(EncodedEvent(b"x"),)), broken)
        ),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [StaleEpoch, TypeError, TypeError]
    assert (await store.session(PROJECT, SESSION), await journal(store)) == before
    assert told == []


async def test_a_repeated_request_adds_nothing_to_the_journal(store):
    made = accepted("turn_1", session_id=SESSION, workflow_type=TURN)
    outcomes = await asyncio.gather(*(store.create(replace(made), request()) for _ in range(5)))
    assert [outcome.fresh for outcome in outcomes] == [True] + [False] * 4
    assert kinds(await journal(store)) == ["MESSAGE"]
    assert (await store.session(PROJECT, SESSION)).message_count == 1


async def test_two_changes_of_one_session_in_one_update_are_numbered_on(store):
    await started(store)
    await store.update(PROJECT, "wf_1", commit(end=RunFailed(Failure(Reason.STEP_FAILED, "broke"))))
    made = a_workflow("wf_2", session_id=SESSION, created_at=5_000, updated_at=5_000)
    await store.update(PROJECT, "wf_1", lambda workflow, _: transitions.retry(workflow, made, None))
    found = await journal(store)
    assert sequences(found) == [1, 2, 3, 4, 5]
    assert (found[-1].workflow_id, found[-1].event_sequence) == ("wf_2", 1)

    def twice(workflow, _):
        return tuple(Change(workflow=workflow, events=(EncodedEvent(body),)) for body in (b"one", b"two"))

    await store.update(PROJECT, "wf_2", twice)
    assert [(entry.sequence, entry.event_sequence) for entry in (await journal(store))[5:]] == [(6, 2), (7, 3)]
    session = await store.session(PROJECT, SESSION)
    assert (session.workflow_count, session.active_workflow_count, session.updated_at) == (2, 1, 5_000)


async def test_turns_that_have_not_ended_count_apart(store):
    await said(store)
    await started(store)
    session = await store.session(PROJECT, SESSION)
    assert (session.active_turn_count, session.active_workflow_count, session.busy_count) == (1, 1, 2)
    await replied(store)
    assert (await store.session(PROJECT, SESSION)).active_turn_count == 0


async def test_a_journal_is_read_in_pages(store):
    await started(store)
    await store.update(PROJECT, "wf_1", commit(events=tuple(b"%d" % number for number in range(8))))
    assert sequences(await store.session_events(PROJECT, SESSION, 4, 3)) == [5, 6, 7]
    assert sequences(await store.session_events(PROJECT, SESSION, 9, ALL)) == [10]
    assert await store.session_events(PROJECT, SESSION, 10, ALL) == ()
    assert await store.session_events(PROJECT, "s9", 0, ALL) == ()
    assert await store.session_events("green", SESSION, 0, ALL) == ()


async def a_conversation(store):
    """Messages at 1, 2, 5, 6, 10 and 12, with a notice at 9; progress in between."""
    await said(store, "turn_1")
    await replied(store, "turn_1")
    await started(store, "wf_1")
    await said(store, "turn_2")
    await replied(store, "turn_2")
    await store.update(PROJECT, "wf_1", commit(events=(b"step",), end=RunSucceeded(YES)))
    await said(store, "turn_3")
    await store.update(PROJECT, "turn_3", wrote("turn_3", b"text"))
    await replied(store, "turn_3")


async def test_messages_and_notices_are_listed_both_ways_in_pages(store):
    await a_conversation(store)
    everything = await store.messages(PROJECT, SESSION, ALL)
    assert sequences(everything) == [1, 2, 5, 6, 9, 10, 12]
    assert everything == tuple(one for one in await journal(store) if one.kind in (EntryKind.MESSAGE, EntryKind.NOTICE))
    newest = await store.messages(PROJECT, SESSION, ALL, newest_first=True)
    assert newest == everything[::-1]
    forth, back, cursor = [], [], 0
    while page := await store.messages(PROJECT, SESSION, 2, after=cursor):
        forth += page
        cursor = page[-1].sequence
    cursor = 0
    while page := await store.messages(PROJECT, SESSION, 2, before=cursor, newest_first=True):
        back += page
        cursor = page[-1].sequence
    assert (tuple(forth), tuple(back)) == (everything, newest)
    assert sequences(await store.messages(PROJECT, SESSION, ALL, after=2, before=10)) == [5, 6, 9]
    assert await store.messages("green", SESSION, ALL) == ()


async def test_the_messages_of_one_turn_are_found(store):
    await a_conversation(store)
    assert sequences(await store.turn_messages(PROJECT, SESSION, "turn_2")) == [5, 6]
    assert await store.turn_messages(PROJECT, SESSION, "wf_1") == ()
    await said(store, "turn_4")
    assert sequences(await store.turn_messages(PROJECT, SESSION, "turn_4")) == [13]


async def test_sessions_are_listed_newest_first_in_pages_with_ties(store):
    for name, at in {"a": 10, "b": 20, "c": 20, "d": 20, "e": 30}.items():
        await store.create(accepted(f"wf_{name}", session_id=f"s_{name}", created_at=at))
    await store.create(accepted("wf_z", project="green", session_id="s_z", created_at=99))
    found, before = [], None
    while page := await store.sessions(PROJECT, SessionFilter(), 2, before):
        assert len(page) <= 2
        found += [session.session_id for session in page]
        before = (page[-1].created_at, page[-1].session_id)
    assert found == ["s_e", "s_d", "s_c", "s_b", "s_a"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (SessionFilter(created_after=20), ["s_4", "s_3", "s_2"]),
        (SessionFilter(created_before=20), ["s_1", "s_0"]),
        (SessionFilter(active_only=True), ["s_4", "s_2", "s_0"]),
        (SessionFilter(active_only=True, created_after=10, created_before=40), ["s_2"]),
    ],
)
async def test_filters_of_sessions_hold_together(store, where, expected):
    for number in range(5):
        make = ended if number % 2 else started
        await make(store, f"wf_{number}", f"s_{number}", created_at=number * 10)
    assert [session.session_id for session in await store.sessions(PROJECT, where, ALL)] == expected
    assert [session.session_id for session in await store.sessions(PROJECT, where, 1)] == expected[:1]


async def test_turns_are_listed_only_when_they_are_asked_for(store):
    await said(store, "turn_1", created_at=10, labels=(("a", "b"),))
    await started(store, "wf_1", created_at=20, labels=(("a", "b"),))

    async def listed(**where):
        return [one.workflow_id for one in await store.list(PROJECT, WorkflowFilter(**where), ALL)]

    for where in ({}, {"session_id": SESSION}, {"labels": (("a", "b"),)}, {"statuses": (Status.RUNNING,)}):
        assert await listed(**where) == ["wf_1"]
        assert await listed(**where, workflow_types=(TURN,)) == ["turn_1"]
        assert await listed(**where, workflow_types=(TURN, "orders")) == ["wf_1", "turn_1"]
    assert {one.workflow_id for one in await store.unfinished()} == {"turn_1", "wf_1"}


async def many_workflows(store):
    """Five that have not ended, five that have, in another order than they began; a turn, and a stranger."""
    for number in range(5):
        await started(store, f"wf_a{number}", created_at=100 + number % 3)
        await ended(store, f"wf_e{number}", created_at=200 + number, at=5_000 - number % 3)
    await said(store, "turn_1")
    await started(store, "wf_s", "s2")
    await store.create(accepted("wf_a0", project="green", session_id=SESSION))


async def state_of(store, active_max=10, ended_max=10, *, with_checkpoints=False):
    return await store.session_state(
        PROJECT, SESSION, active_max=active_max, ended_max=ended_max, with_checkpoints=with_checkpoints
    )


async def test_a_sessions_state_has_those_that_have_not_ended_and_then_those_that_ended_last(store):
    await many_workflows(store)
    state = await state_of(store)
    active, done = ["wf_a2", "wf_a4", "wf_a1", "wf_a3", "wf_a0"], ["wf_e3", "wf_e0", "wf_e4", "wf_e1", "wf_e2"]
    assert [one.workflow.workflow_id for one in state.workflows] == active + done
    assert (state.session, state.ended_count) == (await store.session(PROJECT, SESSION), 5)
    for one in state.workflows:
        assert one.workflow == await store.get(PROJECT, one.workflow.workflow_id)
    few = await state_of(store, 2, 3)
    assert [one.workflow.workflow_id for one in few.workflows] == active[:2] + done[:3]
    assert few.ended_count == 5
    assert (await state_of(store, 0, 0)).workflows == ()
    with pytest.raises(SessionNotFound):
        await store.session_state("blue", SESSION, active_max=1, ended_max=1, with_checkpoints=True)


async def test_a_sessions_state_has_the_interrupts_of_those_that_have_not_ended(store):
    for name in ("wf_1", "wf_2", "wf_3"):
        await started(store, name)
    for name, found in (("wf_1", (question("q2"), question("q1"))), ("wf_2", (question("q3"),))):
        await store.update(PROJECT, name, commit(workflow_id=name, raised=found, end=RunPaused()))
    await store.update(PROJECT, "wf_2", lambda workflow, _: transitions.cancel(workflow, "", 4_000))
    state = await state_of(store)
    assert {one.workflow.workflow_id: one.interrupts for one in state.workflows} == {
        "wf_1": (question("q2"), question("q1")),
        "wf_2": (),
        "wf_3": (),
    }


async def test_a_sessions_state_has_the_newest_checkpoints_when_asked_for(store):
    await many_workflows(store)
    for name in ("wf_a0", "wf_a1", "wf_e1", "wf_s"):
        await store.save(PROJECT, name, HISTORY)
    for one in (await state_of(store, with_checkpoints=True)).workflows:
        assert one.checkpoint == await store.checkpoint(PROJECT, one.workflow.workflow_id, "")
        assert (one.checkpoint is not None) == (one.workflow.workflow_id in ("wf_a0", "wf_a1", "wf_e1"))
    assert [one.checkpoint for one in (await state_of(store)).workflows] == [None] * 10


async def test_a_sessions_state_leaves_large_values_of_checkpoints_out(store):
    await started(store, "wf_1")
    bodies = {"small": bytes(SMALL_BYTES_MAX), "large": bytes(SMALL_BYTES_MAX + 1)}
    newest = checkpoint("cp_1", channels=tuple((name, "1") for name in bodies))
    blobs = tuple(blob(name, "1", body) for name, body in bodies.items())
    writes = tuple(write("cp_1", index=index, body=body) for index, body in enumerate(bodies.values()))
    await store.save(PROJECT, "wf_1", Saved(checkpoints=(newest,), blobs=blobs, writes=writes))
    [one] = (await state_of(store, with_checkpoints=True)).workflows
    assert one.checkpoint == StoredCheckpoint(newest, blobs[:1], writes[:1])
    whole = await store.state(PROJECT, "wf_1", with_checkpoint=True)
    assert {blob.channel for blob in whole.checkpoint.blobs} == set(bodies)
