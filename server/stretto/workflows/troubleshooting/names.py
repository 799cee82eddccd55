"""Names of jobs in what somebody writes: `nightly-etl`, `etl_daily`, `"payroll"`, but not `out-of-memory`."""

import re
from collections.abc import Iterator
from typing import Final

from stretto.workflows.troubleshooting.machines import MACHINE

JOBS_MAX: Final = 50
"""As many as the contract takes by name."""
CHARACTERS_MAX: Final = 200

STRAIGHT: Final = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
"""What makes quotation marks of a word processor those of a keyboard."""

_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_QUOTED: Final = re.compile(rf"""(?<![\w'"`])(["'`])({_NAME})["'`](?!\w)""")
_CALLED: Final = re.compile(rf"(?i)\b(?:job|dag|pipeline|workflow)\s+(?:is\s+)?(?:named|called)\s+({_NAME})")
_WORD: Final = re.compile(r"\S+")
_JOINED: Final = re.compile(r"[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*")
_EDGES: Final = """.,;:!?()[]{}<>"'`*\u2026"""

_NO_NAME: Final = re.compile(
    r"[\d.-]+"  # A date, a version, a range of numbers.
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # A UUID.
    r"|[A-Z0-9]+(?:[-_][A-Z0-9]+)+"  # A ticket, a code, a variable of the environment.
    r"|.*\.(?:py|log|csv|json|jsonl|txt|md|ya?ml|sql|gz|parquet|sh|conf|ini|toml|xml|zip|com|org|net|io|internal|local)"
    rf"|{MACHINE}"
    r"|(?:us|eu|ap|sa|ca|af|me|il)-(?:gov-)?(?:north|south|east|west|central)(?:east|west)?-\d\w?"  # A region.
    r"|(?:utf|sha|iso|rfc|ipv|md|http|tls|ssl|log4j)(?:-\d+)+"
    r"|\d+-\w+"  # `24-hour`, `3-day`.
    r"|(\w+)-(?:to|by|after|and|in)-\1"  # `end-to-end`, `step-by-step`.
    r"|(?:out|state|point|proof|end|top|rule)-(?:of|in)-.+"
    r"|(?:non|self|semi|well|ill|so|much|ex|anti|ever|un|newly|recently|previously|currently|poorly|fully|partially|highly|badly)"
    r"-\w+"
    r"|(?:one|two|three|four|five|six|seven|eight|nine|ten|first|second|third|last|half|twenty)-\w+"
    r"|\w+-(?:up|off|in|out|on|down|over|back|through|around|away|based|like|wide|related|specific|driven|friendly"
    r"|free|aware|hour|hours|day|days|minute|minutes|second|seconds|week|weeks|month|months|year|years|time|term|long"
    r"|level|running|lived|only|known|facing|critical|intensive|heavy|bound|hungry|prone|safe|side|like|cause|case)",
    re.DOTALL,
)
"""What is joined like a name of a job and is none."""

_NO_QUOTED: Final = re.compile(
    r"\d+|[A-Z0-9]+(?:[-_][A-Z0-9]+)*|.*(?:Error|Exception|Failure|Killed)|.*\.(?:py|log|csv|json|txt|md|ya?ml|sql|gz)"
    r"|(?i:fail(?:s|ed|ing|ure)?|errors?|slow|stuck|killed|success|succeeded|running|status|it|this|that|job|jobs|why|none)"
)
"""What is quoted and is no name of a job all the same."""

_ORDINARY: Final = frozenset(
    """
    access-denied all-clear auto-scale auto-scaling built-ins catch-all ci-cd code-review command-line connection-pool
    connection-refused cpu-usage cpu_used cross-check data-base data-set data-sets dead-letter dead-lock dead-locked
    dead-locks disk-full disk-space disk-usage disk_used double-check e-mail e-mails error-code error-log
    error-message error_rate exit-code exit-codes exit_code fail-safe file-name file-names file-system file-systems
    fine-tune fine-tuning full-blown garbage-collection good-morning hard-code hard-coded hard-drive heads-ups
    health-check health-checks heap-size high-cpu high-latency high-load high-memory high-priority high-usage
    high-volume hot-fix hot-fixes i-o io-wait job-name job-names key-error key-value left-hand load-balancer log-file
    log-files log-line log-lines long-standing low-latency low-memory low-priority memory-leak memory-leaks
    memory-usage memory_used month-end multi-core multi-step multi-tenant multi-threaded multi-user name-server no-one
    no-op no-ops null-pointer null-pointers on-call on-going on-prem on-premise on-premises open-source over-all
    over-commit over-loaded per-cent per-job permission-denied post-mortem post-mortems pre-existing pre-prod
    production-like quarter-end re-check re-ran re-run re-running re-runs re-start re-started re-starting re-starts
    re-tried re-tries re-try re-trying read-write real-world response-time response-times right-hand root-access
    round-robin run-book run-books run-id segmentation-fault service-account set-ups short-circuit side-effect
    side-effects single-threaded slow-down slow-downs slow-query stack-trace stack-traces stand-alone stand-by
    sub-process sub-second swap-space third-party time-consuming time-outs time-stamp time-stamps time-zone time-zones
    trade-offs trouble-shoot trouble-shooting type-error up-to-date up-to-the-minute value-error web-site week-end
    work-arounds work-flow work-flows write-ahead x-ray year-end
    """.split()  # noqa: SIM905 - a list of words in quotes is hard to read
)
"""Words that people join, and that fit no rule."""


def job_names(text: str) -> tuple[str, ...]:
    """The jobs that a text names, in its order, each once. A name that looks like any other word has to be quoted."""
    text = text.translate(STRAIGHT)
    found = sorted([*_quoted(text), *_joined(text)])
    return tuple(dict.fromkeys(name for _, name in found))[:JOBS_MAX]


def is_quoted_for_itself(text: str) -> bool:
    """Whether something that is quoted is no name of a job, but a word, a file or an error."""
    return _NO_QUOTED.fullmatch(text) is not None


def is_something_else(word: str) -> bool:
    """Whether a word is surely no name of a job: a machine, a date, a region."""
    return is_quoted_for_itself(word) or _NO_NAME.fullmatch(word.lower()) is not None


def _quoted(text: str) -> Iterator[tuple[int, str]]:
    """What is marked as a name, with its place."""
    marked = [(match.start(2), match[2]) for match in _QUOTED.finditer(text)]
    called = [(match.start(1), match[1].rstrip(".-")) for match in _CALLED.finditer(text)]
    for place, name in (*marked, *called):
        if len(name) <= CHARACTERS_MAX and not is_quoted_for_itself(name):
            yield place, name


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """What looks like a name, with its place."""
    for match in _WORD.finditer(text):
        word = match[0].strip(_EDGES).removesuffix("'s")
        if _looks_like_a_job(word):
            yield match.start() + match[0].index(word), word


def _looks_like_a_job(word: str) -> bool:
    if not ("-" in word or "_" in word) or len(word) > CHARACTERS_MAX or not _JOINED.fullmatch(word):
        return False
    return word.lower() not in _ORDINARY and not _NO_NAME.fullmatch(word) and not _NO_NAME.fullmatch(word.lower())
