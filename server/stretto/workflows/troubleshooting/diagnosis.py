"""What is concluded about one job."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from pydantic import BaseModel, ConfigDict

from stretto.workflows.troubleshooting._task_log import LOG_ENDS
from stretto.workflows.troubleshooting.evidence import LOGS, SCHEDULER, Case
from stretto.workflows.troubleshooting.knowledge import KnowledgeHit
from stretto.workflows.troubleshooting.scheduler import JobRun, RunStatus
from stretto.workflows.troubleshooting.signatures import WORDS, Cause, cause_of
from stretto.workflows.troubleshooting.standing import standing_of
from stretto.workflows.troubleshooting.votes import WITNESSES, Vote, best_of, pointing_of, votes_about

TOLD_CHARACTERS_MAX: Final = 200
EVIDENCE_MAX: Final = 10

_HEAD: Final = re.compile(
    r"^\W*\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*\s+(?:\W*(?:DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)\b\W*)?"
)

RunbookFor: TypeAlias = Callable[[Cause, str], KnowledgeHit | None]
"""The runbook for a cause, and for the line that tells of it."""


class JobDiagnosis(BaseModel):
    """What was concluded about a job, in the contract's words."""

    model_config = ConfigDict(frozen=True)

    job_name: str
    status: RunStatus
    cause: Cause = Cause.UNKNOWN
    confidence: float = 0.0
    explanation: str
    evidence: tuple[str, ...] = ()
    runbook: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether somebody has to look at it."""
        return self.status is RunStatus.FAILED or self.cause is not Cause.UNKNOWN

    @property
    def is_unknown(self) -> bool:
        """Whether nobody could say how it is doing."""
        return self.status is RunStatus.UNSPECIFIED and self.cause is Cause.UNKNOWN


class Examined(BaseModel):
    """A job's diagnosis, with what only the whole needs of it."""

    model_config = ConfigDict(frozen=True)

    diagnosis: JobDiagnosis
    clause: str
    """What is the matter, as a part of a longer sentence."""
    failures_in_a_row: int = 0
    runbook: KnowledgeHit | None = None


def examine(case: Case, job: str, runbook_for: RunbookFor) -> Examined:
    """What the evidence says of a job.

    Its cause is the one for which most speaks. Confidence is the share of the sources that could show it which point
    there: one that was silent makes it less sure, though it does not disagree.
    """
    run = case.evidence.run_of(job)
    status = run.status if run is not None else RunStatus.UNSPECIFIED
    votes = _votes(case, job, status)
    cause = best_of(votes)
    if cause is Cause.UNKNOWN:
        return _unexplained(case, job, status, run)
    agreeing = [vote for vote in votes if vote.cause is cause]
    pointing = pointing_of(agreeing)
    answered = pointing | WITNESSES.intersection(case.sources_about(job))
    clause = f"{job} {'failed' if status is RunStatus.FAILED else 'seems to have failed'} because {WORDS[cause]}"
    line = _line(case, job, run, cause)
    hit = runbook_for(cause, line)
    diagnosis = JobDiagnosis(
        job_name=job,
        status=status,
        cause=cause,
        confidence=round(len(pointing) / len(pointing | WITNESSES), 3),
        explanation=sentence(f"{clause}: {cut(line or agreeing[0].told)}"),
        evidence=tuple(f"{vote.source}: {cut(vote.told)}" for vote in agreeing)[:EVIDENCE_MAX],
        runbook=hit.runbook if hit is not None else "",
    )
    agree = f" ({len(pointing)} of {len(answered)} sources agree)" if len(answered) > 1 else ""
    return Examined(
        diagnosis=diagnosis, clause=clause + agree, failures_in_a_row=run.failures_in_a_row if run else 0, runbook=hit
    )


def _votes(case: Case, job: str, status: RunStatus) -> tuple[Vote, ...]:
    """What speaks for a cause, where there may be a failure at all."""
    if status is RunStatus.FAILED:
        return votes_about(case, job)
    if status is RunStatus.UNSPECIFIED and case.evidence.logs_of(job):  # High load alone is no sign of a failure.
        return votes_about(case, job)
    return ()


def _unexplained(case: Case, job: str, status: RunStatus, run: JobRun | None) -> Examined:
    """A job that did not fail, or of which nobody tells why: what was said of it is quoted."""
    clause = standing_of(case, job)
    error = run.error if run is not None and status is RunStatus.FAILED else ""
    may_have_failed = status in (RunStatus.FAILED, RunStatus.UNSPECIFIED)
    lines = [found.line for found in case.evidence.logs_of(job)] if may_have_failed else []
    quoted = " ".join(_quotes(error, lines))
    return Examined(
        diagnosis=JobDiagnosis(
            job_name=job,
            status=status,
            explanation=sentence(f"{clause}: {quoted}" if quoted else clause),
            evidence=(*_told(SCHEDULER, error.splitlines()), *_told(LOGS, lines))[:EVIDENCE_MAX],
        ),
        clause=clause,
        failures_in_a_row=run.failures_in_a_row if run is not None else 0,
    )


def _quotes(error: str, lines: Sequence[str]) -> Iterator[str]:
    """What the scheduler says, of the last lines of a task's log the very last, and the worst line of the logs."""
    said = error.splitlines()
    if said:
        yield sentence(cut(f"{said[0]} {said[-1]}" if LOG_ENDS in said[0] else error))
    line = cut(telling(lines[0])) if lines else ""
    if line and line not in error:
        yield f"The logs say: {line}" if said else line


def _told(source: str, lines: Iterable[str]) -> Iterator[str]:
    return (f"{source}: {cut(line)}" for line in lines if line.strip())


def _line(case: Case, job: str, run: JobRun | None, cause: Cause) -> str:
    """What tells of the cause in its own words; the scheduler's come first."""
    lines = [run.reason] if run is not None else []
    lines += [telling(found.line) for found in case.evidence.logs_of(job)]
    return next((line for line in lines if cause_of(line) is cause), "")


def telling(line: str) -> str:
    """A line of a log without time and level; of a stack trace its last line."""
    return _HEAD.sub("", line.rpartition(" … ")[2]).removeprefix("Caused by: ")


def cut(text: str) -> str:
    """A text in one line that is not too long."""
    text = " ".join(text.split())
    return text if len(text) <= TOLD_CHARACTERS_MAX else f"{text[: TOLD_CHARACTERS_MAX - 1]}…"


def sentence(text: str) -> str:
    """A text with an end."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
