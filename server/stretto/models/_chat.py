"""The port: a chat model that writes text, or fills in a pydantic model."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import structlog
from pydantic import BaseModel

from stretto.models._answers import Check, WrongAnswer, asked_again, asked_for, checked
from stretto.models._breaker import UNHEALTHY
from stretto.models._faults import fault_of
from stretto.models._guard import Guard
from stretto.models._meter import Attempt, Meter, Tokens
from stretto.models.errors import ModelUnavailable, Reason

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk

S = TypeVar("S", bound=BaseModel)
Message = tuple[Literal["user", "assistant"], str]
"""Who said what earlier in the conversation."""
Seen = Callable[[str], None]
"""Is told the text so far while it is written. A further attempt, or a repair, begins from nothing."""
_Messages = list[tuple[str, str]]

_ANSWER_CHARS_MAX = 100_000
"""Longest answer that is read: a model that finds no end must not fill the memory."""
_FIELD_REFUSED = frozenset({400, 422})
"""How servers refuse a request for a field that they do not know, such as `stream_options`."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Listener:
    """What a caller wants to know of a call besides its answer."""

    meter: Meter | None
    seen: Seen | None
    tags: tuple[str, ...] = ()


class ChatModel:
    """A chat model with guards: whatever is wrong with it comes out as `ModelUnavailable`, and in time."""

    def __init__(
        self, model: "BaseChatModel", guard: Guard, *, says_why_it_ends: bool, counts_when_asked: bool = False
    ) -> None:
        self._model = model
        self._guard = guard
        self._says_why_it_ends = says_why_it_ends
        self._counts_when_asked = counts_when_asked

    async def write(
        self,
        system: str,
        prompt: str,
        *,
        history: Sequence[Message] = (),
        seconds_max: float | None = None,
        meter: Meter | None = None,
        seen: Seen | None = None,
        watched: bool = True,
    ) -> str:
        """Text for a person. Inside of a LangGraph node it is streamed to whoever watches, unless it is not `watched`.

        An answer that breaks off is not asked for again where its beginning has been watched. `seconds_max` is for
        callers that have less patience than the settings.
        """
        from langgraph.constants import TAG_NOSTREAM  # noqa: PLC0415 - of the extra `model`

        messages: _Messages = [("system", system), *history, ("user", prompt)]
        listener = _Listener(meter, seen, () if watched else (TAG_NOSTREAM,))
        say = partial(self._say, messages, listener)
        retried = UNHEALTHY - {Reason.CUT_OFF} if watched else UNHEALTHY
        try:
            return await self._guard.run(say, deadline=self._guard.deadline(seconds_max), retried=retried)
        except ModelUnavailable as fault:
            raise _logged(fault) from None

    async def structured(
        self,
        system: str,
        prompt: str,
        shape: type[S],
        *,
        form: str = "",
        history: Sequence[Message] = (),
        check: Check[S] | None = None,
        seconds_max: float | None = None,
        meter: Meter | None = None,
        seen: Seen | None = None,
    ) -> S:
        """A filled-in `shape` that `check` finds nothing wrong with. Only `seen` watches it being written.

        The model is told the shape as its JSON schema, or as a `form` in the caller's words, which may be much shorter.
        A wrong answer is shown to it once, with what is wrong, in the time that is left of the call.
        """
        from langgraph.constants import TAG_NOSTREAM  # noqa: PLC0415 - of the extra `model`

        messages: _Messages = [("system", _instructed(system, shape, form)), *history, ("user", prompt)]
        listener = _Listener(meter, seen, (TAG_NOSTREAM,))
        try:
            return await self._structured(messages, shape, check, self._guard.deadline(seconds_max), listener)
        except ModelUnavailable as fault:
            raise _logged(fault) from None

    async def _structured(
        self, messages: _Messages, shape: type[S], check: Check[S] | None, deadline: float, listener: _Listener
    ) -> S:
        text = await self._say_until(messages, deadline, listener)
        try:
            return checked(text, shape, check)
        except WrongAnswer as wrong:
            repair = [*messages, ("assistant", text), ("user", asked_again(wrong))]
        text = await self._say_until(repair, deadline, listener)
        try:
            return checked(text, shape, check)
        except WrongAnswer as wrong:
            raise ModelUnavailable(Reason.BAD_ANSWER, f"a structured answer was wrong twice, {wrong}") from None

    async def _say_until(self, messages: _Messages, deadline: float, listener: _Listener) -> str:
        say = partial(self._say, messages, listener)
        return await self._guard.run(say, deadline=deadline, retried=UNHEALTHY)

    async def _say(self, messages: _Messages, listener: _Listener) -> str:
        """One attempt at an answer."""
        attempt, ended = Attempt(messages), not self._says_why_it_ends
        try:
            async with aclosing(self._heard(messages, listener)) as chunks:
                async for chunk in chunks:
                    attempt.hear(chunk.text, chunk.usage_metadata)
                    ended = ended or "finish_reason" in chunk.response_metadata
                    if listener.seen and chunk.text:
                        listener.seen(attempt.text)
                    if len(attempt.text) > _ANSWER_CHARS_MAX:
                        break
        finally:
            if listener.meter:
                listener.meter.add(attempt.tokens)
        return _whole(attempt.text, ended=ended)

    async def _heard(self, messages: _Messages, listener: _Listener) -> AsyncGenerator["AIMessageChunk", None]:
        """The chunks of an answer, with counts of tokens where somebody wants them and the server can."""
        counting = listener.meter is not None and self._counts_when_asked
        more: dict[str, Any] = {"stream_usage": True} if counting else {}
        try:
            async with aclosing(self._streamed(messages, listener, more)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except ModelUnavailable as fault:
            if not (counting and fault.status in _FIELD_REFUSED):
                raise
        else:
            return
        async with aclosing(self._streamed(messages, listener, {})) as chunks:
            async for chunk in chunks:
                # It did refuse the counting, then, and is not asked for it again.
                self._counts_when_asked = False
                yield chunk

    async def _streamed(
        self, messages: _Messages, listener: _Listener, more: dict[str, Any]
    ) -> AsyncGenerator["AIMessageChunk", None]:
        """The chunks of a provider's library, whose errors become ours."""
        spoke = False
        try:
            stream = self._model.astream(messages, {"tags": list(listener.tags)}, **more)
            async with aclosing(stream) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    spoke = spoke or bool(chunk.text)
                    yield chunk
        except Exception as error:  # noqa: BLE001 - the edge to a provider's library, whose errors are of any kind
            fault = fault_of(error, spoke=spoke)
        else:
            return
        # Outside of the handler, so that a log of the fault never shows the provider's error, which quotes keys.
        raise fault


def estimated(system: str, prompt: str, answer: str, *, shape: type[BaseModel] | None = None, form: str = "") -> Tokens:
    """What a call that gives such an answer would cost, by an estimate from its texts; without a `shape` it is text."""
    attempt = Attempt([("system", _instructed(system, shape, form) if shape else system), ("user", prompt)])
    attempt.hear(answer, None)
    return attempt.tokens


def _instructed(system: str, shape: type[BaseModel], form: str) -> str:
    return f"{system}\n\n{asked_for(shape, form)}"


def _whole(text: str, *, ended: bool) -> str:
    if len(text) > _ANSWER_CHARS_MAX:
        raise ModelUnavailable(Reason.BAD_ANSWER, f"the answer has more than {_ANSWER_CHARS_MAX} characters")
    if not ended:
        raise ModelUnavailable(Reason.CUT_OFF, "the stream ended without an end of the answer")
    if not text.strip():
        raise ModelUnavailable(Reason.BAD_ANSWER, "the answer is empty")
    return _storable(text)


def _storable(text: str) -> str:
    """The text as UTF-8 has it. Streams cut characters in halves, which are joined, and models write halves alone."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _logged(fault: ModelUnavailable) -> ModelUnavailable:
    _log.warning("model_unavailable", reason=fault.reason.value, detail=fault.detail)
    return fault
