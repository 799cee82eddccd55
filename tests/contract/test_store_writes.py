"""What create and update promise, over every store."""

import asyncio
from dataclasses import replace

import pytest

from stretto.server.domain import transitions
from stretto.server.domain.change import Change, EncodedEvent, Publication, RunFailed, RunSucceeded
from stretto.server.domain.errors import (
    AlreadyDecided,
    NotRetryable,
    RequestIdReused,
    StaleEpoch,
    StoreUnavailable,
    WorkflowNotFound,
)
from stretto.server.domain.event import Accepted, Event
from stretto.server.domain.payload import Payload, Violation
from stretto.server.domain.workflow import Edit, Failure, InterruptStatus, Origin, OriginKind, Reason, Status, Step
from stretto.server.store import WorkflowFilter
from tests.contract.making import (
    NO,
    PROJECT,
    YES,
    a_workflow,
    accepted,
    claim,
    commit,
    decide,
    encode,
    question,
    request,
    running,
    waiting,
)

FULL = {
    "session_id": "session",
    "labels": (("team", "blue"), ("zone", "é")),
    "started_at": 1_001,
    "ended_at": 1_002,
    "deadline": 9_000,
    "epoch": 7,
    "crashes": 2,
    "fraction": 0.25,
    "headline": "Half-way",
    "steps": (Step("s1", "pick", 1, 1_500, 0.5, "picking"), Step("s2", "pack", 2, 1_600)),
    "interrupts_pending": 1,
    "has_interrupts": True,
    "has_checkpoints": True,
    "cancel_requested_at": 1_700,
    "cancel_cause": "changed my mind",
    "origin": Origin(OriginKind.FORK, "wf_0", "cp_0", Edit(Payload("orders.Order", b"e"), "pick")),
    "retried_as": "wf_2",
    "result": Payload("orders.Receipt", b""),
    "failure": Failure(Reason.STEP_FAILED, "broke", "ValueError", "pick", "s1", 3, (Violation("a", "b", "c"),)),
}


async def bodies(store, workflow_id="wf_1"):
    return [event.body for event in await store.events(PROJECT, workflow_id, 0, 1_000)]


async def refuse_all(*_):
    raise AssertionError


async def test_every_field_of_a_workflow_comes_back(store):
    made = a_workflow(**FULL)
    await store.create(Change(workflow=made, created=True))
    assert await store.get(PROJECT, "wf_1") == made
    assert await store.list(PROJECT, WorkflowFilter(), 10) == (made,)
    committed = await store.update(PROJECT, "wf_1", lambda workflow, _: (Change(workflow=workflow),))
    assert committed.workflow == made


async def test_every_field_that_can_change_changes(store):
    await store.create(Change(workflow=a_workflow(), created=True))
    made = a_workflow(**{key: value for key, value in FULL.items() if key not in ("session_id", "labels", "origin")})
    made = replace(made, status=Status.FAILED, updated_at=8_000)
    await store.update(PROJECT, "wf_1", lambda *_: (Change(workflow=made),))
    assert await store.get(PROJECT, "wf_1") == made


async def test_a_new_workflow_has_its_first_event(store):
    committed = await store.create(accepted())
    assert committed.fresh
    assert committed.workflow == replace(a_workflow(), last_sequence=1)
    assert await bodies(store) == [encode("wf_1", Event(1_000, Accepted("orders", "1", None)))]


async def test_events_are_numbered_without_gaps_by_concurrent_changes(store):
    await running(store)
    rules = [commit(events=(b"%d-a" % number, b"%d-b" % number)) for number in range(50)]
    await asyncio.gather(*(store.update(PROJECT, "wf_1", rule) for rule in rules))
    events = await store.events(PROJECT, "wf_1", 0, 1_000)
    assert [event.sequence for event in events] == list(range(1, 103))
    assert (await store.get(PROJECT, "wf_1")).last_sequence == 102
    pairs = [event.body for event in events[2:]]
    assert {first[:-1] for first in pairs[::2]} == {second[:-1] for second in pairs[1::2]}
    assert all(first[:-1] == second[:-1] for first, second in zip(pairs[::2], pairs[1::2], strict=True))


async def test_encoded_events_are_kept_as_they_are(store):
    await running(store)
    await store.update(PROJECT, "wf_1", commit(events=(b"\x00\xff", b"")))
    assert (await bodies(store))[2:] == [b"\x00\xff", b""]


