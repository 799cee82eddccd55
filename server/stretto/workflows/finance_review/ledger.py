"""The ledger: transactions with their categories, in one currency."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.finance_review.categories import INCOME, UNCATEGORIZED, category_of
from stretto.workflows.finance_review.money import money, percent, total

CURRENCY_DEFAULT: Final = "EUR"


class Entry(BaseModel):
    """One transaction. What is spent is positive; of income, `amount` is negative."""

    model_config = ConfigDict(frozen=True)

    date: dt.date
    description: str
    amount: Decimal
    category: str

    @property
    def month(self) -> str:
        """Its month, such as `2026-10`."""
        return self.date.isoformat()[:7]


class Ledger(BaseModel):
    """All entries of one currency, by day, and how many there were of others."""

    model_config = ConfigDict(frozen=True)

    currency: str
    entries: tuple[Entry, ...]
    left_out: int

    @property
    def months(self) -> tuple[str, ...]:
        """The months that have entries, the oldest first."""
        return tuple(sorted({entry.month for entry in self.entries}))

    def of(self, month: str) -> tuple[Entry, ...]:
        """The entries of one month."""
        return tuple(entry for entry in self.entries if entry.month == month)


def ledger_of(request: Mapping[str, Any]) -> Ledger:
    """The ledger of a request's transactions."""
    given = request["transactions"]
    currency = request.get("currency") or _usual_currency(given)
    kept = [each for each in given if (each.get("currency") or currency) == currency]
    entries = sorted((_entry(each) for each in kept), key=lambda entry: entry.date)
    return Ledger(currency=currency, entries=tuple(entries), left_out=len(given) - len(kept))


def spent_in(entries: Sequence[Entry]) -> Decimal:
    """What was spent, less what was paid back."""
    return total(entry.amount for entry in entries if entry.category != INCOME)


def received_in(entries: Sequence[Entry]) -> Decimal:
    """What was received."""
    return total(-entry.amount for entry in entries if entry.category == INCOME)


def uncategorized_percent(entries: Sequence[Entry]) -> int:
    """Share of the spending whose category is not known, in percent of what was spent."""
    outgoing = [entry for entry in entries if entry.amount > 0]
    unknown = total(entry.amount for entry in outgoing if entry.category == UNCATEGORIZED)
    return percent(unknown, total(entry.amount for entry in outgoing))


def _usual_currency(transactions: Sequence[Mapping[str, Any]]) -> str:
    """The currency of most transactions; of two as frequent, the first in the alphabet."""
    counted = Counter(each["currency"] for each in transactions if each.get("currency"))
    return min(counted, key=lambda currency: (-counted[currency], currency), default=CURRENCY_DEFAULT)


def _entry(transaction: Mapping[str, Any]) -> Entry:
    amount, description = money(transaction["amount"]), transaction["description"]
    category = category_of(description, amount)
    return Entry(
        date=dt.date.fromisoformat(transaction["date"]),
        description=description,
        amount=-abs(amount) if category == INCOME else amount,
        category=category,
    )
