"""Proposals: what could be saved in a month, and the limits that follow from that."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.finance_review.anomalies import Anomaly, Kind
from stretto.workflows.finance_review.categories import DISCRETIONARY
from stretto.workflows.finance_review.money import ZERO, rounded, total
from stretto.workflows.finance_review.totals import CategoryTotal, Trend

LESS_PERCENT: Final = 10
"""What is asked of spending that could be less, where neither a budget nor a month before says more."""


class Saving(BaseModel):
    """Something to save."""

    model_config = ConfigDict(frozen=True)

    category: str
    amount: Decimal
    explanation: str


def savings_of(totals: Sequence[CategoryTotal], anomalies: Sequence[Anomaly]) -> tuple[Saving, ...]:
    """All proposals, the largest first. None counts money twice: what was paid twice is asked back before all else."""
    found = []
    for each in totals:
        twice = total(a.amount for a in anomalies if a.kind is Kind.DUPLICATE and a.category == each.category)
        back = min(twice, max(each.spent, ZERO))
        if back:
            explanation = "Ask for what may have been paid twice."
            found.append(Saving(category=each.category, amount=back, explanation=explanation))
        found += list(_less(each, each.spent - back))
    return tuple(sorted(found, key=lambda saving: (-saving.amount, saving.category)))


def limits_of(
    totals: Sequence[CategoryTotal], savings: Sequence[Saving], budget: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """Limits for the coming month: the budget, and for what shall be less what is then left of it."""
    saved = {each.category: total(s.amount for s in savings if s.category == each.category) for each in totals}
    left = {each.category: each.spent - saved[each.category] for each in totals if saved[each.category]}
    return {**left, **budget}


def _less(each: CategoryTotal, spent: Decimal) -> Iterator[Saving]:
    """At most one proposal to spend less in a category; what it has spent is without what was paid twice."""
    if each.limit is not None:
        if spent > each.limit:
            told = f"Keep to the budget of {each.limit}."
            yield Saving(category=each.category, amount=spent - each.limit, explanation=told)
    elif each.category in DISCRETIONARY and spent > ZERO:
        before = each.spent - (each.change or ZERO)
        if each.trend is Trend.RISING and ZERO < before < spent:
            told = f"Go back to the {before} of the month before."
            yield Saving(category=each.category, amount=spent - before, explanation=told)
        elif amount := rounded(spent * LESS_PERCENT / 100):
            told = f"Spend {LESS_PERCENT} percent less."
            yield Saving(category=each.category, amount=amount, explanation=told)
