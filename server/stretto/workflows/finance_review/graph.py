"""The graph of `finance_review`: categorize, sum up, look for what is unusual, propose, ask, finish."""

from decimal import Decimal
from typing import Any, Final, Literal

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from stretto.workflows._approval import Verdict, ask
from stretto.workflows._notes import RETRY, write_note
from stretto.workflows._phases import Phases, Report
from stretto.workflows._words import count
from stretto.workflows.finance_review import note
from stretto.workflows.finance_review.anomalies import anomalies_of
from stretto.workflows.finance_review.ledger import Ledger, ledger_of
from stretto.workflows.finance_review.review import Brief, Review, brief_of, changed, review_of
from stretto.workflows.finance_review.savings import savings_of
from stretto.workflows.finance_review.totals import category_totals, month_totals

PHASES: Final = Phases(
    milliseconds={
        "categorizing_transactions": 900,
        "analyzing_spending": 900,
        "finding_anomalies": 700,
        "proposing_savings": 600,
        "awaiting_approval": 0,
        "finishing": 900,
    },
    repeated=("analyzing_spending", "finding_anomalies", "proposing_savings", "awaiting_approval"),
)


class State(TypedDict, total=False):
    """What the phases hand on."""

    request: dict[str, Any]
    ledger: Ledger
    brief: Brief
    review: Review
    edits: int
    verdict: str
    reason: str
    result: dict[str, Any]


async def categorizing_transactions(state: State) -> State:
    """Find the category of each transaction by its description."""
    report = Report(PHASES, "categorizing_transactions")
    report.say(f"Sorting {count(len(state['request']['transactions']), 'transaction')} into categories")
    ledger = ledger_of(state["request"])
    names = {entry.category for entry in ledger.entries}
    await report.reach(
        1,
        f"Sorted {count(len(ledger.entries), 'transaction')} into {count(len(names), 'category')}",
        transactions=len(ledger.entries),
    )
    return {"ledger": ledger, "brief": brief_of(state["request"], ledger), "edits": 0}


async def analyzing_spending(state: State) -> State:
    """Sum up the month by category, and compare it with the month before."""
    ledger, brief = state["ledger"], state["brief"]
    report = Report(PHASES, "analyzing_spending", state["edits"])
    report.say(f"Adding up {brief.month}")
    review = review_of(ledger, brief, category_totals(ledger, brief.month, brief.budget), month_totals(ledger))
    over = sum(each.over is not None for each in review.categories)
    told = f", {count(over, 'category')} over budget" if over else ""
    await report.reach(1, f"{review.spent} {review.currency} spent in {review.month}{told}", **detail_of(state, review))
    return {"review": review}


async def finding_anomalies(state: State) -> State:
    """Look for amounts far above the usual, and for what is there twice."""
    report = Report(PHASES, "finding_anomalies", state["edits"])
    report.say("Looking for unusual transactions")
    found = anomalies_of(state["ledger"], state["brief"].month)
    review = state["review"].model_copy(update={"anomalies": found})
    told = f"Found {count(len(found), 'unusual transaction')}" if found else "Nothing unusual was found"
    await report.reach(1, told, **detail_of(state, review))
    return {"review": review}


async def proposing_savings(state: State) -> State:
    """Propose what could be less."""
    report = Report(PHASES, "proposing_savings", state["edits"])
    report.say("Looking for what could be less")
    review = state["review"]
    review = review.model_copy(update={"savings": savings_of(review.categories, review.anomalies)})
    await report.reach(1, f"{_proposed(review)}, for you to decide", **detail_of(state, review))
    return {"review": review}


