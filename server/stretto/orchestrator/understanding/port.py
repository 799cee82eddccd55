"""The port: what the orchestrator asks of whoever understands messages."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from stretto.orchestrator.brief import Brief
from stretto.orchestrator.plan import Plan

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Insight(Generic[T]):
    """What was understood, and by whom: `offline`, `model`, or `fallback` with the reason why no model did it."""

    value: T
    source: str
    note: str = ""


class Understanding(Protocol):
    """Reads messages and answers questions. It never fails: where a model does not help, it falls back."""

    async def triage(self, brief: Brief) -> Insight[Plan]:
        """What to do with the message. Names only types, interrupts and workflows that the brief has."""
        ...

    async def answer(self, brief: Brief) -> Insight[str]:
        """The answer to the message, out of the brief and nothing else, in the words of the conversation."""
        ...
