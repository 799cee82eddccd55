"""The router: what a query is about, the jobs that it names, and the words to search for."""

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.troubleshooting._knowledge_words import STOP_WORDS
from stretto.workflows.troubleshooting.names import STRAIGHT, job_names
from stretto.workflows.troubleshooting.signatures import Cause, cause_of


class QueryKind(StrEnum):
    """What a query is about, as the contract names it. Of two that fit as well, the first one wins."""

    UNKNOWN = "QUERY_KIND_UNSPECIFIED"
    HOW_TO = "QUERY_KIND_HOW_TO"
    JOB_FAILURE = "QUERY_KIND_JOB_FAILURE"
    PERFORMANCE = "QUERY_KIND_PERFORMANCE"
    JOB_STATUS = "QUERY_KIND_JOB_STATUS"


class Route(BaseModel):
    """Where a query goes."""

    model_config = ConfigDict(frozen=True)

    kind: QueryKind
    jobs: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


TERMS_MAX: Final = 64

_PATTERNS: Final = {
    QueryKind.HOW_TO: r"""
        \bhow (?:do|can|should|would|could|must|shall) (?:i|we|you|one|people|somebody|someone)\b|\bhow to\b
        \bhow (?:is|are) .{1,60} (?:done|made|used|set up|configured)\b|\brun ?books?\b|\bsteps (?:to|for)\b
        \bwhat (?:should|can|do|must|shall) (?:i|we) do\b|\bwhat to do\b
        \bwhat(?: is|'s) the (?:right |best )?way\b|\binstructions?\b|\bprocedure\b|\bguide\b|\bdocumentation\b
        \bexplain how\b|\bshow me how\b
    """,
    QueryKind.JOB_FAILURE: r"""
        \bfail(?:s|ed|ing|ures?)?\b|\bcrash(?:es|ed|ing)?\b|\bbroke(?:n)?\b|\bbreaks\b|\bdie[sd]?\b|\bdying\b
        \berrors?\b|\bexceptions?\b|\btracebacks?\b|\baborted\b|\bkilled\b|\bwrong\b|\bexit(?:ed)? code\b
        (?:\bstopped|\bnot|n't|\bnever) (?:work|run|ran|start|finish|complet|succeed|com|cam)(?:ning|ing|ed|s|e)?\b
        \b[\w.]*(?-i:Error|Exception)\b|\bunsuccessful\b|\bbroken\b|\bincident\b|\boutage\b|\broot[- ]cause\b
        \bwent red\b|\bred again\b
    """,
    QueryKind.PERFORMANCE: r"""
        \bslow(?:er|ly|ness|s|ed)?(?: ?down)?\b|\blatenc(?:y|ies)\b|\bperformance\b|\bcpu\b|\bthroughput\b
        \blag(?:s|ging)?\b|\boverloaded\b|\bload\b|\bp9[59]\b|\bbottlenecks?\b|\bsaturat\w+|\bresponse times?\b
        \bsluggish\b
        \b(?:take|takes|taking|took) (?:so |too |very |this |that |much |far )?(?:long|longer|forever|ages|hours)\b
        \b(?:memory|disk|ram|swap|cpu)(?: space)? (?:usage|use|pressure|utili[sz]ation|consumption|leaks?)\b
        \b(?:high|low|much|little|more|short o[fn]|run(?:ning)? out of) (?:\w+ )?(?:memory|disk|ram|space)\b
        \b(?:memory|disk|ram|space)\b.{0,30}\b(?:high|low|short|filling|almost full|nearly full|left|free)\b
    """,
    QueryKind.JOB_STATUS: r"""
        \bstatus\b|\bstate of\b|\bhow (?:is|are|was|were) .{1,80}\b(?:doing|going|coming along|getting on)\b
        \b(?:is|are|was|were) .{1,80}\b(?:running|finished|done|complete|waiting|queued|scheduled|on time|ready)\b
        \b(?:did|has|have|will|does) .{1,80}\b(?:run|finish|complete|start|succeed)(?:ed|d)?\b
        \bwhen (?:did|will|was|does|is)\b|\blast run\b|\bnext run\b|\bprogress\b|\bup to date\b|\bhow far\b
        \bcheck (?:on )?\b
    """,
}
"""What each kind sounds like."""