async def awaiting_approval(state: State) -> State:
    """Ask whether the savings shall become limits; it waits here for as long as that takes."""
    brief, review, edits = state["brief"], state["review"], state["edits"]
    answer = ask(
        f"Shall these proposals for {brief.month} become limits for the coming month?",
        proposal_of(review),
        {"month": brief.month, "limits": {name: str(limit) for name, limit in review.limits(brief.budget).items()}},
        edits,
    )
    report = Report(PHASES, "awaiting_approval", edits)
    if answer.verdict is not Verdict.EDIT:
        report.say(f"The proposals were {'approved' if answer.verdict is Verdict.APPROVE else 'rejected'}")
        return {"verdict": answer.verdict.value, "reason": answer.reason}
    report.say(f"Changing the review: {answer.reason}")
    brief = changed(brief, answer.changes)
    return {"verdict": answer.verdict.value, "reason": answer.reason, "brief": brief, "edits": edits + 1}


async def finishing(state: State) -> State:
    """Write the note, and sum up."""
    report = Report(PHASES, "finishing", state["edits"])
    review = state["review"]
    result = found_in(review)
    if state["verdict"] == Verdict.REJECT:
        told = f"The proposals for {review.month} were rejected: {state['reason']}"
        result |= {"outcome": "OUTCOME_REJECTED", "summary": told, "reason": state["reason"]}
    else:
        report.say("Writing a note on the month")
        result |= await approved(review, state["brief"].budget)
    await report.reach(1, result["summary"], **detail_of(state, review))
    return {"result": result}


def route(state: State) -> Literal["analyzing_spending", "finishing"]:
    """Back to the sums after an edit, else on to the end."""
    return "analyzing_spending" if state["verdict"] == Verdict.EDIT else "finishing"


def found_in(review: Review) -> dict[str, Any]:
    """What was found, in the contract's words."""
    fields = {name: getattr(review, name) for name in Review.model_fields}
    return {**fields, "balance": review.received - review.spent, "savings_total": review.saved}


async def approved(review: Review, budget: dict[str, Decimal]) -> dict[str, Any]:
    """What an approval adds: limits, and a note."""
    month, currency, spent, totals = review.month, review.currency, review.spent, review.categories
    written = await write_note(
        note.SYSTEM,
        note.prompt(month, currency, spent, totals, review.savings),
        note.template(month, currency, spent, totals, review.saved),
    )
    return {
        "outcome": "OUTCOME_APPROVED",
        "summary": f"Your review of {month} is ready: {spent} {currency} spent, {review.saved} {currency} to save.",
        "limits": review.limits(budget),
        "note": written.text,
        "note_source": written.source,
        "warnings": (*review.warnings, *filter(None, [written.warning])),
    }


def proposal_of(review: Review) -> str:
    """The proposals in a few sentences, for who decides."""
    less = [f"{each.category} {each.amount} {review.currency}: {each.explanation}" for each in review.savings]
    return " ".join([f"{_proposed(review)}.", *less, *review.warnings])


def detail_of(state: State, review: Review) -> dict[str, Any]:
    """What progress says of a review so far."""
    return {
        "transactions": len(state["ledger"].entries),
        "uncategorized_percent": review.uncategorized_percent,
        "anomalies": len(review.anomalies),
        "savings": str(review.saved) if review.savings else "",
    }


def _proposed(review: Review) -> str:
    if not review.savings:
        return "No savings to propose"
    return f"{count(len(review.savings), 'proposal')} to save {review.saved} {review.currency} a month"


builder = StateGraph(State)
builder.add_node(categorizing_transactions)
builder.add_node(analyzing_spending)
builder.add_node(finding_anomalies)
builder.add_node(proposing_savings)
builder.add_node(awaiting_approval)
builder.add_node(finishing, retry_policy=RETRY)
builder.add_edge(START, "categorizing_transactions")
builder.add_edge("categorizing_transactions", "analyzing_spending")
builder.add_edge("analyzing_spending", "finding_anomalies")
builder.add_edge("finding_anomalies", "proposing_savings")
builder.add_edge("proposing_savings", "awaiting_approval")
builder.add_conditional_edges("awaiting_approval", route)
builder.add_edge("finishing", END)
graph = builder.compile()
