"""Sums: by category with where they go, and by month."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.finance_review.categories import INCOME
from stretto.workflows.finance_review.ledger import Ledger, received_in, spent_in
from stretto.workflows.finance_review.money import ZERO, total

STEADY_PERCENT: Final = 10


class Trend(StrEnum):
    """Where spending goes, as the contract names it."""

    UNKNOWN = "TREND_UNSPECIFIED"
    RISING = "TREND_RISING"
    FALLING = "TREND_FALLING"
    STEADY = "TREND_STEADY"


class CategoryTotal(BaseModel):
    """Spending of one category in a month. Without a month before there is no change, without a budget no limit."""

    model_config = ConfigDict(frozen=True)

    category: str
    spent: Decimal
    transactions: int
    change: Decimal | None = None
    trend: Trend = Trend.UNKNOWN
    limit: Decimal | None = None
    over: Decimal | None = None


class MonthTotal(BaseModel):
    """One month in sums."""

    model_config = ConfigDict(frozen=True)

    month: str
    spent: Decimal
    received: Decimal


def month_totals(ledger: Ledger) -> tuple[MonthTotal, ...]:
    """Each month, the oldest first."""
    return tuple(
        MonthTotal(month=month, spent=spent_in(ledger.of(month)), received=received_in(ledger.of(month)))
        for month in ledger.months
    )


def category_totals(ledger: Ledger, month: str, budget: Mapping[str, Decimal]) -> tuple[CategoryTotal, ...]:
    """The month's categories, the largest first. One that only the month before had is there too, with nothing."""
    now = _amounts(ledger, month)
    earlier = [each for each in ledger.months if each < month]
    before = _amounts(ledger, earlier[-1]) if earlier else None
    names = {*now, *(before or ())}
    made = (_total(name, now.get(name, []), before, budget.get(name)) for name in names)
    return tuple(sorted(made, key=lambda each: (-each.spent, each.category)))


def trend_of(before: Decimal, now: Decimal) -> Trend:
    """Where an amount goes. From nothing, anything is a rise."""
    margin = abs(before) * STEADY_PERCENT / 100
    if now - before > margin:
        return Trend.RISING
    return Trend.FALLING if before - now > margin else Trend.STEADY


def _amounts(ledger: Ledger, month: str) -> dict[str, list[Decimal]]:
    found: dict[str, list[Decimal]] = defaultdict(list)
    for entry in ledger.of(month):
        if entry.category != INCOME:
            found[entry.category].append(entry.amount)
    return dict(found)


def _total(
    name: str, amounts: list[Decimal], before: Mapping[str, list[Decimal]] | None, limit: Decimal | None
) -> CategoryTotal:
    spent = total(amounts)
    earlier = None if before is None else total(before.get(name, ()))
    return CategoryTotal(
        category=name,
        spent=spent,
        transactions=len(amounts),
        change=None if earlier is None else spent - earlier,
        trend=Trend.UNKNOWN if earlier is None else trend_of(earlier, spent),
        limit=limit,
        over=spent - limit if limit is not None and spent - limit > ZERO else None,
    )
