"""One review of a month: all that is found in a ledger, and what to be careful about."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.finance_review.anomalies import Anomaly
from stretto.workflows.finance_review.ledger import Ledger, received_in, spent_in, uncategorized_percent
from stretto.workflows.finance_review.money import money, total
from stretto.workflows.finance_review.savings import Saving, limits_of
from stretto.workflows.finance_review.totals import CategoryTotal, MonthTotal

UNCATEGORIZED_PERCENT_MAX: Final = 20
"""Above this share, the sums by category say less than they seem to."""


class Brief(BaseModel):
    """What to review: a month, and its budget."""

    model_config = ConfigDict(frozen=True)

    month: str
    budget: dict[str, Decimal]


def brief_of(request: Mapping[str, Any], ledger: Ledger) -> Brief:
    """What a request wants reviewed: the newest month, unless it says which."""
    newest = max(ledger.months or [each["date"][:7] for each in request["transactions"]])
    return Brief(month=request.get("month") or newest, budget=_limits(request.get("budget") or {}))


def changed(brief: Brief, changes: Mapping[str, Any]) -> Brief:
    """What to review after an edit."""
    limits = _limits(changes.get("limits", {}))
    return Brief(month=changes.get("month", brief.month), budget={**brief.budget, **limits})


def _limits(texts: Mapping[str, str]) -> dict[str, Decimal]:
    return {category: money(text) for category, text in sorted(texts.items())}


class Review(BaseModel):
    """What was found in a month."""

    model_config = ConfigDict(frozen=True)

    month: str
    currency: str
    spent: Decimal
    received: Decimal
    uncategorized_percent: int
    categories: tuple[CategoryTotal, ...]
    months: tuple[MonthTotal, ...]
    warnings: tuple[str, ...]
    anomalies: tuple[Anomaly, ...] = ()
    savings: tuple[Saving, ...] = ()

    @property
    def saved(self) -> Decimal:
        """The sum of the savings."""
        return total(saving.amount for saving in self.savings)

    def limits(self, budget: Mapping[str, Decimal]) -> dict[str, Decimal]:
        """Limits for the coming month, once the savings are agreed."""
        return limits_of(self.categories, self.savings, budget)


def review_of(
    ledger: Ledger, brief: Brief, categories: tuple[CategoryTotal, ...], months: tuple[MonthTotal, ...]
) -> Review:
    """The sums of a month, with warnings."""
    entries = ledger.of(brief.month)
    share = uncategorized_percent(entries)
    return Review(
        month=brief.month,
        currency=ledger.currency,
        spent=spent_in(entries),
        received=received_in(entries),
        uncategorized_percent=share,
        categories=categories,
        months=months,
        warnings=tuple(_warnings(ledger, brief, share)),
    )


def _warnings(ledger: Ledger, brief: Brief, share: int) -> list[str]:
    found = []
    if ledger.left_out:
        noun = "transaction is" if ledger.left_out == 1 else "transactions are"
        found.append(f"{ledger.left_out} {noun} left out, because the currency is not {ledger.currency}.")
    if brief.month not in ledger.months:
        found.append(f"There are no transactions in {brief.month}.")
    if share > UNCATEGORIZED_PERCENT_MAX:
        found.append(
            f"{share} percent of the spending has no known category; the sums by category say less than usual."
        )
    return found
