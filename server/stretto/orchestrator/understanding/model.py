"""The way of understanding with a chat model, and with another way to fall back on where the model does not help."""

from typing import TypeVar

from stretto.models import ChatModel, ModelUnavailable
from stretto.orchestrator.brief import Brief
from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding._plans import faults_of, only_its_kind
from stretto.orchestrator.understanding._prompts import ANSWER, TRIAGE, prompt_of
from stretto.orchestrator.understanding.port import Insight, Understanding

__all__ = ["WithModel"]

T = TypeVar("T")

_SECONDS_MAX = 15.0
"""Patience of a user who waits for a reply."""


class WithModel:
    """Asks a chat model, checks its plan against the brief, and falls back in time."""

    def __init__(self, model: ChatModel, fallback: Understanding, *, seconds_max: float = _SECONDS_MAX) -> None:
        self._model = model
        self._fallback = fallback
        # A turn asks twice at most, so with half of its time for each question it is over in time.
        self._seconds = seconds_max / 2

    async def triage(self, brief: Brief) -> Insight[Plan]:
        """What to do with the message."""
        try:
            plan = await self._model.structured(
                TRIAGE,
                prompt_of(brief, with_types=True),
                Plan,
                check=lambda plan: faults_of(plan, brief),
                seconds_max=self._seconds,
            )
        except ModelUnavailable as fault:
            return _fallen_back(await self._fallback.triage(brief), fault, "understood")
        return Insight(only_its_kind(plan), "model")

    async def answer(self, brief: Brief) -> Insight[str]:
        """The answer to the message."""
        try:
            text = await self._model.write(ANSWER, prompt_of(brief, with_types=False), seconds_max=self._seconds)
        except ModelUnavailable as fault:
            return _fallen_back(await self._fallback.answer(brief), fault, "answered")
        return Insight(text.strip(), "model")


def _fallen_back(insight: Insight[T], fault: ModelUnavailable, done: str) -> Insight[T]:
    return Insight(insight.value, "fallback", f"The language model {fault.reason.told}, so this was {done} without it.")
