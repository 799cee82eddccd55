import datetime as dt
from decimal import Decimal

import protovalidate
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stretto.finance.v1.finance_review_pb2 import FinanceDecision, FinanceRequest, Transaction
from stretto.workflows.finance_review.anomalies import Kind, anomalies_of, spread
from stretto.workflows.finance_review.categories import DISCRETIONARY, INCOME, UNCATEGORIZED, WORDS, category_of
from stretto.workflows.finance_review.ledger import ledger_of, received_in, spent_in, uncategorized_percent
from stretto.workflows.finance_review.money import ZERO, money, percent, rounded, total
from stretto.workflows.finance_review.review import brief_of, changed, review_of
from stretto.workflows.finance_review.savings import limits_of, savings_of
from stretto.workflows.finance_review.totals import Trend, category_totals, month_totals, trend_of

SOME_WORDS = [words[0] for words in WORDS.values()]
TRANSACTION = st.fixed_dictionaries(
    {
        "date": st.dates(dt.date(2026, 8, 1), dt.date(2026, 10, 31)).map(dt.date.isoformat),
        "description": st.sampled_from([*SOME_WORDS, "Zzz 17", "Qux"]),
        "amount": st.integers(-10_000_00, 10_000_00).map(lambda cents: f"{Decimal(cents) / 100:.2f}"),
        "currency": st.sampled_from([None, None, "EUR"]),
    }
)
REQUEST = st.fixed_dictionaries(
    {
        "transactions": st.lists(TRANSACTION, min_size=1, max_size=40),
        "budget": st.dictionaries(st.sampled_from(sorted(set(WORDS) - {INCOME})), st.just("250.5")),
    }
)


def spent(*transactions, **fields):
    """A request with transactions as (date, description, amount)."""
    made = [{"date": date, "description": words, "amount": amount} for date, words, amount in transactions]
    return {"transactions": made, **fields}


def reviewed(request):
    ledger = ledger_of(request)
    brief = brief_of(request, ledger)
    totals = category_totals(ledger, brief.month, brief.budget)
    review = review_of(ledger, brief, totals, month_totals(ledger))
    anomalies = anomalies_of(ledger, brief.month)
    return review.model_copy(update={"anomalies": anomalies, "savings": savings_of(totals, anomalies)}), brief


@given(REQUEST)
def test_totals_add_up_exactly(request_):
    review, brief = reviewed(request_)
    ledger = ledger_of(request_)
    assert total(each.spent for each in review.categories) == review.spent
    assert sum(each.transactions for each in review.categories) == sum(
        e.category != INCOME for e in ledger.of(brief.month)
    )
    assert review.received - review.spent == -sum(entry.amount for entry in ledger.of(brief.month))
    assert total(month.spent for month in review.months) == spent_in(ledger.entries)
    assert total(month.received for month in review.months) == received_in(ledger.entries)
    assert [each.spent for each in review.categories] == sorted((e.spent for e in review.categories), reverse=True)


@given(REQUEST)
def test_nobody_is_told_to_save_more_than_was_spent(request_):
    review, brief = reviewed(request_)
    spent_by = {each.category: each.spent for each in review.categories}
    for category, spending in spent_by.items():
        saved = total(saving.amount for saving in review.savings if saving.category == category)
        assert saved == ZERO or ZERO < saved <= spending
    assert all(saving.amount > 0 for saving in review.savings)
    assert all(limit >= 0 for limit in review.limits(brief.budget).values())
    assert review.limits(brief.budget).items() >= brief.budget.items()


@given(REQUEST)
def test_the_same_transactions_give_the_same_review(request_):
    shuffled = {**request_, "transactions": list(reversed(request_["transactions"]))}
    assert reviewed(request_)[0] == reviewed(request_)[0]
    assert reviewed(shuffled)[0].categories == reviewed(request_)[0].categories


@given(st.lists(st.integers(1, 10_000).map(Decimal), min_size=1))
def test_the_spread_does_not_depend_on_the_order(amounts):
    assert spread(amounts) == spread(sorted(amounts))
    assert min(amounts) <= spread(amounts)[0] <= max(amounts)


