"""How a job is doing where no cause of a failure is known: in words that say what was looked at, and what was not."""

from typing import Final

from stretto.workflows.troubleshooting.evidence import LOGS, SCHEDULER, Case
from stretto.workflows.troubleshooting.scheduler import RunStatus

LIGHT: Final = frozenset({"WARN", "WARNING", "INFO", "DEBUG"})
"""Levels of lines that are no errors."""

_TOLD: Final = {
    RunStatus.UNSPECIFIED: "{job} is in a state that is not known",
    RunStatus.WAITING: "{job} waits for its time or its turn",
    RunStatus.RUNNING: "{job} is running",
    RunStatus.SUCCEEDED: "{job} ended well",
    RunStatus.FAILED: "{job} failed, and nothing tells why",
    RunStatus.UNKNOWN_JOB: "{job} is not known to the scheduler",
}
"""What the scheduler says. All of them begin with the job, so that they are sentences and parts of one as well."""

_UNTOLD: Final = "{job} could not be looked into, as {why}"
_NO_LINES: Final = "{job} shows no failure in the logs, and {why}"
_ERRORS: Final = "{job} logged errors, and nothing tells their cause"
_WARNINGS: Final = "{job} logged warnings, and nothing tells their cause"


def standing_of(case: Case, job: str) -> str:
    """How a job is doing, as far as anybody says."""
    run = case.evidence.run_of(job)
    if run is not None:
        return _TOLD[run.status].format(job=job)
    if LOGS not in case.sources_about(job):
        return _UNTOLD.format(job=job, why=case.untold_by(SCHEDULER, LOGS, "of it"))
    lines = case.evidence.logs_of(job)
    if not lines:
        return _NO_LINES.format(job=job, why=case.told_nothing(SCHEDULER, " of it"))
    return (_WARNINGS if all(line.level.upper() in LIGHT for line in lines) else _ERRORS).format(job=job)
