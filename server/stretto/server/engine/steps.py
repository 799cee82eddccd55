"""The steps of one run: their attempts, progress and outcomes, as events of the journal."""

import re
import socket
import time
from dataclasses import dataclass, replace
from typing import Any

from langgraph.errors import GraphBubbleUp, ParentCommand
from langgraph.pregel._retry import _should_retry_on
from langgraph.types import Command

from stretto.server.domain.clock import SECOND, Clock, Micros
from stretto.server.domain.codec import Codec
from stretto.server.domain.errors import ContractViolation
from stretto.server.domain.event import (
    Event,
    Happening,
    StepCompleted,
    StepFailed,
    StepProgress,
    StepRetrying,
    StepStarted,
    TokenDelta,
)
from stretto.server.domain.payload import STRUCT, JsonValue, Payload
from stretto.server.domain.workflow import Failure, Reason, Step, Workflow
from stretto.server.engine._plain import to_plain
from stretto.server.engine.buffer import RunBuffer
from stretto.server.engine.registration import RegisteredGraph

MESSAGE_CHARACTERS_MAX = 2_048
"""Longer messages of exceptions and progress are cut."""

MESSAGE_READ_MAX = 4 * MESSAGE_CHARACTERS_MAX
"""Characters of an exception's message that are looked at: some of them are left out."""

UPDATE_CHARACTERS_MAX = 65_536
"""Larger updates are left out of the journal; the checkpoint has them."""

UNDELIVERED_EVENTS_MAX = 10_000
"""While more events than these wait for their commit, a step's progress is joined to the one it told before."""

LOOK_BACK_MAX = 64
"""How far back the one before is looked for."""

_ERROR = "__error__"


@dataclass(slots=True)
class _Attempt:
    """A step that is under way in this run."""

    step: Step
    began: float
    output: JsonValue = None
    finished: Micros = -1

    def duration(self) -> Micros:
        return int((time.monotonic() - self.began) * SECOND)


