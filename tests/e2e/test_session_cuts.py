"""What the watch of a session survives: cuts of every sort, and kills of the server, under ten workflows that talk."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from benchmarks._processes import Service, free_address, stretto_argv
from benchmarks.chaos.cuts import MIX, RECONNECT, SERVER_FLAGS, SILENCE_SECONDS_MAX
from benchmarks.chaos.proxy import Proxy
from stretto.client import Client, ClientSync
from stretto.session.v1 import session_service_pb2 as api
from stretto.session.v1.session_event_pb2 import SessionEvent
from stretto.session.v1.session_service_pb2_grpc import SessionServiceStub

SESSION = "ses_cut"
WORKFLOWS = 10
CUTS = 16
"""For each watcher."""
KILLS = 3
MESSAGES = 8
EVENTS_MIN = 500
SEED = 7
HANG_SECONDS = 60.0
TEST_SECONDS_MAX = 300.0
NEWS = ("MESSAGE", "NOTICE")


class Watcher:
    """Somebody who watches the session over a way of their own, and what they saw."""

    def __init__(self, name: str, proxy: Proxy, watch: Any) -> None:
        self.name = name
        self.proxy = proxy
        self.watch = watch
        self.events: list[bytes] = []
        self.cuts = 0

    async def follow(self, threads: ThreadPoolExecutor) -> None:
        if hasattr(self.watch, "__next__"):
            await asyncio.get_running_loop().run_in_executor(threads, self._follow_blocking)
        else:
            async for event in self.watch:
                self.events.append(whole(event))

    def _follow_blocking(self) -> None:
        for event in self.watch:
            self.events.append(whole(event))

    async def be_cut(self, number: int) -> None:
        """All its cuts, each while events come in."""
        dice = random.Random(f"{SEED} {number}")
        faults = [MIX[cut % len(MIX)] for cut in range(CUTS)]
        dice.shuffle(faults)
        for fault in faults:
            before = self.watch.breaks
            while self.watch.breaks == before:  # The server was down just then, or a kill came first.
                await self.progress()
                await asyncio.sleep(dice.uniform(0, 0.1))
                if await self.proxy.inflict(fault):
                    await self._notices(before)
            self.cuts += 1

    async def _notices(self, breaks: int) -> None:
        told = f"{self.name} has not noticed that it was cut"
        await until(lambda: self.watch.breaks > breaks or self.proxy.live, told)

    async def progress(self) -> None:
        """Return once events have come over a connection that is alive."""
        want = self.watch.last_sequence + 3
        await until(lambda: self.watch.last_sequence >= want and self.proxy.live, f"no events for {self.name}")

    async def close(self) -> None:
        await self.watch.aclose() if hasattr(self.watch, "aclose") else self.watch.close()


async def until(condition: Callable[[], object], told: str) -> None:
    """Return once a condition holds that threads and processes bring about."""
    async with asyncio.timeout(HANG_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)
    assert condition(), told


def whole(event: SessionEvent) -> bytes:
    return event.SerializeToString(deterministic=True)


class Place:
    """The server, killed and started again over one store."""

    def __init__(self, folder: Path) -> None:
        self.address = free_address()
        self.enough = folder / "enough"
        self._folder = folder
        self._service: Service | None = None

    async def up(self) -> None:
        argv = stretto_argv(self.address, self._folder / "stretto.db", "tests.e2e.talkers:app")
        self._service = Service([*argv, *SERVER_FLAGS], self.address, self._folder / "log")
        await self._service.ready()

    def kill(self) -> None:
        if self._service is not None:
            self._service.kill()

    async def be_killed(self, watchers: list[Watcher]) -> None:
        """Die again and again while events come in."""
        for _ in range(KILLS):
            await asyncio.gather(*(watcher.progress() for watcher in watchers))
            self.kill()
            await self.up()

    async def journal(self, last: int) -> list[SessionEvent]:
        """The whole of it by one call over one connection, without any of our client."""
        async with grpc.aio.insecure_channel(self.address) as channel:
            stream = SessionServiceStub(channel).WatchSession(api.WatchSessionRequest(session_id=SESSION))
            found: list[SessionEvent] = []
            async with asyncio.timeout(HANG_SECONDS):
                while len(found) < last:
                    response = await stream.read()
                    found += [response.event] if response.HasField("event") else []
            return found


async def talk(proxy: Proxy) -> list[str]:
    """Say some things, each once however often that must be tried."""
    async with Client(proxy.address, silence_seconds_max=SILENCE_SECONDS_MAX, options=RECONNECT) as client:
        texts = [f"How is it going? ({number})" for number in range(MESSAGES)]
        for text in texts:
            sending = asyncio.ensure_future(client.session(SESSION).send(text, timeout=HANG_SECONDS))
            await proxy.inflict(random.Random(text).choice(MIX))
            await sending
        return texts


async def test_a_session_through_cuts_and_kills_is_the_session_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("stretto.client._backoff.LONGEST_SECONDS", 0.5)  # Or most of the time is waited away.
    place = Place(tmp_path)
    async with asyncio.timeout(TEST_SECONDS_MAX), contextlib.AsyncExitStack() as stack:
        stack.callback(place.kill)
        threads = stack.enter_context(ThreadPoolExecutor(4))
        await place.up()
        direct = await stack.enter_async_context(Client(place.address))
        session = direct.session(SESSION)
        for _ in range(WORKFLOWS):
            await direct.start("talker", {"until": str(place.enough)}, session_id=SESSION)

        async def proxy() -> Proxy:
            return await stack.enter_async_context(Proxy(place.address, random.Random(SEED)))

        async def watcher(kind: Any, **chosen: Any) -> Watcher:
            way = await proxy()
            client = kind(way.address, silence_seconds_max=SILENCE_SECONDS_MAX, options=RECONNECT)
            stack.push_async_callback(client.close) if kind is Client else stack.callback(client.close)
            return Watcher(f"{kind.__name__} {chosen}", way, client.session(SESSION).watch(**chosen))

        whole_ones = [await watcher(Client), await watcher(ClientSync)]
        filtered = await watcher(Client, kinds=NEWS)
        watchers = [*whole_ones, filtered]
        following = [asyncio.ensure_future(one.follow(threads)) for one in watchers]
        speaker = await proxy()
        async with asyncio.TaskGroup() as harm:
            said = harm.create_task(talk(speaker))
            harm.create_task(place.be_killed(whole_ones))
            for number, one in enumerate(whole_ones):
                harm.create_task(one.be_cut(number))
        place.enough.touch()
        row = await session.get()
        while row.active_workflow_count:
            row = await session.get(timeout=HANG_SECONDS)
        journal = await place.journal(row.last_sequence)
        news = [whole(event) for event in journal if event.HasField("message")]
        await until(lambda: all(one.watch.last_sequence == row.last_sequence for one in whole_ones), "not all was seen")
        await until(lambda: len(filtered.events) >= len(news), "not all news were seen")
        for one in watchers:
            await one.close()
        await asyncio.gather(*following)

    assert row.last_sequence > EVENTS_MIN
    assert [event.sequence for event in journal] == list(range(1, row.last_sequence + 1))
    for one in whole_ones:
        assert one.events == [whole(event) for event in journal], one.name
        assert one.cuts == CUTS
        assert one.watch.breaks >= CUTS
    assert filtered.events == news
    check_workflows(journal)
    check_messages(journal, said.result())


def check_workflows(journal: list[SessionEvent]) -> None:
    """Each workflow's own journal is in that of the session, whole and in order, and its end was noticed once."""
    parts: dict[str, list[Any]] = {}
    for event in journal:
        if event.HasField("progress"):
            parts.setdefault(event.progress.workflow_id, []).append(event.progress)
    assert len(parts) == WORKFLOWS
    for part in parts.values():
        assert [event.sequence for event in part] == list(range(1, len(part) + 1))
        assert part[-1].HasField("completed")
    ended = [event.message.notice.workflow_id for event in journal if event.message.notice.kind]
    assert sorted(ended) == sorted(parts)


def check_messages(journal: list[SessionEvent], texts: list[str]) -> None:
    """What was said stands there once, in its order, each with one reply."""
    messages = [event.message for event in journal if event.HasField("message") and event.message.turn_id]
    asked = [message for message in messages if message.role == 1]
    assert [message.text for message in asked] == texts
    assert [message.turn_id for message in messages if message.role == 2] == [message.turn_id for message in asked]
