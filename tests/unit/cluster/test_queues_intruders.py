"""What others write into queues is never unpickled."""

import pickle
from pathlib import Path

from structlog.testing import capture_logs

from tests.unit.cluster.queueing import Handler, has_depth, intruder, lots_of_room, opened
from tools.services.redis import RedisService


class Bomb:
    """Runs code in whoever unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def planted(path: Path, key: str = "planted") -> dict[str, bytes]:
    """A message that runs code in a plain docket worker."""
    bomb = pickle.dumps(Bomb(path))
    return {
        "key": key.encode(),
        "when": b"2026-01-01T00:00:00+00:00",
        "function": b"take",
        "args": bomb,
        "kwargs": pickle.dumps({}),
        "attempt": b"1",
        "generation": b"1",
    }


async def test_what_others_write_into_a_queue_is_never_unpickled(redis: RedisService, tmp_path: Path) -> None:
    exploded, handled = tmp_path / "exploded", Handler()
    bomb = planted(exploded)
    async with opened(redis.url) as queues, intruder(redis) as client:
        with capture_logs() as logs:
            queues.serve("a", lots_of_room, handled)
            await client.xadd("test:a:stream", bomb)
            await client.xadd("test:a:stream", {**bomb, "args": pickle.dumps(()), "kwargs": bomb["args"]})
            await client.xadd("test:a:stream", {**bomb, "args": pickle.dumps(()), "function": b"trace"})
            await client.xadd("test:a:stream", {"something": "else"})
            await client.xadd("test:a:stream", {**bomb, "args": pickle.dumps(()), "key": b"\xff"})
            # Scheduled ones reach the stream by another way.
            await client.hset("test:a:planted", mapping=bomb)
            await client.zadd("test:a:queue", {"planted": 1})
            await client.xadd(
                "test:a:strikes",
                {"direction": "strike", "function": "take", "operator": "==", "value": bomb["args"]},
            )
            queues.put("a", "ours")

            assert await handled.key() == "ours"
            await has_depth(queues, 0)
        assert handled.keys.empty()

    assert not exploded.exists()
    assert [line["event"] for line in logs] == ["task_refused"] * 6


async def test_what_others_left_behind_in_a_queue_is_not_unpickled_either(redis: RedisService, tmp_path: Path) -> None:
    exploded, handled = tmp_path / "exploded", Handler()
    async with opened(redis.url) as queues, intruder(redis) as client:
        await client.xadd("test:a:stream", planted(exploded))
        await client.xgroup_create("test:a:stream", "docket-workers", "0-0")
        await client.xreadgroup("docket-workers", "dead", {"test:a:stream": ">"})
        queues.serve("a", lots_of_room, handled)

        await has_depth(queues, 0)

    assert not exploded.exists()
    assert handled.keys.empty()


async def test_a_planted_message_would_run_code_if_it_were_unpickled(tmp_path: Path) -> None:
    """Else the two tests above could not fail."""
    exploded = tmp_path / "exploded"

    pickle.loads(planted(exploded)["args"])

    assert exploded.exists()
