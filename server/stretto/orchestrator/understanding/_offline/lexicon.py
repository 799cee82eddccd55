"""English words that say how something is meant, whatever it is about. Nothing here belongs to a domain."""

from typing import Final

from stretto.orchestrator.understanding._offline.stems import stem, words

STOP: Final = frozenset(
    words("""
    a about above actually after again all also am an and another any anybody anyone anything are as at be because
    been before being below between both but by can cannot could did do does doing done down each either else every
    everything few first for from further get gets getting give given gives go goes going got had has have having he
    her here hers him his how i i'd i'll i'm i've if in into instead is it it's its itself just kindly last let let's
    like likes ll made make makes making many may maybe me mean might mine more most much must my myself need needs
    new next no nor not now of off on once one only onto or other our ours out over own per perhaps please put quite
    rather re really same say says shall she should so some someone something soon still such take takes taking than
    thank thanks that that's the their them then there these they thing things this those through to too try trying
    two under until up us use used using ve very via want wanted wants was we well were what what's when where which
    while who whom why will with within without would yes yet you your yours help start run set starting""")
)
"""Words that do not tell what a message is about."""

GENERIC: Final = frozenset(
    words("""
    add analysis analyse analyze arrange build calculate check compute create design do draft evaluate execute find
    generate handle job launch look manage manager management order organise organize perform plan planner planning
    prepare process produce project report request review reviewing schedule service show suggest support system task
    tell update work workflow write""")
)
"""Words of action that fit many things; alone, they hardly tell which is meant."""

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SECONDS: Final = (
    ("second", 1), ("sec", 1), ("minute", 60), ("min", 60), ("hour", 3_600), ("hr", 3_600), ("day", 86_400),
    ("week", 604_800), ("month", 0), ("year", 0),
)  # fmt: skip
UNITS: Final = {stem(unit): seconds for unit, seconds in _SECONDS}
"""Stems of units of time, in seconds; months and years have no fixed length."""

CALENDAR: Final = frozenset(
    {*DAYS, *MONTHS, "today", "tomorrow", "yesterday", "tonight", "morning", "evening", "weekend", "daily", "weekly"}
    | {"monthly", "day", "week", "month", "year", "hour", "minute", "second"}
    | {f"{unit}s" for unit in ("day", "week", "month", "year", "hour", "minute", "second")}
)
"""Words of time, which say when and not what."""

_ONES: Final = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS: Final = words("twenty thirty forty fifty sixty seventy eighty ninety")
TENS: Final = {word: 10 * n for n, word in enumerate(_TENS, 2)}
NUMBERS: Final = {**{word: n for n, word in enumerate(_ONES)}, **TENS}
ORDINALS: Final = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4}

FAILURE: Final = frozenset(map(stem, words("fail failure wrong error broke broken problem crash")))
"""Stems of words that say that something did not go well. To whoever asks they are all one."""

NEGATIONS: Final = frozenset(words("no not without never non isn't aren't don't doesn't won't"))
CURRENCIES: Final = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
CURRENCY_WORDS: Final = {"dollar": "USD", "buck": "USD", "euro": "EUR", "pound": "GBP", "franc": "CHF", "yen": "JPY"}
CODES: Final = frozenset(words("USD EUR GBP CHF JPY CAD AUD SEK NOK DKK PLN CZK INR"))
