"""What lines of a log have in common: levels, words of failure, secrets, and what differs from run to run."""

import re
from collections.abc import Mapping
from typing import Final

LEVELS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("FATAL", "CRITICAL", "CRIT", "PANIC", "ALERT", "EMERG", "EMERGENCY"), "FATAL"),
    **dict.fromkeys(("ERROR", "ERR", "SEVERE"), "ERROR"),
    **dict.fromkeys(("WARN", "WARNING"), "WARN"),
    **dict.fromkeys(("INFO", "INFORMATION", "NOTICE"), "INFO"),
    **dict.fromkeys(("DEBUG", "TRACE", "VERBOSE"), "DEBUG"),
}
"""What programs call their levels, and the name of each here."""
BAD: Final = ("FATAL", "ERROR", "WARN")
RANKS: Final[Mapping[str, int]] = {"FATAL": 0, "ERROR": 1, "": 2, "WARN": 3, "INFO": 4, "DEBUG": 5}
"""The worst first. What says no level and has words of failure is mostly what a dying program prints."""
LEVEL_CHARACTERS: Final = 200
"""A level stands at the head of a line."""

_ANY_LEVEL: Final = "|".join(LEVELS)
_LEVEL: Final = re.compile(
    rf"(?<!\w)({_ANY_LEVEL})(?!\w)|\b(?i:level|severity|lvl)=[\"']?(\w+)|\[(?i:({_ANY_LEVEL}))\]"
)
_FAILURES: Final[Mapping[str, str]] = {
    **{
        word: re.escape(word)
        for word in (
            *("error", "exception", "traceback", "fatal", "panic", "crash", "refused", "denied", "timeout", "deadlock"),
            *("out of memory", "no space left", "quota exceeded", "segmentation fault", "core dumped", "expired"),
            *("not found", "no such file", "cannot", "can't", "could not", "couldn't", "unable to", "giving up"),
            *("forbidden", "violates", "rejected", "reset by peer", "broken pipe", "unreachable", "unavailable"),
        )
    },
    "fail": r"\bfail(?:ed|ure|ures|s|ing)?\b",
    "timed": r"timed[ -]?out",
    "oom": r"oom[-_ ]?kill",
    "unauthori": r"unauthori[sz]ed",
    "killed": r"\bkilled\b",
    "abort": r"\babort(?:ed|ing)?\b",
    "exit": r"exit(?:ed)?(?: with)?[ _](?:code|status)[\"']?[ =:]+[1-9]",
    "signal": r"signal (?:9|11|15)\b",
}
"""Words of failure: what is in them in small letters, and their pattern. Looking for the former is much faster."""
_FAILURE: Final = re.compile("|".join(_FAILURES.values()), re.IGNORECASE)
_HINTS: Final = (*_FAILURES, "warn", "err", "crit", "alert", "emerg", "severe")
"""One of these is in whatever is bad, and in few lines that are not."""
_NO_FAILURE: Final = re.compile(
    r"\b(?:0|no|zero|without(?: an?| any)?)\s+(?:\w+\s+)?(?:errors?|exceptions?|failures?|failed|rejected|timeouts?)\b"
    # `error: 0` counts errors, while `KeyError: 0` is one.
    r"|\b(?:(?-i:[a-z_]*(?:error|exception|failure|timeout))|errors|exceptions|failures|failed|rejected|timeouts)"
    r"(?:_count|\s\w+)?[\"']?\s*[=:]\s*(?:\"\"|''|[\"']?(?:0\b(?![.:])|false\b|none\b|null\b))"
    # A setting, and no timeout that has come: `timeout=3600`.
    r"|\b(?:[a-z]+[_-])*timeout(?:[_-][a-z]+)*[\"']?\s*[=:]\s*[\"']?\d",
    re.IGNORECASE,
)
"""Words of failure in lines that tell of none: `0 errors`, `failed=0`."""