class Steps:
    """Listens to the observer and to the checkpointer, and tells the journal."""

    def __init__(
        self, workflow: Workflow, registered: RegisteredGraph, buffer: RunBuffer, codec: Codec, clock: Clock
    ) -> None:
        self._registered = registered
        self._buffer = buffer
        self._codec = codec
        self._clock = clock
        self._attempts = {step.step_id: step.attempt for step in workflow.steps}
        self._tries: dict[str, int] = {}
        self._open: dict[str, _Attempt] = {}
        self._failed: list[tuple[BaseException, Failure]] = []

    async def step_started(self, namespace: str) -> None:
        """Make the start of an attempt durable; a cancel or another owner keeps it waiting for ever.

        A step that only reads does not wait: nothing has to know of it if this process dies.
        """
        path, step_id = _parse(namespace)
        attempt = self._attempts.get(step_id, 0) + 1
        self._attempts[step_id] = attempt
        self._tries[step_id] = self._tries.get(step_id, 0) + 1
        now = self._clock.now()
        step = Step(step_id, path, attempt, now)
        opened = self._open[step_id] = _Attempt(step, time.monotonic())
        self._buffer.steps[step_id] = step
        self._buffer.add(Event(now, StepStarted(), path, step_id, attempt))
        declaration = self._registered.declaration
        if path in declaration.ending_steps:
            self._buffer.hold()
        if path in declaration.reading_steps:
            return
        self._buffer.starts = True
        await self._buffer.flush()
        opened.began = time.monotonic()

    def step_finished(self, namespace: str, output: Any) -> None:
        """Keep an outcome until the checkpointer has recorded it."""
        attempt = self._open.get(_parse(namespace)[1])
        if attempt is not None:
            attempt.finished = attempt.duration()
            attempt.output = _update_of(output)

    def step_failed(self, namespace: str, error: BaseException) -> None:
        """Tell of a failed attempt, unless it is one of LangGraph's signals or a cancellation."""
        path, step_id = _parse(namespace)
        attempt = self._open.get(step_id)
        if attempt is None:
            return
        if isinstance(error, ParentCommand):
            attempt.finished = attempt.duration()
        if isinstance(error, GraphBubbleUp) or not isinstance(error, Exception):
            return
        failure = failure_of(error, attempt.step)
        pause = self._pause_before_retry(path, error, self._tries[step_id])
        if pause is None:
            self._failed.append((error, failure))
            self._close(step_id)
            self._tell(attempt.step, StepFailed(failure, attempt.duration()))
        else:
            self._buffer.trouble = failure
            self._tell(attempt.step, StepRetrying(failure, self._clock.now() + pause))

    def step_cut_off(self, namespace: str) -> None:
        """Forget an attempt that was given up with the step around it; it has no outcome."""
        self._close(_parse(namespace)[1])

    def recorded(self, task_id: str, channels: set[str]) -> bool:
        """Tell that a step completed, now that its writes are part of the next commit. Says whether it has."""
        if _ERROR in channels:
            return False
        attempt = self._open.get(task_id)
        if attempt is not None:
            self._complete_nested(attempt.step.step)
            self._close(task_id)
            finished = attempt.finished if attempt.finished >= 0 else attempt.duration()
            self._tell(attempt.step, StepCompleted(finished, attempt.output))
            self._buffer.progressed = True
        return True

    def progressed(self, namespace: str, chunk: JsonValue) -> None:
        """Tell of a chunk that a node gave to the stream writer.

        Each chunk is an event of its own unless a node tells faster than the store can take it: while more than
        UNDELIVERED_EVENTS_MAX events wait, a chunk takes the place of the attempt's last one, if nothing but progress
        came in between. What the newer one leaves out stays as it was.
        """
        attempt = self._open.get(_parse(namespace)[1])
        if attempt is None:
            return
        fraction, message, detail = self._read_chunk(chunk)
        if fraction is not None or message:
            attempt.step = replace(
                attempt.step,
                fraction=attempt.step.fraction if fraction is None else fraction,
                message=message or attempt.step.message,
            )
            self._buffer.steps[attempt.step.step_id] = attempt.step
        self._buffer.fraction = self._buffer.fraction if fraction is None else fraction
        self._buffer.headline = message or self._buffer.headline
        progress = StepProgress(fraction, message, detail)
        if not self._join(attempt.step, progress):
            self._tell(attempt.step, progress)

    def token(self, namespace: str, message_id: str, text: str) -> None:
        """Tell of text that a model streamed."""
        path, step_id = _parse(namespace)
        step = Step(step_id, path, self._attempts.get(step_id, 0), 0)
        self._tell(step, TokenDelta(message_id, text))

    def place_of(self, task_id: str) -> tuple[str, int]:
        """Path and attempt of a step that is under way."""
        attempt = self._open.get(task_id)
        return (attempt.step.step, attempt.step.attempt) if attempt else ("", 0)

    def failure_of(self, error: Exception) -> Failure:
        """What the graph failed with: told by the innermost step that raised it."""
        return next((failure for raised, failure in self._failed if raised is error), failure_of(error))

    def abandon(self) -> None:
        """Forget the steps that a stop cut off; they have no outcome."""
        self._open.clear()

    def _tell(self, step: Step, what: Happening) -> None:
        self._buffer.add(Event(self._clock.now(), what, step.step, step.step_id, step.attempt))

    def _join(self, step: Step, newer: StepProgress) -> bool:
        """Join progress to what the attempt told last, when too many events wait; says whether it could be."""
        events = self._buffer.events
        if len(events) <= UNDELIVERED_EVENTS_MAX:
            return False
        for index in range(len(events) - 1, len(events) - 1 - LOOK_BACK_MAX, -1):
            event = events[index]
            if not isinstance(event.what, StepProgress):
                return False
            if (event.step_id, event.attempt) == (step.step_id, step.attempt):
                events[index] = replace(event, what=_joined(event.what, newer))
                return True
        return False

    def _close(self, step_id: str) -> None:
        self._open.pop(step_id, None)
        self._buffer.steps.pop(step_id, None)

    def _complete_nested(self, path: str) -> None:
        """Complete the steps of a subgraph that keeps no checkpoints, at the latest when its own node does."""
        for step_id, attempt in list(self._open.items()):
            if attempt.finished >= 0 and attempt.step.step.startswith(path + "/"):
                self._close(step_id)
                self._tell(attempt.step, StepCompleted(attempt.finished, attempt.output))

    def _pause_before_retry(self, path: str, error: Exception, tries: int) -> Micros | None:
        """How long LangGraph waits before it tries again; None when it does not. Its jitter comes on top.

        It counts the tries of this run; our attempts go on over crashes and waits.
        """
        for policy in self._registered.retry_policies.get(path, ()):
            if _should_retry_on(policy, error):
                if tries >= policy.max_attempts:
                    return None
                interval = policy.initial_interval * policy.backoff_factor ** (tries - 1)
                return int(min(policy.max_interval, interval) * SECOND)
        return None

    def _read_chunk(self, chunk: JsonValue) -> tuple[float | None, str, Payload | None]:
        """Fraction, message and detail of a chunk: a text is a message, a dict may name all three."""
        if isinstance(chunk, str):
            return None, _told(chunk), None
        if not isinstance(chunk, dict):
            return None, "", self._detail(chunk)
        rest = dict(chunk)
        fraction, message = rest.get("fraction"), rest.get("message")
        share: float | None = None
        if isinstance(fraction, int | float) and not isinstance(fraction, bool) and 0 <= fraction <= 1:
            share = float(rest.pop("fraction") or 0)  # type: ignore[arg-type]
        text = _told(str(rest.pop("message"))) if isinstance(message, str) else ""
        detail = rest.pop("detail") if set(rest) == {"detail"} else rest
        return share, text, self._detail(detail) if detail else None

    def _detail(self, value: JsonValue) -> Payload:
        """A progress detail in the contract's type, or as a Struct when it does not fit: progress fails nothing."""
        try:
            return self._codec.encode(self._registered.info.contract.progress_type, value)
        except ContractViolation:
            return self._codec.encode(STRUCT, value)


