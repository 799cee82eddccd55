"""What only the store in Redis has: cuts in the middle of a script, others who write the same, and Redis's settings."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

import pytest
from redis import Redis
from redis.crc import key_slot

from stretto.server.domain import transitions
from stretto.server.domain.errors import (
    AlreadyDecided,
    Misconfigured,
    StaleEpoch,
    StoreInUse,
    StoreTooNew,
    StoreUnavailable,
)
from stretto.server.domain.session import TURN
from stretto.server.domain.workflow import Status
from stretto.server.store import Store, WorkflowFilter, open_store
from stretto.server.store.redis import _hold, _projects, _walk, _writer
from stretto.server.store.redis._keys import prefix_of
from stretto.server.store.redis._scripts import script
from tests.contract.making import (
    ENCODERS,
    HISTORY,
    NO,
    PROJECT,
    YES,
    a_member,
    accepted,
    claim,
    commit,
    decide,
    request,
    running,
    waiting,
)
from tests.services.proxy import Cut, Proxy
from tools.services.redis import RedisService, free_port, redis_service

COMMIT = script("commit").digest.encode()


@contextlib.asynccontextmanager
async def opened(url: str, *, shared: bool = False) -> AsyncIterator[Store]:
    store = open_store(url, ENCODERS, shared=shared)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def cut_off(redis: RedisService) -> AsyncIterator[tuple[Store, Proxy]]:
    async with Proxy(redis.port) as proxy, opened(f"redis://127.0.0.1:{proxy.port}/0") as store:
        yield store, proxy


async def bodies(store: Store, workflow_id: str = "wf_1") -> list[bytes]:
    """The journal without its first event; its numbers are 1, 2, 3 and so on."""
    events = await store.events(PROJECT, workflow_id, 0, 10_000)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    return [event.body for event in events[1:]]


@pytest.mark.parametrize("cut", [Cut.UNHEARD, Cut.HALF_HEARD, Cut.UNANSWERED])
async def test_a_cut_in_the_middle_of_a_commit_neither_loses_nor_doubles_it(redis, cut):
    async with cut_off(redis) as (store, proxy):
        await running(store)
        proxy.cut_at(COMMIT, cut, cut)
        committed = await store.update(PROJECT, "wf_1", commit(events=(b"one",)))
        assert committed.fresh
        assert not proxy.cuts
        await store.update(PROJECT, "wf_1", commit(events=(b"two",)))
        assert (await bodies(store))[1:] == [b"one", b"two"]


async def test_cuts_while_many_write_neither_lose_nor_double_anything(redis, monkeypatch):
    monkeypatch.setattr(_writer, "PAUSE_SECONDS_MAX", 0.001)
    async with cut_off(redis) as (store, proxy):
        for number in range(5):
            await running(store, f"wf_{number}", session_id="s1")
        heard = []
        store.on_publication(heard.extend)

        async def go_on(workflow_id: str) -> None:
            for number in range(20):
                if number % 4 == 0:
                    proxy.cut_at(COMMIT, [Cut.UNANSWERED, Cut.HALF_HEARD, Cut.UNHEARD][number // 4 % 3])
                await store.update(PROJECT, workflow_id, commit(workflow_id=workflow_id, events=(b"%d" % number,)))

        await asyncio.gather(*(go_on(f"wf_{number}") for number in range(5)))
        for number in range(5):
            assert (await bodies(store, f"wf_{number}"))[1:] == [b"%d" % count for count in range(20)]
        entries = await store.session_events(PROJECT, "s1", 0, 1_000)
        assert len(entries) == 5 * 22 == (await store.session(PROJECT, "s1")).last_sequence
        assert sum(len(publication.events) for publication in heard) == 100


async def test_a_start_whose_answer_got_lost_is_told_as_done_and_done_once(redis):
    async with cut_off(redis) as (store, proxy):
        proxy.cut_at(COMMIT, Cut.UNANSWERED)
        assert (await store.create(accepted("wf_1"), request())).fresh
        assert not (await store.create(accepted("wf_2"), request())).fresh
        assert [one.workflow_id for one in await store.list(PROJECT, WorkflowFilter(), 10)] == ["wf_1"]


async def test_what_arrives_after_later_calls_is_never_done(redis):
    async with cut_off(redis) as (store, proxy):
        await running(store)
        proxy.cut_at(COMMIT, Cut.LATE)
        await store.update(PROJECT, "wf_1", commit(events=(b"one",)))
        await store.update(PROJECT, "wf_1", commit(events=(b"two",)))
        (answer,) = await proxy.deliver()
        assert answer.startswith(b"-OVERTAKEN")
        assert (await bodies(store))[1:] == [b"one", b"two"]


async def test_what_arrives_twice_is_answered_twice_and_done_once(redis):
    async with cut_off(redis) as (store, proxy):
        await running(store)
        proxy.cut_at(COMMIT, Cut.LATE)
        await store.update(PROJECT, "wf_1", commit(events=(b"one",)))
        (answer,) = await proxy.deliver()
        assert answer == b"$1\r\n1\r\n"
        assert (await bodies(store))[1:] == [b"one"]


async def test_scripts_that_redis_has_forgotten_are_sent_again(redis):
    async with opened(redis.url) as store:
        await running(store)
        redis.ask("SCRIPT FLUSH")
        await store.update(PROJECT, "wf_1", commit(events=(b"one",)))
        redis.ask("SCRIPT FLUSH")
        assert (await store.get(PROJECT, "wf_1")).status is Status.RUNNING
        assert (await bodies(store))[1:] == [b"one"]


async def test_a_killed_redis_that_always_syncs_loses_nothing_that_was_acknowledged():
    with redis_service(appendfsync="always") as redis:
        async with opened(redis.url) as store:
            assert store.durability.name == "FULL"
            done: list[str] = []

            async def start(name: int) -> None:
                for number in range(200):
                    workflow_id = f"wf_{name}_{number}"
                    with contextlib.suppress(StoreUnavailable):
                        await store.create(accepted(workflow_id, session_id="s1"))
                        done.append(workflow_id)

            writing = [asyncio.create_task(start(name)) for name in range(4)]
            while len(done) < 100:
                await asyncio.sleep(0)
            await asyncio.to_thread(redis.restart)
            await asyncio.gather(*writing)
            found = await store.list(PROJECT, WorkflowFilter(), 1_000)
            assert set(done) <= {one.workflow_id for one in found}
            # Those whose outcome was unknown were asked for again until it was known: none is there untold.
            assert len(found) == len(done) == (await store.session(PROJECT, "s1")).workflow_count
            assert len(done) > 100


async def test_what_is_kept_only_every_second_is_told():
    with redis_service(appendfsync="everysec") as redis:
        async with opened(redis.url) as store:
            assert store.durability.name == "NORMAL"


async def test_while_redis_is_away_writes_and_reads_are_refused_and_then_go_on():
    with redis_service(appendfsync="always") as redis:
        async with opened(redis.url) as store:
            await running(store)
            await asyncio.to_thread(redis.stop)
            for refused in (store.update(PROJECT, "wf_1", commit(events=(b"lost",))), store.get(PROJECT, "wf_1")):
                with pytest.raises(StoreUnavailable):
                    await refused
            with pytest.raises(StoreUnavailable):
                await store.probe()
            await asyncio.to_thread(redis.start)
            await store.probe()
            await store.update(PROJECT, "wf_1", commit(events=(b"one",)))
            assert (await bodies(store))[1:] == [b"one"]


async def test_nobody_waits_behind_a_redis_that_hangs_but_those_whose_outcome_is_unknown(redis):
    async with opened(f"{redis.url}?socket_timeout=0.2") as store:
        await running(store)
        redis.freeze()
        try:
            written = []
            while not any(one.done() for one in written):
                rule = commit(events=(b"%d" % len(written),))
                written.append(asyncio.create_task(store.update(PROJECT, "wf_1", rule)))
                await asyncio.wait(written, timeout=0.05)
        finally:
            redis.thaw()
        told = await asyncio.gather(*written, return_exceptions=True)
        assert [type(one) for one in told if isinstance(one, Exception)][:1] == [StoreUnavailable]
        done = [b"%d" % number for number, one in enumerate(told) if not isinstance(one, Exception)]
        assert done[0] == b"0"
        assert (await bodies(store))[1:] == done


async def test_a_store_closes_though_redis_hangs_and_tells_those_who_wait(redis, monkeypatch):
    monkeypatch.setattr(_writer, "PAUSE_SECONDS_MAX", 0.001)
    store = open_store(f"{redis.url}?socket_timeout=0.1&socket_connect_timeout=0.1", ENCODERS)
    await store.open()
    await running(store)
    redis.freeze()
    try:
        waiting_for_it = asyncio.create_task(store.update(PROJECT, "wf_1", commit(events=(b"one",))))
        await asyncio.sleep(0)
        await store.close()
        with pytest.raises(StoreUnavailable):
            await waiting_for_it
    finally:
        redis.thaw()


async def test_a_full_memory_refuses_writes_and_leaves_nothing_half_written(redis):
    async with opened(redis.url) as store:
        await running(store, session_id="s1", deadline=9)
        before = await store.session_state(PROJECT, "s1", active_max=9, ended_max=9, with_checkpoints=True)
        redis.ask("CONFIG SET maxmemory 1")
        try:
            with pytest.raises(StoreUnavailable):
                await store.update(PROJECT, "wf_1", lambda row, _: transitions.expire(row, 10))
            with pytest.raises(StoreUnavailable):
                await store.create(accepted("wf_2", project="blue"))
            assert before == await store.session_state(PROJECT, "s1", active_max=9, ended_max=9, with_checkpoints=True)
            assert [one.workflow_id for one in await store.overdue(10, 9)] == ["wf_1"]
        finally:
            redis.ask("CONFIG SET maxmemory 0")
        await store.update(PROJECT, "wf_1", lambda row, _: transitions.expire(row, 10))
        assert await store.overdue(10, 9) == ()


async def test_two_stores_over_one_redis_write_as_if_they_were_one(redis):
    async with opened(redis.url, shared=True) as one, opened(redis.url, shared=True) as two:
        for number in range(4):
            await running(one, f"wf_{number}", session_id="s1")

        async def go_on(store: Store, workflow_id: str) -> None:
            for _ in range(25):
                await store.update(PROJECT, workflow_id, commit(workflow_id=workflow_id, events=(b"x",)))

        await asyncio.gather(*(go_on(store, f"wf_{number}") for store in (one, two) for number in range(4)))
        for number in range(4):
            assert len(await bodies(two, f"wf_{number}")) == 1 + 50
        entries = await one.session_events(PROJECT, "s1", 0, 1_000)
        assert [entry.sequence for entry in entries] == list(range(1, 4 * 52 + 1))


async def test_a_claim_is_won_once_over_two_stores(redis):
    async with opened(redis.url, shared=True) as one, opened(redis.url, shared=True) as two:
        for number in range(20):
            await one.create(accepted(f"wf_{number}"))
        won = await asyncio.gather(
            *(store.update(PROJECT, f"wf_{number}", claim) for number in range(20) for store in (one, two))
        )
        assert sum(committed.fresh for committed in won) == 20
        assert {committed.workflow.epoch for committed in won} == {1}


async def test_a_refusal_is_never_about_what_a_store_remembers(redis):
    async with opened(redis.url, shared=True) as one, opened(redis.url, shared=True) as two:
        await waiting(one)
        await two.update(PROJECT, "wf_1", decide("q1", YES))
        with pytest.raises(AlreadyDecided):
            await one.update(PROJECT, "wf_1", decide("q1", NO))
        await two.update(PROJECT, "wf_1", claim)
        # What `one` remembers has epoch 1, and would refuse this.
        await one.update(PROJECT, "wf_1", commit(2, events=(b"one",)))
        await two.update(PROJECT, "wf_1", lambda row, _: transitions.release(row, 2, 5_000))
        await two.update(PROJECT, "wf_1", claim)
        with pytest.raises(StaleEpoch):
            await one.update(PROJECT, "wf_1", commit(2, events=(b"two",)))


async def test_a_request_id_starts_one_workflow_over_two_stores(redis):
    async with opened(redis.url, shared=True) as one, opened(redis.url, shared=True) as two:
        told = await asyncio.gather(
            *(
                store.create(accepted(f"wf_{number}_{place}"), request(f"r{number}"))
                for number in range(20)
                for place, store in enumerate((one, two))
            )
        )
        assert sum(committed.fresh for committed in told) == 20
        assert len(await one.list(PROJECT, WorkflowFilter(), 100)) == 20


async def test_all_keys_of_a_project_are_on_one_node_of_a_cluster(redis):
    async with opened(redis.url) as store:
        for project in (PROJECT, "blue", "a}b{c"):
            fields = {"project": project, "session_id": "s1", "labels": (("a", "b"),), "deadline": 9}
            await store.create(accepted("wf_1", **fields), request())
            await store.update(project, "wf_1", claim)
            await store.save(project, "wf_1", HISTORY)
            await store.create(accepted("turn_1", **{**fields, "workflow_type": TURN}))
    with Redis.from_url(redis.url) as client:
        keys = list(client.scan_iter())
    for project in (PROJECT, "blue", "a}b{c"):
        theirs = [key for key in keys if key.startswith(prefix_of(project).encode())]
        assert len(theirs) > 25
        assert len({key_slot(key) for key in theirs}) == 1
    others = [key for key in keys if b"{" not in key]
    assert sorted(others) == [b"stretto:format", b"stretto:identity", b"stretto:projects"]


async def test_nothing_is_left_of_a_session_that_was_deleted_purged_and_forgotten(redis):
    async with opened(redis.url) as store:
        for number in range(40):
            workflow_id = f"wf_{number}"
            await running(store, workflow_id, HISTORY, session_id="s1", labels=(("a", "b"), ("c", "d")), deadline=9)
            await store.update(PROJECT, workflow_id, lambda row, _: transitions.expire(row, 10))
        await store.delete_session(PROJECT, "s1", 20)
        while await store.purge():
            pass
        assert await store.forget_sessions(21) == 1
    with Redis.from_url(redis.url) as client:
        left = {key.decode().removeprefix(prefix_of(PROJECT)) for key in client.scan_iter(f"{prefix_of(PROJECT)}*")}
    # The last calls' outcomes go by themselves, and owners are looked through by the next who asks what is adrift.
    assert {name for name in left if not name.startswith("a:")} == {"owners"}


async def test_pages_are_whole_where_a_filter_passes_over_much(redis, monkeypatch):
    monkeypatch.setattr(_walk, "EXAMINED_MAX", 3)
    monkeypatch.setattr(_walk, "ROWS_MAX", 2)
    async with opened(redis.url) as store:
        for number in range(30):
            # Many of the same age, and few that the filter wants.
            labels = (("rare", "yes"),) if number % 10 == 0 else ()
            fields = {"created_at": 1_000 + number // 15, "labels": labels, "session_id": "s1"}
            await store.create(accepted(f"wf_{number:02d}", **fields))
        where = WorkflowFilter(session_id="s1", labels=(("rare", "yes"),))
        assert [one.workflow_id for one in await store.list(PROJECT, where, 9)] == ["wf_20", "wf_10", "wf_00"]
        assert len(await store.unfinished()) == 30
        found, before = [], None
        while page := await store.list(PROJECT, WorkflowFilter(), 7, before):
            found += [one.workflow_id for one in page]
            before = (page[-1].created_at, page[-1].workflow_id)
        assert found == [f"wf_{number:02d}" for number in reversed(range(30))]


def calls_of(client: Redis) -> int:
    """How many scripts ran until now."""
    return int(client.info("commandstats")["cmdstat_evalsha"]["calls"])


async def test_many_projects_where_nothing_happens_cost_a_sweep_no_call_each(redis, monkeypatch):
    monkeypatch.setattr(_projects, "TOGETHER", 7)
    async with opened(redis.url, shared=True) as store:
        await store.renew(a_member("w"))
        for number in range(30):
            await store.create(accepted(f"wf_{number}", project=f"project_{number}", deadline=9))
            claim_it = partial(transitions.claim, at=2_000, owner="w" if number % 10 else "gone")
            await store.update(f"project_{number}", f"wf_{number}", lambda row, _, rule=claim_it: rule(row))
        assert len(await store.owned("w")) == 27
        assert [one.workflow_id for one in await store.adrift(9)] == ["wf_0", "wf_10", "wf_20"]
        assert len(await store.overdue(9, 100)) == 30
        for number in range(30):
            await store.update(f"project_{number}", f"wf_{number}", lambda row, _: transitions.expire(row, 10))
        await store.create(accepted("wf_last", project="project_29", created_at=5))
        await store.adrift(9)
        with Redis.from_url(redis.url) as client:
            before = calls_of(client)
            assert await store.queued_counts(9) == (1, 0)
            assert await store.queued(9, updated_before=5) == ()
            assert await store.owned("w") == await store.adrift(9) == ()
            assert await store.overdue(9, 100) == ()
            assert await store.purge() == 0
            # Five for 30 projects, seven at a time, six times; one for the members, and two where something is queued.
            assert calls_of(client) - before == 6 * 5 + 1 + 2
        assert [one.workflow_id for one in await store.queued(9, updated_before=1_001)] == ["wf_last"]
        assert [one.workflow_id for one in await store.unfinished()] == ["wf_last"]


async def test_what_one_process_has_for_itself_nobody_else_opens(redis, monkeypatch):
    monkeypatch.setattr(_hold, "LEASE_SECONDS", 0.5)
    monkeypatch.setattr(_hold, "_WAIT_SECONDS", 0.2)
    async with opened(redis.url):
        for shared in (False, True):
            with pytest.raises(StoreInUse, match="--redis"):
                await open_store(redis.url, ENCODERS, shared=shared).open()
    async with opened(redis.url, shared=True), opened(redis.url, shared=True):
        with pytest.raises(StoreInUse, match="--redis"):
            await open_store(redis.url, ENCODERS).open()
    async with opened(redis.url) as store:
        await store.probe()


async def test_one_who_died_is_waited_for(redis, monkeypatch):
    monkeypatch.setattr(_hold, "LEASE_SECONDS", 0.3)
    with Redis.from_url(redis.url) as client:
        seconds, micros = client.time()
        client.zadd("stretto:open", {"x:died": seconds * 1_000_000 + micros + 300_000})
    async with opened(redis.url) as store:
        await store.probe()


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_a_redis_that_may_drop_data_is_no_store(redis, policy):
    redis.ask(f"CONFIG SET maxmemory-policy {policy}")
    try:
        with pytest.raises(StoreUnavailable, match="set maxmemory-policy to noeviction"):
            await open_store(redis.url, ENCODERS).open()
    finally:
        redis.ask("CONFIG SET maxmemory-policy noeviction")


async def test_a_replica_is_no_store(redis):
    options = ("--replicaof", "127.0.0.1", str(redis.port))
    with redis_service(options=options) as replica, pytest.raises(StoreUnavailable, match="name its primary"):
        await open_store(replica.url, ENCODERS).open()


async def test_a_newer_format_is_refused(redis):
    redis.ask("SET stretto:format 2")
    with pytest.raises(StoreTooNew, match="upgrade"):
        await open_store(redis.url, ENCODERS).open()


async def test_a_wrong_password_is_told_without_it():
    with redis_service(password="right") as redis:
        for url in (redis.url.replace("right", "guessed"), redis.url.replace(":right@", "")):
            with pytest.raises(StoreUnavailable, match="password") as told:
                await open_store(url, ENCODERS).open()
            assert "guessed" not in str(told.value)
        async with opened(redis.url) as store:
            await store.probe()


async def test_a_redis_that_hangs_is_told_in_a_sentence(redis):
    redis.freeze()
    try:
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await open_store(f"{redis.url}?socket_timeout=0.2", ENCODERS).open()
    finally:
        redis.thaw()


async def test_a_redis_that_is_not_there_is_told_in_a_sentence():
    with pytest.raises(StoreUnavailable, match=r"Redis at redis://127.0.0.1:\d+/0 cannot be reached: .*refused"):
        await open_store(f"redis://:secret@127.0.0.1:{free_port()}/0", ENCODERS).open()


@pytest.mark.parametrize("url", ["redis://", "redis:///1", "redis://h:x/0", "redis://h:1/0?socket_timeout=soon"])
def test_a_url_that_names_no_redis_is_refused(url):
    with pytest.raises(Misconfigured):
        open_store(url, ENCODERS)


async def test_without_the_right_to_look_at_settings_the_weaker_promise_is_told():
    with redis_service(appendfsync="always") as redis:
        redis.ask("ACL SETUSER app on nopass ~* +@all -config")
        async with opened(redis.url.replace("redis://", "redis://app:x@")) as store:
            assert store.durability.name == "NORMAL"
            await store.probe()
