"""One connection to Redis, for one thread. A command is never given up halfway: a connection that failed is closed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import ormsgpack
from redis import exceptions
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, ConnectionPool, parse_url
from redis.retry import Retry

from stretto.server.domain.errors import Misconfigured, StoreUnavailable
from stretto.server.store.redis._scripts import script

CONNECT_SECONDS_MAX = 5
ANSWER_SECONDS_MAX = 15
"""After this a connection counts as dead; `?socket_timeout=` in the URL says otherwise."""

_NO_ANSWER = (exceptions.ConnectionError, exceptions.TimeoutError, OSError)
_REFUSED = (exceptions.ResponseError, exceptions.BusyLoadingError, exceptions.AuthenticationError)
"""Answers all the same, though redis-py counts some of them among the failures of a connection."""

Argument = str | bytes | int


@dataclass(frozen=True, slots=True)
class Packed:
    """Words of a command, in Redis's protocol."""

    count: int
    text: bytes


def pack(words: Sequence[Argument]) -> Packed:
    """Put words into Redis's protocol: redis-py takes three times as long for it, which was half of a commit's work."""
    parts: list[bytes] = []
    for word in words:
        text = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(text), text))
    return Packed(len(words), b"".join(parts))


class NotReached(StoreUnavailable):
    """Redis cannot be reached; nothing was sent."""


class Unanswered(StoreUnavailable):
    """Redis did not answer, so nobody knows whether it did what it was asked for."""


@dataclass(frozen=True, slots=True)
class Call:
    """A script to run over the keys with a prefix."""

    name: str
    prefix: str
    arguments: Sequence[Argument] = ()
    further: Sequence[Packed] = ()


class Link:
    """A connection that is made when it is needed, and again after it failed."""

    def __init__(self, url: str, patience_seconds: float = math.inf) -> None:
        """It counts as dead when Redis takes longer than it has patience."""
        self._url = url
        self._patience_seconds = patience_seconds
        self._connection: AbstractConnection | None = None

    def connect(self) -> None:
        """Connect now, or raise NotReached."""
        if self._connection is not None:
            return
        connection = _connection(self._url, self._patience_seconds)
        try:
            connection.connect()
        except (exceptions.RedisError, OSError) as error:
            connection.disconnect()
            raise NotReached(f"Redis at {shown(self._url)} cannot be reached: {reason(error)}.") from error
        self._connection = connection

    def close(self) -> None:
        """Close the connection, in whatever state it is."""
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None

    def _drop_if_ended(self) -> None:
        """What is sent on a connection that Redis has ended is never answered; it is better not to have sent it."""
        if self._connection is None:
            return
        try:
            is_ended = self._connection.can_read(0)
        except _NO_ANSWER:
            is_ended = True
        if is_ended:
            self.close()

    def command(self, *arguments: Argument) -> Any:
        """Run a plain command."""
        return _value(self.commands([[pack(arguments)]])[0])

    def commands(self, wanted: Sequence[Sequence[Packed]]) -> list[Any]:
        """Send several commands at once; their answers, errors of Redis among them."""
        self._drop_if_ended()
        self.connect()
        connection = self._connection
        assert connection is not None
        try:
            connection.send_packed_command([_command(parts) for parts in wanted])
            return [_answer(connection) for _ in wanted]
        except _NO_ANSWER as error:
            self.close()
            raise Unanswered from error

    def calls(self, wanted: Sequence[Call]) -> list[Any]:
        """Run several scripts; their answers, errors of Redis among them."""
        answers = self.commands([_sent(call) for call in wanted])
        missing = [place for place, answer in enumerate(answers) if isinstance(answer, exceptions.NoScriptError)]
        if missing:
            # Whatever Redis has forgotten it has not run either.
            names = {wanted[place].name for place in missing}
            for answer in self.commands([[pack(("SCRIPT", "LOAD", script(name).text))] for name in names]):
                _value(answer)
            again = self.commands([_sent(wanted[place]) for place in missing])
            for place, answer in zip(missing, again, strict=True):
                answers[place] = answer
        return answers

    def ask(self, name: str, prefix: str, *arguments: Argument) -> Any:
        """Run one script that answers in MessagePack."""
        return ormsgpack.unpackb(_value(self.calls([Call(name, prefix, arguments)])[0]))

    def ask_all(self, wanted: Sequence[Call]) -> list[Any]:
        """Run several of them in one round trip."""
        return [ormsgpack.unpackb(_value(answer)) for answer in self.calls(wanted)] if wanted else []


def is_not_ready(error: object) -> bool:
    """Whether Redis refused a command before it looked at it, as one does that starts, or is no primary just now."""
    words = ("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "BUSY", "NOAUTH", "TRYAGAIN")
    return isinstance(error, exceptions.RedisError) and (
        isinstance(error, exceptions.BusyLoadingError | exceptions.ReadOnlyError | exceptions.ClusterDownError)
        or str(error).startswith(words)
    )


def check_url(url: str) -> None:
    """Refuse a URL that names no Redis, before anything is tried."""
    try:
        parse_url(url)
        is_named = bool(urlsplit(url).hostname)
    except ValueError as error:
        raise Misconfigured(f"The store {shown(url)} is no URL of a Redis: {error}.") from None
    if not is_named:
        raise Misconfigured(f"The store {shown(url)} names no host; write redis://HOST:PORT/0.")


def shown(url: str) -> str:
    """A URL without its password and its options."""
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{where}{parts.path}"


def reason(error: BaseException) -> str:
    """What is wrong, in words that tell no secrets."""
    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthenticationWrongNumberOfArgsError):
        return "it wants another user or password"
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return "it does not answer"
    text = str(error).rstrip(".")
    return "it wants a password" if text.startswith(("NOAUTH", "WRONGPASS")) else text


def _connection(url: str, patience_seconds: float) -> AbstractConnection:
    pool: ConnectionPool = ConnectionPool.from_url(
        url,
        protocol=2,
        decode_responses=False,
        socket_connect_timeout=CONNECT_SECONDS_MAX,
        socket_timeout=ANSWER_SECONDS_MAX,
        # Whoever sends decides about repetitions: only it knows what may be done twice.
        retry=Retry(NoBackoff(), 0),
    )
    for name in ("socket_connect_timeout", "socket_timeout"):
        # What the URL says counts before what is said above.
        pool.connection_kwargs[name] = min(pool.connection_kwargs[name], patience_seconds)
    return cast("AbstractConnection", pool.make_connection())


def _sent(call: Call) -> list[Packed]:
    return [pack(("EVALSHA", script(call.name).digest, 1, call.prefix, *call.arguments)), *call.further]


def _command(parts: Sequence[Packed]) -> bytes:
    return b"".join((b"*%d\r\n" % sum(part.count for part in parts), *(part.text for part in parts)))


def _answer(connection: AbstractConnection) -> Any:
    try:
        return connection.read_response()
    except _REFUSED as error:
        return error


def _value(answer: Any) -> Any:
    if isinstance(answer, exceptions.RedisError):
        raise StoreUnavailable(f"Redis refuses: {reason(answer)}.") from answer
    return answer
