"""How fast messages are answered, on an idle server and while fifty workflows run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, cycle

from benchmarks._bench import APP, SHIPPED, Bench
from benchmarks._client import Client, latencies, start_request
from benchmarks._stats import Figure, at_most, median, percentile
from benchmarks._turn import Turns
from stretto.session.v1.session_event_pb2 import SESSION_EVENT_KIND_NOTICE
from stretto.session.v1.session_pb2 import TURN_KIND_ANSWER, TURN_KIND_LAUNCH, Message
from stretto.workflow.v1.workflow_service_pb2 import CancelWorkflowRequest

SESSIONS, RUNNING_IN_EACH = 10, 5
REQUEST = "Make me a workout plan to get stronger, three days a week"
QUESTION = "How is everything going?"
BOUND_ECHOES = 3
"""A durable message, a durable launch and the reply may take as long as so many echoes, besides the turn itself."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What was measured under one load, in milliseconds: medians of rounds, and all replies."""

    rounds: dict[str, list[float]] = field(default_factory=dict)
    replies: dict[str, list[float]] = field(default_factory=dict)
    ages: list[float] = field(default_factory=list)

    def take(self, name: str, took: list[float]) -> None:
        """One round of one kind of call."""
        self.rounds.setdefault(name, []).append(percentile(took, 0.5))
        self.replies.setdefault(name, []).extend(took)


async def measure(bench: Bench) -> list[Figure]:
    """Launches and questions, in turns with an echo and with the same turns on the bare graph."""
    async with (
        bench.echo() as echo,
        bench.stretto(apps=(APP, SHIPPED)) as stretto,
        Client(echo.address) as bare,
        Client(stretto.address) as client,
    ):
        talk = _Talk(bench, bare, client)
        idle, busy = Samples(), Samples()
        await talk.warm_up()
        for _ in range(bench.rounds):
            async with talk.running(sessions=1, in_each=1) as sessions:
                await talk.round(sessions, Turns(running=1), idle)
            async with talk.running(sessions=SESSIONS, in_each=RUNNING_IN_EACH) as sessions:
                await talk.round(sessions, Turns(running=RUNNING_IN_EACH), busy)
    return [*_figures(idle, "idle"), *_figures(busy, f"{SESSIONS * RUNNING_IN_EACH}_running")]


class _Talk:
    """Users of one server."""

    def __init__(self, bench: Bench, bare: Client, client: Client) -> None:
        self._samples = bench.scaled(100)
        self._bare = bare
        self._client = client
        self._ids = (f"ses_{number}" for number in count())

    async def warm_up(self) -> None:
        """What the first turn of a process loads is no cost of each."""
        for _ in range(5):
            await self._launch()

    @asynccontextmanager
    async def running(self, sessions: int, in_each: int) -> AsyncIterator[list[str]]:
        """Sessions with workflows that run for all of the round."""
        made = [next(self._ids) for _ in range(sessions)]
        started = [await self._client.start("ticker", session_id) for session_id in made for _ in range(in_each)]
        await asyncio.sleep(1)
        yield made
        for workflow_id in started:
            await self._client.stub.CancelWorkflow(CancelWorkflowRequest(workflow_id=workflow_id))
        await asyncio.sleep(0.5)

    async def round(self, sessions: list[str], turns: Turns, samples: Samples) -> None:
        """Each kind of call, one after the other."""
        asked = cycle(sessions)

        async def question() -> None:
            reply = _checked(await self._client.say(next(asked), QUESTION), TURN_KIND_ANSWER)
            samples.ages.extend(reading.age_ms for reading in reply.reply.context)

        samples.take("echo", await self._many(lambda: self._bare.echo(start_request("ticker"))))
        samples.take("launch_bare", await self._many(lambda: turns.take(REQUEST)))
        samples.take("answer_bare", await self._many(lambda: turns.take(QUESTION)))
        samples.take("launch", [(await self._launch()) for _ in range(self._samples)])
        samples.take("answer", await self._many(question))

    async def _many(self, call: Callable[[], Awaitable[object]]) -> list[float]:
        return await latencies(call, 1, self._samples)

    async def _launch(self) -> float:
        """The first message of a session; then wait until what it launched is at rest."""
        session_id = next(self._ids)

        async def launch() -> None:
            _checked(await self._client.say(session_id, REQUEST), TURN_KIND_LAUNCH)

        [took] = await latencies(launch, 1, 1)
        async for _ in self._client.watch_session(session_id, kinds=[SESSION_EVENT_KIND_NOTICE]):
            break
        return took


def _checked(reply: Message, kind: int) -> Message:
    if reply.reply.kind != kind:
        raise RuntimeError(f"not understood: {reply}")
    return reply


def _figures(samples: Samples, load: str) -> list[Figure]:
    echo = median(samples.rounds["echo"])
    figures = [Figure(f"reply_echo_p50_{load}", echo, "ms")]
    for name in ("launch", "answer"):
        turn, took = median(samples.rounds[f"{name}_bare"]), median(samples.rounds[name])
        bound = BOUND_ECHOES * echo + turn
        figures += [
            Figure(f"reply_{name}_bare_turn_p50_{load}", turn, "ms"),
            Figure(f"reply_{name}_p50_{load}", took, "ms", at_most(round(bound, 2))),
            Figure(f"reply_{name}_over_bound_{load}", took / bound, "x", at_most(1)),
            Figure(f"reply_{name}_p99_{load}", percentile(samples.replies[name], 0.99), "ms", at_most(100)),
        ]
    return [*figures, Figure(f"reply_context_age_p99_{load}", percentile(samples.ages, 0.99), "ms", at_most(50))]