_MASK: Final = "***"
_SECRETS: Final = (
    (
        ("authorization",),
        re.compile(r"(?i)(authorization[\"']?\s*[=:]\s*[\"']?)(?:(?:bearer|basic|token|digest)\s+)?[^\s\"',;]+"),
        rf"\1{_MASK}",
    ),
    (("bearer",), re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{8,}"), rf"\1{_MASK}"),
    (
        ("pass", "pwd", "secret", "token", "key", "credential", "sig"),
        re.compile(
            r"(?i)((?:password|passwd|passphrase|pwd|secret(?:[_-]?key)?|token|api[_-]?key|access[_-]?key(?:[_-]?id)?"
            r"|(?:private|account|signing|encryption|master)[_-]?key|credentials?|(?<=_)pass|\bpass(?==)"
            r"|SharedAccessSignature|(?<=[?&])sig(?:nature)?)[\"']?(?:\s*(?:=>|=|:)\s*|(?<=--password)\s+|(?<=--token)\s+|(?<=--secret)\s+))"
            r"(?:\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?|[^\s&\"'}\])]+)"
        ),
        rf"\1{_MASK}",
    ),
    (("://",), re.compile(r"(://)[^\s/@:]*:[^\s/]*@"), rf"\1{_MASK}@"),
    # What is quoted, as a password may be incorrect, too.
    (
        ("identified by", "password"),
        re.compile(r"(?i)\b((?:identified by|password(?: is)?)\s+)(?:'[^']*'|\"[^\"]*\")"),
        rf"\1{_MASK}",
    ),
    (("cookie",), re.compile(r"(?i)(cookie[\"']?\s*[=:]\s*).+"), rf"\1{_MASK}"),
    (("private key-----",), re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*"), rf"\1{_MASK}"),
    (("hooks.slack.com",), re.compile(r"(?i)(hooks\.slack\.com/\w+/)\S+"), rf"\1{_MASK}"),
    (("akia", "asia"), re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), _MASK),
    (("eyj",), re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), _MASK),
    (
        ("gh", "glpat-", "sk-", "xox", "npm_", "aiza"),
        re.compile(r"(?<![\w-])(?:gh[opsru]_|github_pat_|glpat-|sk-|xox[abp]-|npm_|AIza)[\w-]{16,}"),
        _MASK,
    ),
)
"""What is in a text with a secret in small letters, the secret's pattern, and what is shown of it."""

_DIFFERENCES: Final = (
    (
        re.compile(r"\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?\s?(?:Z\b|[+-]\d\d:?\d\d\b)?)?"),
        "<time>",
    ),
    (re.compile(r"\b[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d"), "<time>"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{8,}\b"), "<id>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "<n>"),
)
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def level_in(line: str) -> str:
    """The level that a line names at its head; empty without one."""
    match = _LEVEL.search(line[:LEVEL_CHARACTERS])
    return level_of(match[1] or match[2] or match[3]) if match else ""


def level_of(name: str) -> str:
    """What a level is called here; empty for none that is known."""
    return LEVELS.get(name.upper(), "")


def may_be_bad(text: str) -> bool:
    """Whether it is worth a closer look: nothing that is a warning or worse, or tells of failure, is not."""
    return _has(text.lower(), _HINTS)


def tells_of_failure(text: str) -> bool:
    """Whether there are words of failure in it that are meant."""
    if not may_be_bad(text) or not _FAILURE.search(text):
        return False
    return bool(_FAILURE.search(_NO_FAILURE.sub("", text)))


def masked(text: str) -> str:
    """The same without passwords, tokens and keys."""
    lowered = text.lower()
    for hints, pattern, instead in _SECRETS:
        if _has(lowered, hints):
            text = pattern.sub(instead, text)
    return text


def plain(text: str) -> str:
    """The same in one line, without colours and what else would move the cursor of whoever reads it."""
    return " ".join(_CONTROL.sub(" ", text).split())


def likeness(line: str) -> str:
    """What like lines have in common: the line without times, ids and numbers."""
    for pattern, instead in _DIFFERENCES:
        line = pattern.sub(instead, line)
    return line


def _has(lowered: str, hints: tuple[str, ...]) -> bool:
    return any(hint in lowered for hint in hints)
