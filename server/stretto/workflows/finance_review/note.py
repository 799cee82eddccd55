"""The note to the person: what a chat model is asked for, and the template that stands in for it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from stretto.workflows.finance_review.savings import Saving
from stretto.workflows.finance_review.totals import CategoryTotal

LINES_MAX: Final = 10
"""Categories and savings that a model gets to see: the large ones are what a note is about."""

SYSTEM: Final = (
    "You are a matter-of-fact personal finance assistant. Write a short, friendly note of at most 120 words about the "
    "month that is described. Use only the figures that are given, exactly as they are; give no investment advice."
)


def template(month: str, currency: str, spent: Decimal, totals: Sequence[CategoryTotal], saved: Decimal) -> str:
    """A note without a model."""
    largest = [f"{each.category} ({each.spent} {currency})" for each in totals[:3] if each.spent > 0]
    most = f" Most of it went to {', '.join(largest)}." if largest else ""
    over = [f"{each.category} by {each.over} {currency}" for each in totals if each.over]
    broken = f" Over budget: {', '.join(over)}." if over else ""
    less = f" The agreed limits save {saved} {currency} a month." if saved else " There is nothing to change."
    return f"In {month} you spent {spent} {currency}.{most}{broken}{less}"


def prompt(
    month: str, currency: str, spent: Decimal, totals: Sequence[CategoryTotal], savings: Sequence[Saving]
) -> str:
    """What a chat model gets to know of the month: sums, and not a word of the transactions."""
    sums = "\n".join(f"- {each.category}: {each.spent} ({each.trend.name.lower()})" for each in totals[:LINES_MAX])
    less = "\n".join(f"- {each.category}: {each.amount}. {each.explanation}" for each in savings[:LINES_MAX])
    return (
        f"Month: {month}. All amounts are in {currency}. Spent: {spent}.\n"
        f"By category:\n{sums or '- nothing'}\nAgreed savings:\n{less or '- none'}"
    )
