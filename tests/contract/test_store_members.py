"""What every store keeps for processes that share it: members and their leases, who owns what, what waits."""

import asyncio
import time
from functools import partial

import pytest

from stretto.server.domain import transitions
from stretto.server.domain.errors import MemberNotFound
from stretto.server.domain.member import MemberKind, Owned
from stretto.server.domain.session import TURN
from stretto.server.domain.workflow import Status
from stretto.server.store import Store
from tests.contract.making import LONG, PROJECT, a_member, accepted

SHORT = 1
SILENCE = 100_000


async def start(store: Store, workflow_id: str, owner: str | None = None, **fields) -> None:
    await store.create(accepted(workflow_id, **fields))
    if owner is not None:
        await store.update(PROJECT, workflow_id, lambda row, _: transitions.claim(row, 2_000, owner))


async def test_members_are_as_they_told_last(store: Store) -> None:
    assert await store.members() == ()
    server = a_member("server_1", kind=MemberKind.SERVER, address="host:1", types=())
    await store.renew(a_member(running=1))
    await store.renew(server)
    await store.renew(a_member(running=4))
    found = await store.members()
    assert [presence.member for presence in found] == [server, a_member(running=4)]
    assert all(0 <= presence.silent_for < LONG and presence.is_alive for presence in found)


async def test_a_lease_ends_with_silence(store: Store) -> None:
    await store.renew(a_member(lease=SHORT))
    while (await store.members())[0].is_alive:
        await asyncio.sleep(0.001)
    await store.renew(a_member())
    assert (await store.members())[0].is_alive


async def test_who_leaves_is_no_member(store: Store) -> None:
    await store.renew(a_member())
    await store.leave("worker_1")
    await store.leave("worker_1")
    assert await store.members() == ()


async def test_members_are_forgotten_after_a_long_silence(store: Store) -> None:
    took = SILENCE
    while took >= SILENCE:  # On a machine that was busy for so long, the one that is here was silent too.
        await store.renew(a_member("gone"))
        while (await store.members())[0].silent_for < SILENCE:
            await asyncio.sleep(0.001)
        assert await store.forget_members(LONG) == 0
        before = time.monotonic_ns()
        await store.renew(a_member("here"))
        forgotten = await store.forget_members(SILENCE)
        took = (time.monotonic_ns() - before) // 1_000
    assert forgotten == 1
    assert [presence.member.member_id for presence in await store.members()] == ["here"]


async def test_word_to_drain_reaches_the_member_it_is_for(store: Store) -> None:
    assert not await store.renew(a_member("one"))
    assert not await store.renew(a_member("two"))
    asked = await store.ask_to_drain("one")
    assert asked.member.member_id == "one"
    assert asked.member.draining
    assert await store.renew(a_member("one"))
    assert await store.renew(a_member("one"))
    assert not await store.renew(a_member("two"))
    with pytest.raises(MemberNotFound):
        await store.ask_to_drain("three")


async def test_a_claim_names_the_owner_and_every_end_of_it_takes_the_name_away(store: Store) -> None:
    await start(store, "wf_1", "worker_1")
    claimed = await store.get(PROJECT, "wf_1")
    assert (claimed.owner, claimed.epoch) == ("worker_1", 1)
    await store.update(PROJECT, "wf_1", lambda row, _: transitions.release(row, 1, 3_000, "worker_1"))
    released = await store.get(PROJECT, "wf_1")
    assert (released.status, released.owner) == (Status.QUEUED, "")


async def test_owned_are_the_running_workflows_of_a_member_in_all_projects(store: Store) -> None:
    await start(store, "wf_1", "worker_1")
    await start(store, "wf_2", "worker_2")
    await start(store, "wf_3")
    await start(store, "wf_4", "worker_1")
    await store.create(accepted("wf_5", project="blue"))
    await store.update("blue", "wf_5", lambda row, _: transitions.claim(row, 2_000, "worker_1"))
    await store.update(PROJECT, "wf_4", lambda row, _: transitions.cancel(row, "enough", 3_000))
    assert set(await store.owned("worker_1")) == {
        Owned(PROJECT, "wf_1", 1, cancel_requested=False),
        Owned(PROJECT, "wf_4", 1, cancel_requested=True),
        Owned("blue", "wf_5", 1, cancel_requested=False),
    }
    assert await store.owned("worker_3") == ()