async def test_a_refused_change_leaves_no_trace(store):
    published = []
    await running(store)
    store.on_publication(published.extend)
    before = await store.state(PROJECT, "wf_1", with_checkpoint=True), await bodies(store)
    with pytest.raises(StaleEpoch):
        await store.update(PROJECT, "wf_1", commit(epoch=9, events=(b"late",)), request())
    assert (await store.state(PROJECT, "wf_1", with_checkpoint=True), await bodies(store)) == before
    assert published == []
    # Its request id is free, too.
    assert (await store.update(PROJECT, "wf_1", commit(events=(b"in time",)), request())).fresh


async def test_a_refusal_does_not_disturb_those_beside_it(store):
    await asyncio.gather(*(running(store, f"wf_{number}") for number in range(8)))
    changes = [
        store.update(PROJECT, f"wf_{number}", commit(epoch=1 + number % 2, workflow_id=f"wf_{number}", events=(b"e",)))
        for number in range(8)
    ]
    done = await asyncio.gather(*changes, return_exceptions=True)
    assert [isinstance(outcome, StaleEpoch) for outcome in done] == [False, True] * 4
    assert [len(await bodies(store, f"wf_{number}")) for number in range(8)] == [3, 2] * 4


async def test_a_change_that_fails_halfway_leaves_no_trace(store):
    await running(store)
    broken = Change(workflow=a_workflow("wf_2"), created=True, events=(EncodedEvent(b"e"), object()))

    def rule(workflow, _):
        return (Change(workflow=workflow, events=(EncodedEvent(b"first"),)), broken)

    calm = [store.update(PROJECT, "wf_1", commit(events=(b"calm",))) for _ in range(4)]
    failed, *done = await asyncio.gather(store.update(PROJECT, "wf_1", rule, request()), *calm, return_exceptions=True)
    assert isinstance(failed, TypeError)
    assert all(outcome.fresh for outcome in done)
    assert (await bodies(store))[2:] == [b"calm"] * 4
    assert (await store.update(PROJECT, "wf_1", commit(), request())).fresh
    with pytest.raises(WorkflowNotFound):
        await store.get(PROJECT, "wf_2")


async def test_a_workflow_id_is_used_once(store):
    await running(store)
    with pytest.raises(Exception):  # noqa: B017  # Each store has its own; no caller can bring it about.
        await store.create(accepted(), request())
    assert (await store.get(PROJECT, "wf_1")).status is Status.RUNNING
    assert len(await bodies(store)) == 2
    assert (await store.create(accepted("wf_2"), request())).fresh


