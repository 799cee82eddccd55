"""The aggregator: a diagnosis of what the sources said, however few of them answered."""

from collections.abc import Iterator, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.troubleshooting.diagnosis import Examined, JobDiagnosis, RunbookFor, examine, sentence
from stretto.workflows.troubleshooting.evidence import Case
from stretto.workflows.troubleshooting.findings import Finding, Severity, findings_of, pointed_at, severity_of
from stretto.workflows.troubleshooting.knowledge import KnowledgeHit
from stretto.workflows.troubleshooting.routing import QueryKind
from stretto.workflows.troubleshooting.signatures import Cause

ACTIONS_MAX: Final = 10
CLAUSES_MAX: Final = 3
"""Jobs that a summary tells of; the diagnosis has all of them."""


class Diagnosis(BaseModel):
    """What was concluded, in the contract's words."""

    model_config = ConfigDict(frozen=True)

    severity: Severity
    jobs: tuple[JobDiagnosis, ...] = ()
    findings: tuple[Finding, ...] = ()
    actions: tuple[str, ...] = ()


class Conclusion(BaseModel):
    """A diagnosis, and the same in one sentence."""

    model_config = ConfigDict(frozen=True)

    summary: str
    diagnosis: Diagnosis


def no_runbook(cause: Cause, line: str) -> KnowledgeHit | None:  # noqa: ARG001 - it has the form of a RunbookFor
    """What a search for the runbook of a cause finds where there is none."""
    return None


def aggregate(case: Case, runbook_for: RunbookFor = no_runbook) -> Conclusion:
    """What the evidence says. Of a source that did not answer there is none, which takes nothing from the others."""

    def fitting(cause: Cause, line: str) -> KnowledgeHit | None:
        return runbook_for(cause, line) or next((hit for hit in case.evidence.knowledge if hit.cause == cause), None)

    examined = sorted((examine(case, job, fitting) for job in case.jobs), key=_urgency)
    findings = findings_of(case, examined)
    diagnosis = Diagnosis(
        severity=severity_of(case, examined, findings),
        jobs=tuple(each.diagnosis for each in examined),
        findings=findings,
        actions=_actions(case, examined, fitting),
    )
    return Conclusion(summary=_summary(case, examined, findings), diagnosis=diagnosis)


def _urgency(job: Examined) -> tuple[bool, int]:
    """What is broken comes first, and what has been for long before that."""
    return not job.diagnosis.is_bad, -job.failures_in_a_row


def _actions(case: Case, examined: Sequence[Examined], fitting: RunbookFor) -> tuple[str, ...]:
    """What the runbooks say to do: those of the jobs, or else of the query."""
    runbooks = {each.runbook.runbook: each.runbook for each in examined if each.runbook is not None}
    runbooks = runbooks or {hit.runbook: hit for hit in _of_query(case, examined, fitting)}
    each_max = max(ACTIONS_MAX // max(len(runbooks), 1), 1)
    told = (action for hit in runbooks.values() for action in hit.actions[:each_max])
    return tuple(dict.fromkeys(told))[:ACTIONS_MAX]


def _of_query(case: Case, examined: Sequence[Examined], fitting: RunbookFor) -> Iterator[KnowledgeHit]:
    """The runbook that fits a query best, and those of what is wrong; none for a cause at which nothing points."""
    best = case.evidence.knowledge[:1]
    if case.kind is QueryKind.HOW_TO:
        yield from best
    if case.kind is QueryKind.PERFORMANCE:
        yield from (hit for hit in best if hit.cause == Cause.UNKNOWN)
        causes: dict[Cause, str] = {}
        for cause, told in pointed_at(case, examined):
            causes.setdefault(cause, told)
        yield from filter(None, (fitting(cause, told) for cause, told in causes.items()))


def _summary(case: Case, examined: Sequence[Examined], findings: Sequence[Finding]) -> str:
    if case.kind is QueryKind.HOW_TO:
        return _how_to(case)
    clauses = [each.clause for each in examined[:CLAUSES_MAX]]
    if len(examined) > CLAUSES_MAX:
        clauses.append(f"and {len(examined) - CLAUSES_MAX} more")
    return sentence("; ".join([*clauses, *_beside(case, examined, findings)]))


def _beside(case: Case, examined: Sequence[Examined], findings: Sequence[Finding]) -> Iterator[str]:
    """What a summary tells beside the jobs, or instead of them."""
    if examined and case.kind is not QueryKind.PERFORMANCE:
        return
    known = case.silence or ("No job has failed of late" if case.looked_for_failures and not examined else "")
    if known:
        yield known
    if findings:
        yield findings[0].explanation.removesuffix(".")
        if len(findings) > 1:
            yield f"and {len(findings) - 1} more to see to"
    elif not (examined or known):
        yield "Nothing that was looked at is out of the ordinary"


def _how_to(case: Case) -> str:
    if not case.evidence.knowledge:
        return "No runbook fits the question."
    hit = case.evidence.knowledge[0]
    return f"The runbook {hit.runbook} tells how: {hit.title}."