async def test_adrift_is_what_no_living_member_owns(store: Store) -> None:
    for number, owner in enumerate(["here", "silent", "unknown", ""], start=1):
        await start(store, f"wf_{number}", owner)
    await start(store, "wf_5")
    await store.renew(a_member("here"))
    await store.renew(a_member("silent", lease=SHORT))
    while any(presence.is_alive for presence in (await store.members())[1:]):
        await asyncio.sleep(0.001)
    assert {owned.workflow_id for owned in await store.adrift(10)} == {"wf_2", "wf_3", "wf_4"}
    assert len(await store.adrift(2)) == 2
    await store.renew(a_member("silent"))
    assert {owned.workflow_id for owned in await store.adrift(10)} == {"wf_3", "wf_4"}
    await store.leave("here")
    assert {owned.workflow_id for owned in await store.adrift(10)} == {"wf_1", "wf_3", "wf_4"}


async def test_queued_workflows_come_in_pages_by_project_and_age(store: Store) -> None:
    for number in range(5):
        await start(store, f"wf_{number}", created_at=2_000 - number, updated_at=1_000 + number)
    await start(store, "wf_run", "worker_1")
    await store.create(accepted("wf_b", project="blue", type_version="2", deadline=9))
    first = await store.queued(3)
    assert [one.workflow_id for one in first] == ["wf_b", "wf_4", "wf_3"]
    assert (first[0].type_version, first[0].epoch, first[0].deadline) == ("2", 0, 9)
    last = first[-1]
    rest = await store.queued(10, (last.project, last.created_at, last.workflow_id))
    assert [one.workflow_id for one in rest] == ["wf_2", "wf_1", "wf_0"]
    assert [one.workflow_id for one in await store.queued(10, updated_before=1_002)] == ["wf_b", "wf_1", "wf_0"]


async def test_queued_workflows_and_turns_are_counted_apart_up_to_a_limit(store: Store) -> None:
    for number in range(4):
        await start(store, f"wf_{number}")
    await start(store, "turn_1", workflow_type=TURN)
    await start(store, "wf_run", "worker_1")
    assert await store.queued_counts(10) == (4, 1)
    assert await store.queued_counts(3) == (3, 1)


async def test_overdue_is_what_has_not_ended_though_its_deadline_has_come(store: Store) -> None:
    await start(store, "wf_late", deadline=5_000)
    await start(store, "wf_runs_late", "worker_1", deadline=4_000)
    await start(store, "wf_in_time", deadline=5_001)
    await start(store, "wf_no_deadline")
    await start(store, "wf_over", deadline=4_000)
    await store.update(PROJECT, "wf_over", lambda row, _: transitions.expire(row, 4_500))
    assert {one.workflow_id for one in await store.overdue(5_000, 10)} == {"wf_late", "wf_runs_late"}
    assert len(await store.overdue(5_000, 1)) == 1


async def test_positions_tell_how_far_journals_are(store: Store) -> None:
    await start(store, "wf_1", session_id="s1")
    await start(store, "wf_2", "worker_1")
    await store.update(PROJECT, "wf_2", partial(_cancel_and_abandon))
    found = await store.positions([(PROJECT, "wf_1"), (PROJECT, "wf_2"), (PROJECT, "wf_3"), ("blue", "wf_1")])
    assert {(one.name, one.last_sequence, one.ended, one.session_id) for one in found} == {
        ("wf_1", 1, False, "s1"),
        ("wf_2", 4, True, ""),
    }
    (session,) = await store.session_positions([(PROJECT, "s1"), (PROJECT, "s2")])
    assert (session.name, session.last_sequence, session.ended) == ("s1", 1, False)


async def test_positions_leave_out_what_was_deleted_with_its_session(store: Store) -> None:
    await start(store, "wf_1", session_id="s1")
    await store.update(PROJECT, "wf_1", lambda row, _: transitions.cancel(row, "enough", 3_000))
    await store.delete_session(PROJECT, "s1", 4_000)
    assert await store.positions([(PROJECT, "wf_1")]) == ()
    assert all(one.ended for one in await store.session_positions([(PROJECT, "s1")]))


def _cancel_and_abandon(row, _):
    (asked,) = transitions.cancel(row, "enough", 3_000)
    (ended,) = transitions.abandon(asked.workflow, 1, 3_000, "worker_1")
    return (asked, ended)
