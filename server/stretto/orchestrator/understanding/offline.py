"""The way of understanding that needs no model and no network: words, schemas and examples, in a millisecond."""

from stretto.orchestrator.brief import Brief, KnownType
from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding._offline.answering import answer
from stretto.orchestrator.understanding._offline.ranking import Index
from stretto.orchestrator.understanding._offline.triage import triage
from stretto.orchestrator.understanding.port import Insight

__all__ = ["Offline"]

_INDEXES_MAX = 8
"""Sets of types that are kept ready: those of a few versions of a catalog, not of every caller."""


class Offline:
    """Reads English messages by rules. The same brief always comes to the same plan."""

    def __init__(self) -> None:
        self._indexes: list[tuple[tuple[KnownType, ...], Index]] = []

    async def triage(self, brief: Brief) -> Insight[Plan]:
        """What to do with the message."""
        return Insight(triage(brief, self._index(brief.types)), "offline")

    async def answer(self, brief: Brief) -> Insight[str]:
        """The answer to the message."""
        return Insight(answer(brief, self._index(brief.types)), "offline")

    def _index(self, types: tuple[KnownType, ...]) -> Index:
        """The index of these types, made when they are seen for the first time."""
        for known, index in self._indexes:
            if known is types or known == types:
                return index
        index = Index(types)
        self._indexes = [(types, index), *self._indexes[: _INDEXES_MAX - 1]]
        return index
