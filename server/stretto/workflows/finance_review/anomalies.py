"""What is unusual: amounts far above those of their category, and transactions that are there twice."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.finance_review.ledger import Entry, Ledger
from stretto.workflows.finance_review.money import total

ENTRIES_MIN: Final = 5
"""Out of fewer, nobody can tell what is usual."""
SCORE_MAX: Final = Decimal("3.5")
ANOMALIES_MAX: Final = 100
_DEVIATIONS: Final = Decimal("1.4826")
_MEAN_DEVIATIONS: Final = Decimal("1.253314")
"""What makes a median, or a mean, of absolute deviations comparable to a standard deviation."""


class Kind(StrEnum):
    """Why something is unusual, as the contract names it."""

    UNUSUAL_AMOUNT = "ANOMALY_KIND_UNUSUAL_AMOUNT"
    DUPLICATE = "ANOMALY_KIND_DUPLICATE"


class Anomaly(BaseModel):
    """A transaction that is unusual, and why."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    date: str
    description: str
    amount: Decimal
    category: str
    explanation: str


def anomalies_of(ledger: Ledger, month: str) -> tuple[Anomaly, ...]:
    """What is unusual in a month, the duplicates first; what is usual, all months say."""
    return (*duplicates(ledger.of(month)), *unusual_amounts(ledger, month))[:ANOMALIES_MAX]


def duplicates(entries: Sequence[Entry]) -> list[Anomaly]:
    """Spending that is there a second time, or a third: the same day, description and amount."""
    seen: Counter[tuple[object, ...]] = Counter()
    found = []
    for entry in entries:
        key = (entry.date, entry.description.casefold().strip(), entry.amount)
        seen[key] += 1
        if seen[key] > 1 and entry.amount > 0:
            found.append(
                _anomaly(
                    entry, Kind.DUPLICATE, "It is there more than once on this day, so it may have been paid twice."
                )
            )
    return found


def unusual_amounts(ledger: Ledger, month: str) -> list[Anomaly]:
    """Spending with a robust z-score above the bound, the highest first in its category."""
    found = []
    for category in sorted({entry.category for entry in ledger.of(month)}):
        amounts = [entry.amount for entry in ledger.entries if entry.category == category and entry.amount > 0]
        center, scale = spread(amounts)
        entries = sorted(
            (entry for entry in ledger.of(month) if entry.category == category), key=lambda entry: -entry.amount
        )
        found += [
            _anomaly(entry, Kind.UNUSUAL_AMOUNT, f"Its category usually has about {center:.2f}.")
            for entry in entries
            if len(amounts) >= ENTRIES_MIN and scale and (entry.amount - center) / scale > SCORE_MAX
        ]
    return found


def spread(amounts: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """Middle and robust deviation of amounts. Where more than half are equal, the mean deviation must do."""
    if not amounts:
        return Decimal(0), Decimal(0)
    center = Decimal(median(amounts))
    away = [abs(amount - center) for amount in amounts]
    return center, Decimal(median(away)) * _DEVIATIONS or total(away) / len(away) * _MEAN_DEVIATIONS


def _anomaly(entry: Entry, kind: Kind, explanation: str) -> Anomaly:
    return Anomaly(
        kind=kind,
        date=entry.date.isoformat(),
        description=entry.description,
        amount=entry.amount,
        category=entry.category,
        explanation=explanation,
    )