async def test_one_workflow_id_created_twice_at_once_is_written_once(store):
    outcomes = await asyncio.gather(*(store.create(accepted()) for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(outcome, Exception) for outcome in outcomes) == 2
    assert len(await bodies(store)) == 1


async def test_an_unknown_workflow_cannot_change(store):
    with pytest.raises(WorkflowNotFound):
        await store.update(PROJECT, "wf_9", claim, request())
    with pytest.raises(WorkflowNotFound):
        await store.update(PROJECT, "wf_9", lambda *_: (Change(workflow=a_workflow("wf_9")),))
    await store.create(accepted())
    with pytest.raises(WorkflowNotFound):
        await store.update(PROJECT, "wf_1", lambda *_: (Change(workflow=a_workflow("wf_9")),))


async def test_projects_do_not_see_each_other(store):
    await store.create(accepted(), request())
    with pytest.raises(WorkflowNotFound):
        await store.update("green", "wf_1", claim)
    green = await store.create(accepted(project="green"), request())
    assert green.fresh
    await store.update(PROJECT, "wf_1", claim)
    assert (await store.get("green", "wf_1")).status is Status.QUEUED
    assert len(await store.events("green", "wf_1", 0, 10)) == 1


async def test_a_request_id_starts_one_workflow(store):
    first = await store.create(accepted(), request())
    await store.update(PROJECT, "wf_1", claim)
    again = await store.create(accepted("wf_2"), request())
    assert first.fresh
    assert not again.fresh
    assert (again.workflow.workflow_id, again.workflow.status) == ("wf_1", Status.RUNNING)
    with pytest.raises(WorkflowNotFound):
        await store.get(PROJECT, "wf_2")


async def test_concurrent_duplicates_of_a_request_start_one_workflow(store):
    done = await asyncio.gather(*(store.create(accepted(f"wf_{number}"), request()) for number in range(20)))
    assert {outcome.workflow.workflow_id for outcome in done} == {"wf_0"}
    assert [outcome.fresh for outcome in done] == [True] + [False] * 19
    assert len(await store.list(PROJECT, WorkflowFilter(), 100)) == 1


async def test_a_request_id_of_another_request_is_refused_and_names_the_workflow(store):
    await store.create(accepted(), request())
    outcomes = await asyncio.gather(
        store.create(accepted("wf_2"), request(digest=b"other")),
        store.update(PROJECT, "wf_1", claim, request(digest=b"other")),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [RequestIdReused] * 2
    assert [outcome.metadata["workflow_id"] for outcome in outcomes] == ["wf_1"] * 2
    assert (await store.get(PROJECT, "wf_1")).status is Status.QUEUED


async def test_a_repeated_update_does_not_ask_its_rule_again(store):
    await store.create(accepted())
    assert (await store.update(PROJECT, "wf_1", claim, request())).fresh
    again = await store.update(PROJECT, "wf_1", refuse_all, request())
    assert not again.fresh
    assert again.workflow.epoch == 1


async def test_an_update_without_change_gives_the_present_workflow_and_keeps_its_request(store):
    published = []
    await running(store)
    store.on_publication(published.extend)
    done = await store.update(PROJECT, "wf_1", lambda *_: (), request())
    assert not done.fresh
    assert done.workflow == await store.get(PROJECT, "wf_1")
    assert published == []
    with pytest.raises(RequestIdReused):
        await store.update(PROJECT, "wf_1", lambda *_: (), request(digest=b"other"))


async def test_forgotten_request_ids_can_be_used_again(store):
    await asyncio.gather(
        *(store.create(accepted(f"wf_{number}"), request(f"r{number}", at=number)) for number in range(9))
    )
    assert await store.forget_requests(5) == 5
    assert await store.forget_requests(5) == 0
    assert (await store.create(accepted("wf_10"), request("r4"))).fresh
    assert not (await store.create(accepted("wf_11"), request("r5"))).fresh


async def test_only_one_of_many_claims_wins(store):
    await store.create(accepted())
    done = await asyncio.gather(*(store.update(PROJECT, "wf_1", claim) for _ in range(10)))
    assert sum(outcome.fresh for outcome in done) == 1
    assert (await store.get(PROJECT, "wf_1")).epoch == 1


async def test_a_stale_owner_changes_nothing(store):
    await running(store)
    await store.update(PROJECT, "wf_1", lambda workflow, _: transitions.release(workflow, 1, 2_500))
    await store.update(PROJECT, "wf_1", claim)
    before = await store.get(PROJECT, "wf_1")
    with pytest.raises(StaleEpoch):
        await store.update(PROJECT, "wf_1", commit(epoch=1, events=(b"late",), end=RunSucceeded(YES)))
    assert await store.get(PROJECT, "wf_1") == before
    assert (await store.update(PROJECT, "wf_1", commit(epoch=before.epoch, end=RunSucceeded(YES)))).workflow.result


async def test_the_first_of_two_decisions_wins(store):
    await waiting(store)
    yes, no = await asyncio.gather(
        store.update(PROJECT, "wf_1", decide("q1", YES)),
        store.update(PROJECT, "wf_1", decide("q1", NO)),
        return_exceptions=True,
    )
    assert yes.workflow.status is Status.QUEUED
    assert isinstance(no, AlreadyDecided)
    (interrupt,) = await store.interrupts(PROJECT, "wf_1")
    assert interrupt == question(status=InterruptStatus.DECIDED, decision=YES, decided_at=4_000)


async def test_the_same_decision_again_changes_nothing(store):
    await waiting(store)
    first = await store.update(PROJECT, "wf_1", decide("q1", YES), request("first"))
    again = await store.update(PROJECT, "wf_1", decide("q1", YES, at=5_000), request("again"))
    assert (first.fresh, again.fresh) == (True, False)
    assert again.workflow == first.workflow
    assert not (await store.update(PROJECT, "wf_1", refuse_all, request("again"))).fresh


async def test_interrupts_keep_their_order_while_they_change(store):
    await waiting(store, "wf_1", question("q3"), question("q1"), question("q2"))
    await store.update(PROJECT, "wf_1", decide("q1", YES))
    await store.update(PROJECT, "wf_1", claim)
    await store.update(PROJECT, "wf_1", commit(epoch=2, raised=(question("q0"),), applied=("q1",)))
    found = await store.interrupts(PROJECT, "wf_1")
    assert [interrupt.interrupt_id for interrupt in found] == ["q3", "q1", "q2", "q0"]
    assert found[1].status is InterruptStatus.APPLIED
    assert (await store.state(PROJECT, "wf_1", with_checkpoint=False)).interrupts == found


async def test_a_retry_changes_both_workflows_at_once(store):
    published: list[Publication] = []
    store.on_publication(lambda publications: published.append(list(publications)))
    await running(store)
    made = a_workflow("wf_2", created_at=5_000)

    def retry(workflow, _):
        return transitions.retry(workflow, made, None)

    with pytest.raises(NotRetryable):
        await store.update(PROJECT, "wf_1", retry, request())
    await store.update(PROJECT, "wf_1", commit(end=RunFailed(Failure(Reason.STEP_FAILED, "broke"))))
    published.clear()
    done = await store.update(PROJECT, "wf_1", retry, request())
    assert done.workflow == replace(made, last_sequence=1)
    assert (await store.get(PROJECT, "wf_1")).retried_as == "wf_2"
    (batch,) = published
    assert [publication.workflow.workflow_id for publication in batch] == ["wf_2", "wf_1"]
    assert not batch[1].events
    again = await store.update(PROJECT, "wf_1", retry, request())
    assert (again.fresh, again.workflow.workflow_id) == (False, "wf_2")


async def test_two_changes_of_one_workflow_in_one_update_are_numbered_on(store):
    await running(store)

    def rule(workflow, _):
        return tuple(Change(workflow=workflow, events=(EncodedEvent(body),)) for body in (b"one", b"two"))

    await store.update(PROJECT, "wf_1", rule)
    events = await store.events(PROJECT, "wf_1", 2, 10)
    assert [(event.sequence, event.body) for event in events] == [(3, b"one"), (4, b"two")]
    assert (await store.get(PROJECT, "wf_1")).last_sequence == 4


async def test_publications_come_in_the_order_of_the_commits_with_what_was_written(store):
    published: list[Publication] = []
    store.on_publication(published.extend)
    await asyncio.gather(*(running(store, f"wf_{number}") for number in range(5)))
    await asyncio.gather(
        *(
            store.update(PROJECT, f"wf_{number}", commit(workflow_id=f"wf_{number}", events=(b"e", b"f")))
            for number in range(5)
            for _ in range(3)
        )
    )
    for number in range(5):
        of_one = [one for one in published if one.workflow.workflow_id == f"wf_{number}"]
        events = [event for one in of_one for event in one.events]
        assert tuple(events) == await store.events(PROJECT, f"wf_{number}", 0, 100)
        assert [one.workflow.last_sequence for one in of_one] == [1, 2, 4, 6, 8]
        assert of_one[-1].workflow == await store.get(PROJECT, f"wf_{number}")


async def test_listeners_are_told_before_the_caller_has_the_answer(store):
    told = []
    store.on_publication(lambda publications: told.extend(one.workflow.workflow_id for one in publications))
    await store.create(accepted())
    assert told == ["wf_1"]


async def test_what_a_listener_hears_of_can_be_read(store):
    reads = []
    store.on_publication(
        lambda publications: reads.extend(
            asyncio.ensure_future(store.get(PROJECT, one.workflow.workflow_id)) for one in publications
        )
    )
    await asyncio.gather(*(store.create(accepted(f"wf_{number}")) for number in range(10)))
    assert len(await asyncio.gather(*reads)) == 10


async def test_a_probe_succeeds_and_publishes_nothing(store):
    published = []
    store.on_publication(published.extend)
    await store.probe()
    await store.probe()
    assert published == []


async def test_a_closed_store_answers_nothing_until_it_is_opened_again(store):
    await store.create(accepted())
    await store.close()
    await store.close()
    for call in (store.create(accepted("wf_2")), store.get(PROJECT, "wf_1"), store.probe()):
        with pytest.raises(StoreUnavailable):
            await call
    await store.open()
    assert (await store.get(PROJECT, "wf_1")).workflow_id == "wf_1"


async def test_a_request_id_tells_what_it_was_used_for(store):
    assert await store.requested(PROJECT, request()) is None
    await store.create(accepted(), request())
    assert await store.requested(PROJECT, request()) == await store.get(PROJECT, "wf_1")
    with pytest.raises(RequestIdReused) as refused:
        await store.requested(PROJECT, request(digest=b"another"))
    assert refused.value.metadata == {"workflow_id": "wf_1"}
    assert await store.requested("blue", request()) is None
