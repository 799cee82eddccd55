"""Evidence for tests, with all that does not matter left at what is usual."""

from stretto.workflows.troubleshooting.evidence import Case, Evidence
from stretto.workflows.troubleshooting.knowledge import KnowledgeHit
from stretto.workflows.troubleshooting.logs import LogFinding
from stretto.workflows.troubleshooting.metrics import MetricReading
from stretto.workflows.troubleshooting.routing import QueryKind
from stretto.workflows.troubleshooting.scheduler import JobRun, RunStatus
from stretto.workflows.troubleshooting.signatures import Cause


def run(job="nightly-etl", status=RunStatus.FAILED, **fields):
    return JobRun(**{"job_name": job, "run_id": "run-1", "status": status, "failures_in_a_row": 1, **fields})


def line(text="MemoryError", job="nightly-etl", **fields):
    return LogFinding(**{"job_name": job, "file": f"{job}.log", "line": text, "level": "ERROR", "count": 1, **fields})


def reading(name="memory_used", value=95.0, **fields):
    usual = {"instance": "worker-3:9100", "unit": "percent", "threshold": 90.0, "exceeded": value > 90}
    return MetricReading(**{"name": name, "value": value, **usual, **fields})


def hit(cause=Cause.OUT_OF_MEMORY, runbook="out-of-memory.md", **fields):
    usual = {"title": "Out of memory", "excerpt": "Memory ran out.", "score": 1.0, "actions": ("Add memory.",)}
    return KnowledgeHit(**{"runbook": runbook, "cause": cause.value, **usual, **fields})


def case(*found, kind=QueryKind.JOB_FAILURE, jobs=("nightly-etl",), silent=(), **fields):
    """A case in which all sources answered but those that are silent."""
    sorts = {"runs": JobRun, "knowledge": KnowledgeHit, "logs": LogFinding, "metrics": MetricReading}
    evidence = Evidence(**{name: tuple(e for e in found if isinstance(e, sort)) for name, sort in sorts.items()})
    answered = {"knowledge", "metrics"} | {f"{source}/{job}" for job in jobs for source in ("scheduler", "logs")}
    answered |= set() if jobs else {"logs/all jobs"}
    kept = frozenset(branch for branch in answered if branch.partition("/")[0] not in silent)
    return Case(kind=kind, jobs=jobs, evidence=evidence, answered=kept, **fields)
