"""docket, cut down to what queues need: shared connections, no strikes, no cancels, no results, and no pickle."""

import contextlib
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Self, cast

import structlog
from docket import Docket, Worker
from docket._redis import RedisConnection
from docket.execution import Execution
from docket.strikelist import StrikeList
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError, ResponseError

from stretto.server.cluster._acknowledging import Acknowledging
from stretto.server.cluster._redis import ANSWER_SECONDS_MAX, AWAY, heeding_cancels, options
from stretto.server.cluster._sieve import REFUSED, TAKE, SievedRedis

CONNECTIONS_MAX = 16
"""For all queues of a process; whoever finds none free waits for one."""

TAKEN_AT_ONCE_MAX = 64
"""Messages that one command hands out, so that others get some too."""

POLL_SECONDS = 0.2
"""Longest that a worker waits in Redis for a task before it looks again whether it has room, or shall stop."""

FULL_POLL_SECONDS = 0.005
"""Pause before a worker that is full looks again whether it has room."""

UNDER_WAY_MAX = 1_000
"""Tasks of one queue that a process handles at the same time, however much room there is said to be."""

SCHEDULE_SECONDS = 0.25
"""How late a task that is due may come."""

CONSUMER_IDLE_MS_MAX = 3_600_000
"""Silence after which a process that holds no task is gone for good; a living one asks several times a second."""

HEARTBEAT = timedelta(minutes=1)
"""Nobody reads docket's own list of workers: members are in the store."""

PUT_BACK = object()
"""What a task gives back that was replaced by one that comes later."""

_log = structlog.get_logger("docket")


class SharedConnection(RedisConnection):
    """The connections of all queues of a process."""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._client = SievedRedis(connection_pool=self._connection_pool)
        return self

    async def _connection_pool_from_url(self, decode_responses: bool = False, protocol: int | None = None) -> Any:  # noqa: ARG002, FBT001, FBT002
        return heeding_cancels(
            BlockingConnectionPool.from_url(
                self.url,
                max_connections=CONNECTIONS_MAX,
                timeout=ANSWER_SECONDS_MAX,
                decode_responses=decode_responses,
                **options(),
            )
        )


class QueueDocket(Docket):
    """One queue. It opens nothing, since the connection is there already."""

    def __init__(self, name: str, connection: SharedConnection) -> None:
        super().__init__(name, connection.url, heartbeat_interval=HEARTBEAT, execution_ttl=timedelta(0))
        self._redis = connection
        self.tasks = {TAKE: _nothing, REFUSED: _nothing}
        # Without an address it reads none from Redis, where they would be pickled.
        self.strike_list = StrikeList()

    async def forget_consumers(self) -> None:
        """Make Redis forget processes that are long gone: each start leaves a name behind."""
        try:
            async with self.redis() as client:
                redis = cast("SievedRedis", client)
                for consumer in await redis.xinfo_consumers(self.stream_key, self.worker_group_name):
                    if consumer["pending"] == 0 and consumer["idle"] > CONSUMER_IDLE_MS_MAX:
                        await redis.xgroup_delconsumer(self.stream_key, self.worker_group_name, consumer["name"])
        except AWAY:
            return  # Nothing was ever put there, or Redis is away: the next start looks again.


class QueueWorker(Worker):
    """Takes tasks out of a queue for as long as there is room."""

    def __init__(self, docket: QueueDocket, name: str, lease_seconds: float, room: Callable[[], int]) -> None:
        self._room = room
        self._full = False
        self._handed: set[str] = set()
        self._acknowledging = Acknowledging(docket)
        super().__init__(
            docket,
            name,
            # It sweeps four times in this time, so that what a dead one had is found soon after the lease is over.
            redelivery_timeout=timedelta(seconds=lease_seconds * 0.9),
            reconnection_delay=timedelta(seconds=0.5),
            scheduling_resolution=timedelta(seconds=SCHEDULE_SECONDS),
            schedule_automatic_tasks=False,
            message_batch=TAKEN_AT_ONCE_MAX,
        )

    def handed(self, key: str) -> None:
        """Whoever says how much room there is knows of this task from now on."""
        self._handed.add(key)

    def stop(self) -> None:
        """Take no more; `run_forever` returns after the tasks under way."""
        self._worker_stopping.set()

    @property
    def concurrency(self) -> int:
        """How many tasks may be under way: as many as there are, and those that there is room for.

        A task that was taken and not yet handed over still takes up room of which `room` does not know.
        """
        self._handed &= self._tasks_by_key.keys()
        concurrency = min(len(self._handed) + self._room(), UNDER_WAY_MAX)
        self._full = concurrency <= len(self._tasks_by_key)
        return concurrency

    @concurrency.setter
    def concurrency(self, number: int) -> None:
        pass  # docket's own default.

    @property
    def minimum_check_interval(self) -> timedelta:
        """How long to wait before looking again: for a task when there is room, else for room."""
        return timedelta(seconds=FULL_POLL_SECONDS if self._full else POLL_SECONDS)

    @minimum_check_interval.setter
    def minimum_check_interval(self, interval: timedelta) -> None:
        pass  # docket's own default.

    async def __aexit__(self, *raised: Any) -> None:  # noqa: PYI036 - docket's own types.
        await super().__aexit__(*raised)
        await self._acknowledging.told()

    async def _execute(self, execution: Execution, session: object) -> None:  # noqa: ARG002 - docket's own signature.
        """Handle a task, and have it taken out of the queue; one that was cut off is delivered again.

        docket would first write down in Redis whose it is, and then how it ended, each with a message and an answer.
        Nobody reads that: whose a workflow is says the store.
        """
        execution._acked = True  # noqa: SLF001 - Else docket would say that it failed.
        try:
            outcome = await execution.function(*execution.args)
        except AWAY:
            return  # It could not be put back, and is delivered again after its lease.
        self._acknowledging.handled(execution, again=outcome is PUT_BACK)

    async def _worker_loop(self, redis: Any, forever: bool = False) -> None:  # noqa: FBT001, FBT002 - docket's own signature.
        await self._give_up_the_unheard(redis)
        await super()._worker_loop(redis, forever=forever)

    async def _give_up_the_unheard(self, redis: Any) -> None:
        """Let the next sweep find what Redis handed to this process in an answer that did not arrive.

        It would count as being handled here until its lease is over. The loop that begins now handles nothing yet.
        """
        stream, group = self.docket.stream_key, self.docket.worker_group_name
        with contextlib.suppress(ResponseError):  # Nothing was ever put there.
            pending = await redis.xpending_range(stream, group, "-", "+", UNDER_WAY_MAX, consumername=self.name)
            if messages := [one["message_id"] for one in pending]:
                idle = round(self.redelivery_timeout / timedelta(milliseconds=1))
                await redis.xclaim(stream, group, self.name, 0, messages, idle=idle, justid=True)

    async def _cancellation_listener(self) -> None:
        # Nobody cancels tasks through Redis; listening would cost a connection, and ten polls a second.
        if self._processing_session is not None:
            self._processing_session.cancellation_ready.set()


async def _nothing(*_: str) -> None:
    """What is registered where a queue is only put into, and what a refused message does."""


class _Forwarding(logging.Handler):
    """Writes what docket says to our log, except that Redis is away: that is said once, by the queues."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, RedisError):
            _log.log(record.levelno, "docket_says", said=record.getMessage(), exc_info=error)


def set_up_docket_log() -> None:
    """Take docket's log lines from now on, down to warnings: it says a line of information for each task."""
    logger = logging.getLogger("docket")
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    logger.handlers = [_Forwarding()]
