"""The rules that find a transaction's category by the words of its description."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

INCOME: Final = "income"
UNCATEGORIZED: Final = "uncategorized"
DISCRETIONARY: Final = ("dining", "shopping", "subscriptions", "leisure", "travel")
"""Where somebody can spend less without a new flat or a new job."""

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    INCOME: ("salary", "payroll", "wage", "wages", "pension", "dividend", "bonus", "income", "paycheck"),
    "housing": ("rent", "mortgage", "landlord", "property tax", "home repair", "furniture rental"),
    "utilities": (
        "electricity",
        "power bill",
        "water bill",
        "heating",
        "internet",
        "broadband",
        "phone",
        "mobile plan",
    ),
    "insurance": ("insurance", "premium", "insurer"),
    "subscriptions": ("netflix", "spotify", "subscription", "streaming", "membership", "patreon", "cloud storage"),
    "groceries": (
        "grocery",
        "groceries",
        "supermarket",
        "market",
        "bakery",
        "butcher",
        "aldi",
        "lidl",
        "tesco",
        "migros",
    ),
    "dining": (
        "restaurant",
        "cafe",
        "coffee",
        "pizza",
        "pizzeria",
        "bar",
        "takeaway",
        "burger",
        "sushi",
        "lunch",
        "dinner",
    ),
    "transport": (
        "fuel",
        "petrol",
        "gas station",
        "taxi",
        "uber",
        "train",
        "bus",
        "metro",
        "tram",
        "parking",
        "car wash",
    ),
    "health": ("pharmacy", "doctor", "dentist", "hospital", "physio", "optician", "gym"),
    "travel": ("hotel", "flight", "airline", "airbnb", "hostel", "holiday", "vacation"),
    "education": ("course", "tuition", "school", "university", "book", "books", "training"),
    "leisure": ("cinema", "concert", "theatre", "theater", "museum", "game", "games", "ticket", "tickets", "sport"),
    "shopping": (
        "clothes",
        "clothing",
        "shoes",
        "amazon",
        "electronics",
        "furniture",
        "ikea",
        "department store",
        "shop",
    ),
    "fees": ("fee", "fees", "charge", "interest", "commission", "fine"),
}
"""By category, what stands in its descriptions. The earlier category wins: `rent` of a car is rare, `bar` is not."""

_PATTERNS: Final = {
    category: re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE)
    for category, words in WORDS.items()
}


def category_of(description: str, amount: Decimal) -> str:
    """The category of a transaction. Money that came in for no known reason is income."""
    found = next((category for category, pattern in _PATTERNS.items() if pattern.search(description)), None)
    if found is not None:
        return found
    return INCOME if amount < 0 else UNCATEGORIZED