@pytest.mark.parametrize(
    ("description", "amount", "category"),
    [
        ("REWE Supermarket 0412", "23.10", "groceries"),
        ("Monthly rent October", "950", "housing"),
        ("SALARY ACME", "-3000", INCOME),
        ("Salary", "3000", INCOME),
        ("Barber", "20", UNCATEGORIZED),
        ("Bar Centrale", "20", "dining"),
        ("Transfer from Ana", "-20", INCOME),
        ("Refund Amazon", "-20", "shopping"),
        ("Health insurance", "120", "insurance"),
    ],
)
def test_words_of_the_description_tell_the_category(description, amount, category):
    assert category_of(description, Decimal(amount)) == category


def test_every_category_of_the_contract_can_be_found():
    assert {category_of(words[0], Decimal(1)) for words in WORDS.values()} == set(WORDS)
    assert set(DISCRETIONARY) < set(WORDS)


def test_money_is_exact():
    assert money("0.1") + money("0.2") == Decimal("0.30")
    assert str(money("1200")) == "1200.00"
    assert rounded(Decimal("0.125")) == Decimal("0.13")
    assert (percent(Decimal(1), Decimal(3)), percent(Decimal(1), ZERO)) == (33, 0)


def test_other_currencies_are_left_out_and_told():
    request = spent(("2026-10-01", "Rent", "900"), ("2026-10-02", "Hotel", "80"), ("2026-10-03", "Lunch", "9"))
    request["transactions"][0]["currency"] = request["transactions"][2]["currency"] = "CHF"
    request["transactions"][1]["currency"] = "EUR"
    review, _ = reviewed(request)
    assert (review.currency, str(review.spent)) == ("CHF", "909.00")
    assert review.warnings == ("1 transaction is left out, because the currency is not CHF.",)


def test_a_review_of_a_currency_that_nothing_is_in_is_empty():
    request = spent(("2026-10-01", "Rent", "900"), currency="USD")
    request["transactions"][0]["currency"] = "EUR"
    review, _ = reviewed(request)
    assert (review.month, review.spent, review.categories) == ("2026-10", ZERO, ())
    assert len(review.warnings) == 2


def test_a_month_without_transactions_is_told():
    review, _ = reviewed(spent(("2026-10-01", "Rent", "900"), month="2026-12"))
    assert review.warnings == ("There are no transactions in 2026-12.",)
    assert [(each.category, each.spent, each.trend) for each in review.categories] == [("housing", ZERO, Trend.FALLING)]


def test_what_has_no_category_is_told_when_it_is_much():
    request = spent(("2026-10-01", "Qux", "30"), ("2026-10-02", "Rent", "70"), ("2026-10-03", "Salary", "5000"))
    assert uncategorized_percent(ledger_of(request).entries) == 30
    assert "30 percent of the spending has no known category" in reviewed(request)[0].warnings[0]


@pytest.mark.parametrize(
    ("before", "now", "trend"),
    [(100, 111, Trend.RISING), (100, 110, Trend.STEADY), (100, 90, Trend.STEADY), (100, 89, Trend.FALLING),
     (0, 1, Trend.RISING), (0, 0, Trend.STEADY)],
)  # fmt: skip
def test_a_trend_is_a_change_of_more_than_a_tenth(before, now, trend):
    assert trend_of(Decimal(before), Decimal(now)) is trend


def test_months_are_compared_by_category():
    request = spent(
        ("2026-09-02", "Restaurant", "50"), ("2026-09-03", "Train", "20"), ("2026-10-02", "Restaurant", "80.50")
    )
    totals = {each.category: each for each in reviewed(request)[0].categories}
    assert (totals["dining"].change, totals["dining"].trend) == (Decimal("30.50"), Trend.RISING)
    assert (totals["transport"].change, totals["transport"].trend) == (Decimal("-20.00"), Trend.FALLING)


def test_an_amount_far_above_the_usual_is_found():
    usual = [(f"2026-10-0{day}", "Supermarket", amount) for day, amount in enumerate(("40", "45", "50", "42", "47"), 1)]
    review, _ = reviewed(spent(*usual, ("2026-10-09", "Supermarket", "400")))
    (found,) = review.anomalies
    assert (found.kind, found.amount, found.explanation) == (
        Kind.UNUSUAL_AMOUNT, Decimal("400.00"), "Its category usually has about 46.00.",
    )  # fmt: skip
    assert reviewed(spent(*usual[:4], ("2026-10-09", "Supermarket", "60")))[0].anomalies == ()