_COMPILED: Final = {
    kind: re.compile("|".join(line.strip() for line in lines.strip().splitlines()), re.IGNORECASE)
    for kind, lines in _PATTERNS.items()
}
_SCORES: Final = {kind: 3 if kind is QueryKind.HOW_TO else 2 for kind in _PATTERNS}
"""Who asks for the way says so in as many words, and may well tell of a failure beside that."""

_IN_GENERAL: Final = re.compile(r"\b(?:troubleshoot(?:ing)?|investigate|diagnose|look into)\b", re.IGNORECASE)
"""What is said of anything that is not as it should be."""

_NO_FAILURE: Final = re.compile(
    r"(?:\b(?:not|never|no|without|zero)|n't) (?:\w+ )?(?:fail(?:ed|ures?)?|crash(?:ed|ing)?|errors?|broken|wrong)\b",
    re.IGNORECASE,
)
"""Words that name a failure to say that there is none: `it did not fail, but it is slow`."""

_WORD: Final = re.compile(r"[^\W_][\w.]*[^\W_]|[^\W_]")
_SAYS_NOTHING: Final = STOP_WORDS | frozenset(
    """
    again broke broken crash crashed crashes error errors every fail failed failing fails failure failures find hello
    help job jobs know last look looking night ran run running runs tell troubleshoot wrong
    """.split()  # noqa: SIM905 - a list of words in quotes is hard to read
)
"""Words that every query about jobs has, and every runbook and log too."""


def route(request: Mapping[str, Any]) -> Route:
    """Where a request goes; what it says itself counts more than its message."""
    message = request["message"]
    named = job_names(message)
    jobs = tuple(request.get("job_names") or named)
    asked = QueryKind(request.get("kind") or QueryKind.UNKNOWN)
    kind = asked if asked is not QueryKind.UNKNOWN else _kind_of(message, jobs, named, bool(request.get("instance")))
    return Route(kind=kind, jobs=jobs, terms=terms_of(message, {*jobs, *named}))


def terms_of(message: str, jobs: Collection[str] = ()) -> tuple[str, ...]:
    """The words to search for, in their order: each once, without the names of jobs and what says nothing."""
    words = (match[0] for match in _WORD.finditer(_without(message, jobs, " ")))
    said = {word.lower(): word for word in words if word.lower() not in _SAYS_NOTHING}
    return tuple(said.values())[:TERMS_MAX]


def _without(message: str, names: Collection[str], instead: str) -> str:
    """The message without names, whose words say nothing of the query: `warehouse-load` is about no load."""
    if not names:
        return message
    any_name = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?<![\w-])(?:{any_name})(?![\w-])", instead, message)


def _kind_of(message: str, jobs: Collection[str], named: Collection[str], instance: bool) -> QueryKind:  # noqa: FBT001 - it is a fact of the query
    """The kind with the best score; where nothing scores, what is named says what it can only be about."""
    scores = _scores(_without(message, {*jobs, *named}, "it"))
    if jobs and scores[QueryKind.JOB_FAILURE] >= _SCORES[QueryKind.JOB_FAILURE]:
        scores[QueryKind.JOB_FAILURE] += 2  # Somebody with a broken job needs more than a runbook.
    best = max(scores, key=lambda kind: scores[kind])
    if scores[best] and (jobs or best is not QueryKind.JOB_STATUS):
        return best
    if jobs:
        return QueryKind.JOB_STATUS
    if scores[best]:
        return QueryKind.JOB_FAILURE  # How jobs are doing that nobody names is told by those that fail.
    return QueryKind.PERFORMANCE if instance else QueryKind.HOW_TO


def _scores(message: str) -> dict[QueryKind, int]:
    """How much a message sounds like each kind; the kinds stand in the order in which they win."""
    read = _NO_FAILURE.sub(" ", message.translate(STRAIGHT))
    scores = {kind: _SCORES[kind] * bool(pattern.search(read)) for kind, pattern in _COMPILED.items()}
    scores[QueryKind.JOB_FAILURE] += cause_of(read) is not Cause.UNKNOWN or bool(_IN_GENERAL.search(read))
    return scores
