"""One branch: a source is asked, in time or not, and whatever comes of it becomes an outcome."""

import asyncio
import inspect
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from langgraph.errors import GraphBubbleUp
from langgraph.types import RetryPolicy
from pydantic import TypeAdapter, ValidationError

from stretto.workflows._threads import Threads
from stretto.workflows.fan_out._outcome import Failure, FailureReason, Outcome
from stretto.workflows.fan_out._rounds import Round, Rounds, execution, round_of
from stretto.workflows.fan_out._source import Source
from stretto.workflows.fan_out._state import Turn, key_of
from stretto.workflows.fan_out._telling import Teller, telling

MESSAGE_CHARACTERS_MAX: Final = 500
JITTER_SECONDS_MAX: Final = 1.0
"""LangGraph adds up to so much to a pause that has a jitter."""

_log = logging.getLogger(__name__)


class _Failed(Exception):
    """The branch has no answer."""

    def __init__(self, reason: FailureReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class _Asking:
    """One attempt at a branch."""

    query: Any
    item: Any
    label: str
    key: str
    round: Round
    round_id: str
    attempt: int
    teller: Teller


class Branch:
    """The node of one source."""

    def __init__(
        self,
        source: Source,
        rounds: Rounds,
        share: tuple[float, float] | None,
        detail: Callable[[Any], Mapping[str, Any]] | None,
    ) -> None:
        self._source = source
        self._rounds = rounds
        self._share = share
        self._detail = detail
        self._threads = Threads(source.threads_max)
        self._shape = TypeAdapter(source.returns) if source.returns is not None else None

    async def run(self, state: Turn) -> dict[str, Any]:
        """Ask; what comes of it is written to the state. Raises for LangGraph to try again."""
        asking = self._asking(state)
        asking.round.enter(asking.key)
        try:
            return self._succeeded(asking, await self._in_turn(asking))
        except _Failed as failed:
            return self._failed(asking, failed)
        except (GraphBubbleUp, asyncio.CancelledError):
            # It breaks off. If it is taken up again, with a person's answer perhaps, its time begins anew.
            self._rounds.forget(asking.round_id)
            raise
        finally:
            asking.teller.close()

    def _asking(self, turn: Turn) -> _Asking:
        info = execution()
        around = self._rounds.of(round_of(info))
        key = key_of(self._source.name, turn["label"])

        def share(part: float) -> float | None:
            return self._share_of(around.share(key, part, turn["branches"]))

        return _Asking(
            query=turn["query"],
            item=turn["item"],
            label=turn["label"],
            key=key,
            round=around,
            round_id=round_of(info),
            attempt=info.node_attempt,
            teller=Teller(self._source.name, turn["label"], share, self._fields(self._detail, turn["query"])),
        )

    def _share_of(self, part: float | None) -> float | None:
        """Which fraction of the whole workflow a part of the branches is."""
        if part is None or self._share is None:
            return None
        first, last = self._share
        return first + (last - first) * part

    async def _in_turn(self, asking: _Asking) -> Any:
        """Ask when it is this branch's turn."""
        turns = asking.round.turns(self._source.name, self._source.concurrency_max)
        try:
            async with asyncio.timeout_at(_on_loop(asking.round.ends_at)):
                await turns.acquire()
        except TimeoutError:
            raise _Failed(FailureReason.TOTAL_TIMEOUT, "there was no time left for it") from None
        try:
            ends_at = asking.round.start(asking.key) + self._source.seconds_max
            return await self._in_time(asking, ends_at)
        finally:
            turns.release()

    async def _in_time(self, asking: _Asking, ends_at: float) -> Any:
        """Ask, and take no answer that comes too late."""
        total = asking.round.ends_at < ends_at
        ends_at = min(ends_at, asking.round.ends_at)
        if asking.attempt == 1:
            asking.teller.started(ends_at - time.monotonic())
        try:
            async with asyncio.timeout_at(_on_loop(ends_at)) as timeout:
                value = self._checked(await self._answer(asking))
        except (GraphBubbleUp, _Failed):
            raise
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            # The edge to code of users: whatever is wrong with a source is its own failure and nobody else's.
            if _is_cancelled(error):
                raise
            if timeout.expired():
                raise self._late(total=total) from None
            if self._tries_again(error, asking.attempt, ends_at):
                raise
            _log.info("source %s failed", self._source.name, exc_info=error)
            raise _Failed(FailureReason.ERROR, _told(error)) from error
        if time.monotonic() > ends_at:  # Whoever ignores a cancellation, or blocks the loop, comes here.
            raise self._late(total=total)
        return value

    async def _answer(self, asking: _Asking) -> Any:
        ask = self._source.ask
        arguments = (asking.query,) if self._source.items is None else (asking.query, asking.item)
        with telling(asking.teller):
            answer = ask(*arguments) if _is_async(ask) else await self._threads.call(ask, *arguments)
            # A lambda around a coroutine function is a plain function.
            return await answer if inspect.isawaitable(answer) else answer

    def _checked(self, value: Any) -> Any:
        if self._shape is None:
            return value
        try:
            return self._shape.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            told = f"its answer has the wrong type: {f'{where}: ' if where else ''}{first['msg']}"
            raise _Failed(FailureReason.WRONG_TYPE, told[:MESSAGE_CHARACTERS_MAX]) from None

    def _late(self, *, total: bool) -> _Failed:
        if total:
            return _Failed(FailureReason.TOTAL_TIMEOUT, "the time of all sources together was over")
        return _Failed(FailureReason.TIMEOUT, f"no answer within {self._source.seconds_max:g} s")

    def _tries_again(self, error: BaseException, attempt: int, ends_at: float) -> bool:
        """Whether LangGraph tries again by its policy, and the pause before that is not longer than the time left."""
        policy = self._source.retry
        if policy is None or attempt >= policy.max_attempts or not _retried(policy, error):
            return False
        pause = min(policy.max_interval, policy.initial_interval * policy.backoff_factor ** (attempt - 1))
        return time.monotonic() + pause + (JITTER_SECONDS_MAX if policy.jitter else 0.0) < ends_at

    def _succeeded(self, asking: _Asking, value: Any) -> dict[str, Any]:
        seconds = asking.round.end(asking.key)
        asking.teller.succeeded(seconds, asking.attempt, self._fields(self._source.partial, value))
        return {"results": {asking.key: value}, **self._outcomes(asking, seconds, succeeded=True)}

    def _fields(self, of: Callable[[Any], Mapping[str, Any]] | None, value: Any) -> Mapping[str, Any]:
        """What is told beside `branch`."""
        try:
            return {} if of is None else dict(of(value))
        except Exception:  # noqa: BLE001 - The edge to code of users: an answer is not lost because telling of it failed.
            _log.warning("source %s cannot be told of", self._source.name, exc_info=True)
            return {}

    def _failed(self, asking: _Asking, failed: _Failed) -> dict[str, Any]:
        seconds = asking.round.end(asking.key)
        failure = Failure(source=self._source.name, item=asking.label, reason=failed.reason, message=failed.message)
        asking.teller.failed(failure, seconds, asking.attempt)
        return {"errors": {asking.key: failure}, **self._outcomes(asking, seconds, succeeded=False)}

    def _outcomes(self, asking: _Asking, seconds: float, *, succeeded: bool) -> dict[str, dict[str, Outcome]]:
        outcome = Outcome(
            source=self._source.name,
            item=asking.label,
            succeeded=succeeded,
            seconds=seconds,
            attempts=asking.attempt,
            round_id=asking.round_id,
        )
        return {"outcomes": {asking.key: outcome}}


def _is_cancelled(error: BaseException) -> bool:
    """Whether somebody cancels the run; a source may raise a CancelledError of its own."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _on_loop(moment: float) -> float:
    """A moment of the monotonic clock on the clock of the loop."""
    return asyncio.get_running_loop().time() + moment - time.monotonic()


def _is_async(function: Callable[..., Any]) -> bool:
    while isinstance(function, partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - an object may have an async one


def _retried(policy: RetryPolicy, error: BaseException) -> bool:
    """Whether a policy is meant for an error; LangGraph tries again after an Exception only."""
    if not isinstance(error, Exception):
        return False
    wanted = policy.retry_on
    if isinstance(wanted, type):
        return isinstance(error, wanted)
    if callable(wanted):
        return bool(wanted(error))
    return isinstance(error, tuple(wanted))


def _told(error: BaseException) -> str:
    """An error of a source in words: Python's own ones say little without their names."""
    text, name = " ".join(str(error).split()), type(error).__name__
    told = f"{name}: {text}" if text and type(error).__module__ == "builtins" else text or name
    return told[:MESSAGE_CHARACTERS_MAX]
