"""The port: a chat model that writes text, or fills in a pydantic model."""

from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

import structlog
from pydantic import BaseModel

from stretto.models._answers import Check, WrongAnswer, asked_again, asked_for, checked
from stretto.models._breaker import UNHEALTHY
from stretto.models._faults import fault_of
from stretto.models._guard import Guard
from stretto.models.errors import ModelUnavailable, Reason

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

S = TypeVar("S", bound=BaseModel)
Message = tuple[Literal["user", "assistant"], str]
"""Who said what earlier in the conversation."""
_Messages = list[tuple[str, str]]

_ANSWER_CHARS_MAX = 100_000
"""Longest answer that is read: a model that finds no end must not fill the memory."""

_log = structlog.get_logger(__name__)


class ChatModel:
    """A chat model with guards: whatever is wrong with it comes out as `ModelUnavailable`, and in time."""

    def __init__(self, model: "BaseChatModel", guard: Guard, *, says_why_it_ends: bool) -> None:
        self._model = model
        self._guard = guard
        self._says_why_it_ends = says_why_it_ends

    async def write(
        self, system: str, prompt: str, *, history: Sequence[Message] = (), seconds_max: float | None = None
    ) -> str:
        """Text for a person. Inside of a LangGraph node it is streamed to whoever watches.

        An answer that breaks off is not asked for again, because its beginning has been seen. `seconds_max` is for
        callers that have less patience than the settings.
        """
        messages: _Messages = [("system", system), *history, ("user", prompt)]
        say = partial(self._say, messages, tags=())
        retried = UNHEALTHY - {Reason.CUT_OFF}
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
        history: Sequence[Message] = (),
        check: Check[S] | None = None,
        seconds_max: float | None = None,
    ) -> S:
        """A filled-in `shape` that `check` finds nothing wrong with. Nobody watches it being written.

        A wrong answer is shown to the model once, with what is wrong, in the time that is left of the call.
        """
        messages: _Messages = [("system", f"{system}\n\n{asked_for(shape)}"), *history, ("user", prompt)]
        try:
            return await self._structured(messages, shape, check, self._guard.deadline(seconds_max))
        except ModelUnavailable as fault:
            raise _logged(fault) from None

    async def _structured(self, messages: _Messages, shape: type[S], check: Check[S] | None, deadline: float) -> S:
        text = await self._say_quietly(messages, deadline)
        try:
            return checked(text, shape, check)
        except WrongAnswer as wrong:
            repair = [*messages, ("assistant", text), ("user", asked_again(wrong))]
        text = await self._say_quietly(repair, deadline)
        try:
            return checked(text, shape, check)
        except WrongAnswer as wrong:
            raise ModelUnavailable(Reason.BAD_ANSWER, f"a structured answer was wrong twice, {wrong}") from None

    async def _say_quietly(self, messages: _Messages, deadline: float) -> str:
        from langgraph.constants import TAG_NOSTREAM  # noqa: PLC0415 - of the extra `model`

        say = partial(self._say, messages, tags=(TAG_NOSTREAM,))
        return await self._guard.run(say, deadline=deadline, retried=UNHEALTHY)

    async def _say(self, messages: _Messages, *, tags: Sequence[str]) -> str:
        """One attempt at an answer."""
        text, ended = "", not self._says_why_it_ends
        try:
            async with aclosing(self._model.astream(messages, {"tags": list(tags)})) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    text += chunk.text
                    ended = ended or "finish_reason" in chunk.response_metadata
                    if len(text) > _ANSWER_CHARS_MAX:
                        break
        except Exception as error:  # noqa: BLE001 - the edge to a provider's library, whose errors are of any kind
            fault = fault_of(error, spoke=bool(text))
        else:
            return _whole(text, ended=ended)
        # Outside of the handler, so that a log of the fault never shows the provider's error, which quotes keys.
        raise fault


def _whole(text: str, *, ended: bool) -> str:
    if len(text) > _ANSWER_CHARS_MAX:
        raise ModelUnavailable(Reason.BAD_ANSWER, f"the answer has more than {_ANSWER_CHARS_MAX} characters")
    if not ended:
        raise ModelUnavailable(Reason.CUT_OFF, "the stream ended without an end of the answer")
    if not text.strip():
        raise ModelUnavailable(Reason.BAD_ANSWER, "the answer is empty")
    return text


def _logged(fault: ModelUnavailable) -> ModelUnavailable:
    _log.warning("model_unavailable", reason=fault.reason.value, detail=fault.detail)
    return fault