def _joined(older: StepProgress, newer: StepProgress) -> StepProgress:
    return StepProgress(
        older.fraction if newer.fraction is None else newer.fraction,
        newer.message or older.message,
        newer.detail or older.detail,
    )


def failure_of(error: BaseException, step: Step | None = None, reason: Reason = Reason.STEP_FAILED) -> Failure:
    """An exception as a failure, without what names this machine; broken rules of a contract go along."""
    violations = error.violations if isinstance(error, ContractViolation) else ()
    failure = Failure(
        reason,
        _told(_without_host(_text_of(error)[:MESSAGE_READ_MAX])),
        type(error).__name__,
        violations=tuple(
            replace(violation, field=_told(violation.field), description=_told(_without_host(violation.description)))
            for violation in violations
        ),
    )
    if step is None:
        return failure
    return replace(failure, step=step.step, step_id=step.step_id, attempt=step.attempt)


def _text_of(error: BaseException) -> str:
    """What an exception says; nothing when even that fails."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - user code: its own `__str__` must not hide that it failed.
        return ""


def _told(text: str) -> str:
    """Text as the journal and the rows can hold it: not too long, and without halves of surrogate pairs."""
    return text[:MESSAGE_CHARACTERS_MAX].encode("utf-8", "replace").decode()


_HOST = socket.gethostname()
_PART = r"[\w.@+-]+"
# A path begins a text, or follows on a blank, a quote, a colon …, or on the scheme of a URL that names no host.
_BEGIN = r"(?:\b[a-z][a-z0-9+.-]{0,20}:///?(?=/)|(?<![\w/.]))"
_HOME = re.compile(rf"{_BEGIN}/(?:home|Users)/{_PART}", re.IGNORECASE)
_PATH = re.compile(rf"{_BEGIN}…?/(?:{_PART}/)+(?={_PART})")


def _without_host(text: str) -> str:
    """Text without home directories, the folders of paths and this machine's name; URLs of hosts stay."""
    text = _PATH.sub("…/", _HOME.sub("…", text))
    return text.replace(_HOST, "…") if _HOST else text


def _parse(namespace: str) -> tuple[str, str]:
    """Path and id of a step out of LangGraph's namespace: `outer:id|1|inner:id` is `outer/inner` and the last id."""
    parts = [part.partition(":") for part in namespace.split("|") if not part.isdigit()]
    return "/".join(name for name, _, _ in parts), parts[-1][2]


def _update_of(output: Any) -> JsonValue:
    """What a node wrote, where it can be shown."""
    if isinstance(output, Command):
        output = output.update
    plain = to_plain(output)
    if isinstance(plain, str) and len(plain) <= UPDATE_CHARACTERS_MAX:
        return plain
    return plain if len(repr(plain)) <= UPDATE_CHARACTERS_MAX else None


__all__ = ["Steps", "failure_of"]