def test_an_unusual_amount_among_equal_ones_is_found():
    same = [(f"2026-0{month}-03", "Netflix", "10") for month in range(3, 10)]
    review, _ = reviewed(spent(*same, ("2026-10-03", "Netflix", "200")))
    assert [each.kind for each in review.anomalies] == [Kind.UNUSUAL_AMOUNT]
    assert reviewed(spent(*same))[0].anomalies == ()


def test_what_is_there_twice_is_found_and_asked_back():
    review, _ = reviewed(
        spent(("2026-10-07", "Cinema", "18"), ("2026-10-07", "cinema ", "18"), ("2026-10-08", "Cinema", "18"))
    )
    assert [(each.kind, each.date) for each in review.anomalies] == [(Kind.DUPLICATE, "2026-10-07")]
    assert [(each.amount, each.explanation) for each in review.savings] == [
        (Decimal("18.00"), "Ask for what may have been paid twice."),
        (Decimal("3.60"), "Spend 10 percent less."),
    ]
    assert review.saved == Decimal("21.60")


def test_a_budget_is_kept_and_what_is_over_it_is_to_save():
    request = spent(("2026-10-02", "Sushi", "64"), ("2026-10-20", "Bus", "71"), budget={"dining": "50"})
    review, brief = reviewed(request)
    dining = next(each for each in review.categories if each.category == "dining")
    assert (dining.limit, dining.over) == (Decimal("50.00"), Decimal("14.00"))
    assert [(each.category, each.amount) for each in review.savings] == [("dining", Decimal("14.00"))]
    assert review.limits(brief.budget) == {"dining": Decimal("50.00")}


def test_discretionary_spending_that_rose_goes_back():
    review, _ = reviewed(spent(("2026-09-04", "Amazon", "40"), ("2026-10-04", "Amazon", "95")))
    assert [(each.amount, each.explanation) for each in review.savings] == [
        (Decimal("55.00"), "Go back to the 40.00 of the month before.")
    ]
    assert limits_of(review.categories, review.savings, {}) == {"shopping": Decimal("40.00")}


def test_an_edit_changes_month_and_limits():
    request = spent(("2026-09-04", "Amazon", "40"), ("2026-10-04", "Amazon", "95"), budget={"dining": "50"})
    brief = changed(brief_of(request, ledger_of(request)), {"limits": {"shopping": "60"}})
    assert (brief.month, brief.budget) == ("2026-10", {"dining": Decimal("50.00"), "shopping": Decimal("60.00")})
    assert changed(brief, {"month": "2026-09"}).month == "2026-09"


def broken_rules(message):
    return {violation.proto.rule_id for violation in protovalidate.Validator().collect_violations(message)}


def test_the_contract_takes_each_category_and_no_other():
    categories = {*WORDS, UNCATEGORIZED} - {INCOME}
    assert not broken_rules(FinanceDecision(verdict=1, limits=dict.fromkeys(categories, "1.5")))
    rent = Transaction(date="2026-10-01", description="Rent", amount="900")
    assert not broken_rules(FinanceRequest(transactions=[rent], budget=dict.fromkeys(categories, "1.5")))
    assert broken_rules(FinanceRequest(transactions=[rent], budget={INCOME: "1"})) == {"string.in"}


@given(year=st.integers(1900, 2099), month=st.integers(0, 13), day=st.integers(0, 32))
@example(2024, 2, 29)
@example(2026, 2, 29)
@example(1900, 2, 29)
@example(2000, 2, 29)
def test_the_contract_takes_days_of_the_calendar_only(year, month, day):
    try:
        dt.date(year, month, day)
        wanted = set()
    except ValueError:
        wanted = {"transaction.date"}
    date = f"{year}-{month:02}-{day:02}"
    assert broken_rules(Transaction(date=date, description="Rent", amount="-1")) == wanted


@pytest.mark.parametrize("amount", ["1,5", "1.234", "1e3", "", "EUR 5", "12345678901"])
def test_the_contract_takes_amounts_with_two_places(amount):
    assert broken_rules(Transaction(date="2026-10-01", description="Rent", amount=amount)) == {"string.pattern"}
