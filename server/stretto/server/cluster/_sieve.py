"""Stands between Redis and docket, which unpickles the arguments of its tasks: who writes there could run code here.

Nothing that comes out of Redis reaches that unpickling. Tasks are called with their key alone, and each message that a
worker reads is made anew here: of what Redis holds, only the key and the generation are used.
"""

import pickle
from datetime import UTC, datetime
from typing import Any

import structlog
from redis.asyncio import Redis

TAKE = "take"
"""The one kind of task."""

REFUSED = "refused"
"""What a message becomes that is not one of ours: a task that does nothing, and so is acknowledged."""

KEY_BYTES_MAX = 1024
"""Longer than any name of a workflow."""

Fields = dict[bytes, bytes]

# Processes of another Python may write in another protocol.
_PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
_NO_ARGUMENTS = frozenset(pickle.dumps((), protocol) for protocol in _PROTOCOLS)
_NO_KEYWORDS = frozenset(pickle.dumps({}, protocol) for protocol in _PROTOCOLS)
_NOTHING = pickle.dumps({})

_log = structlog.get_logger(__name__)


class SievedRedis(Redis):
    """Redis as docket's workers see it: messages come out of its streams only after they were made anew."""

    async def xreadgroup(self, *args: Any, **kwargs: Any) -> Any:
        """New messages, each made anew."""
        answer: Any = await super().xreadgroup(*args, **kwargs)
        return [[stream, [(message_id, anew(message)) for message_id, message in rows]] for stream, rows in answer]

    async def xautoclaim(self, *args: Any, **kwargs: Any) -> Any:
        """Messages of workers that fell silent, each made anew."""
        answer: Any = await super().xautoclaim(*args, **kwargs)
        cursor, rows, *rest = answer
        return [cursor, [(message_id, anew(message)) for message_id, message in rows], *rest]


def anew(message: Fields | None) -> Fields | None:
    """A message with the same key; None for one that is gone already."""
    if not message:
        return None
    try:
        return _message(TAKE, *_read(message))
    except (KeyError, ValueError) as error:
        _log.error("task_refused", reason=repr(error), advice="Somebody else writes to this Redis: see who may.")
        return _message(REFUSED, REFUSED, 0)


def _read(message: Fields) -> tuple[str, int]:
    """The key and the generation of a task, or ValueError when it is not what `put` writes."""
    if message[b"function"] != TAKE.encode():
        raise ValueError("There is no such task.")
    if message[b"args"] not in _NO_ARGUMENTS or message[b"kwargs"] not in _NO_KEYWORDS:
        raise ValueError("Tasks have no arguments.")
    if len(message[b"key"]) > KEY_BYTES_MAX:
        raise ValueError(f"A key has at most {KEY_BYTES_MAX} bytes.")
    return message[b"key"].decode(), int(message[b"generation"])


def _message(function: str, key: str, generation: int) -> Fields:
    return {
        b"key": key.encode(),
        b"when": datetime.now(UTC).isoformat().encode(),
        b"function": function.encode(),
        b"args": pickle.dumps((key,)),
        b"kwargs": _NOTHING,
        b"attempt": b"1",
        b"generation": str(generation).encode(),
    }
