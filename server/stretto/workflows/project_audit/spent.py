"""What an audit spends on its queries, those that fail included, whose branches leave nothing in the state."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from stretto.models import Meter, Tokens

AUDITS_MAX: Final = 1_000
"""Audits whose meters are kept until they are read; those that are cancelled before that go when so many more came."""


class Spent(BaseModel):
    """Tokens of one query, or of several."""

    model_config = ConfigDict(frozen=True)

    prompt: int = 0
    answer: int = 0
    counted: bool = False
    """Whether the model's provider counted them all."""

    @classmethod
    def of(cls, tokens: "Tokens") -> "Spent":
        """What a meter says."""
        return cls(prompt=tokens.prompt, answer=tokens.answer, counted=tokens.counted)


def total(spent: Iterable[Spent]) -> Spent:
    """All of it together."""
    each = list(spent)
    return Spent(
        prompt=sum(one.prompt for one in each),
        answer=sum(one.answer for one in each),
        counted=bool(each) and all(one.counted for one in each),
    )


class Meters:
    """The meters of the audits that this process has under way; of what another one spent it knows nothing."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, dict[str, Meter]] = OrderedDict()

    def of(self, audit_id: str, query: str) -> "Meter":
        """A new meter for a query."""
        from stretto.models import Meter  # noqa: PLC0415 - only an audit that asks a model loads it

        meters = self._known.setdefault(audit_id, {})
        while len(self._known) > AUDITS_MAX:
            self._known.popitem(last=False)
        return meters.setdefault(query, Meter())

    def read(self, audit_id: str) -> dict[str, Spent]:
        """What the queries of an audit have spent. It is forgotten then."""
        return {query: Spent.of(meter.tokens) for query, meter in self._known.pop(audit_id, {}).items()}
