"""`finance_review`: what a month's money went to, what is unusual, and what could be less, which a person decides."""

from stretto.finance.v1.finance_review_pb2 import (
    FinanceDecision,
    FinanceProgress,
    FinanceRequest,
    FinanceReview,
    Transaction,
)
from stretto.server import App
from stretto.workflows.finance_review.graph import graph

NAME = "finance_review"
EXAMPLES = (
    (
        "Review my spending: 2026-10-03 Groceries 54.20; 2026-10-05 Rent 950.00; 2026-10-09 Restaurant 38.50",
        FinanceRequest(
            transactions=[
                Transaction(date="2026-10-03", description="Groceries", amount="54.20"),
                Transaction(date="2026-10-05", description="Rent", amount="950.00"),
                Transaction(date="2026-10-09", description="Restaurant", amount="38.50"),
            ]
        ),
    ),
    (
        "Where did my money go in 2026-10? 2026-10-01 Salary -3000; 2026-10-12 Pizza 24.00; 2026-10-15 Train 61.30",
        FinanceRequest(
            month="2026-10",
            transactions=[
                Transaction(date="2026-10-01", description="Salary", amount="-3000"),
                Transaction(date="2026-10-12", description="Pizza", amount="24.00"),
                Transaction(date="2026-10-15", description="Train", amount="61.30"),
            ],
        ),
    ),
    (
        "Am I over my budget of 100 for dining? 2026-10-02 Sushi 64.00; 2026-10-20 Restaurant 71.00",
        FinanceRequest(
            budget={"dining": "100"},
            transactions=[
                Transaction(date="2026-10-02", description="Sushi", amount="64.00"),
                Transaction(date="2026-10-20", description="Restaurant", amount="71.00"),
            ],
        ),
    ),
    (
        "Help me save money on these expenses: 2026-09-04 Amazon 40.00; 2026-10-04 Amazon 95.00",
        FinanceRequest(
            transactions=[
                Transaction(date="2026-09-04", description="Amazon", amount="40.00"),
                Transaction(date="2026-10-04", description="Amazon", amount="95.00"),
            ]
        ),
    ),
    (
        "Check my bank statement for double payments: 2026-10-07 Cinema 18.00; 2026-10-07 Cinema 18.00",
        FinanceRequest(
            transactions=[
                Transaction(date="2026-10-07", description="Cinema", amount="18.00"),
                Transaction(date="2026-10-07", description="Cinema", amount="18.00"),
            ]
        ),
    ),
)


def register(app: App) -> None:
    """Tell an app about this workflow type."""
    app.workflow(
        NAME,
        graph,
        description=(
            "Reviews personal finances: sorts transactions and expenses into categories, compares the spending of "
            "months with each other and with a budget, finds unusual and double payments, and proposes savings."
        ),
        input=FinanceRequest,
        result=FinanceReview,
        progress=FinanceProgress,
        decision={"awaiting_approval": FinanceDecision},
        examples=EXAMPLES,
        to_input=lambda request: {"request": request},
        to_result=lambda state: state["result"],
    )
