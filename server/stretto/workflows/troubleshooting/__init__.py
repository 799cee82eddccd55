"""`troubleshooting`: why jobs failed or machines are slow, asked of several sources side by side."""

from collections.abc import Callable

from stretto.server import App
from stretto.troubleshooting.v1.troubleshooting_pb2 import (
    QUERY_KIND_JOB_FAILURE,
    QUERY_KIND_PERFORMANCE,
    TroubleshootingProgress,
    TroubleshootingReport,
    TroubleshootingRequest,
)
from stretto.workflows.troubleshooting import at_start
from stretto.workflows.troubleshooting.graph import Aggregate, Graph, graph, report_of, troubleshooting_graph
from stretto.workflows.troubleshooting.sources import Sources, configured, sources_of

__all__ = [
    "EXAMPLES",
    "NAME",
    "Aggregate",
    "Sources",
    "configured",
    "graph",
    "register",
    "report_of",
    "sources_of",
    "troubleshooting_graph",
]

NAME = "troubleshooting"


def _example(message: str, **fields: object) -> tuple[str, TroubleshootingRequest]:
    return message, TroubleshootingRequest(message=message, **fields)  # type: ignore[arg-type]


EXAMPLES = (
    _example("Find out why the job nightly-etl failed", job_names=["nightly-etl"], kind=QUERY_KIND_JOB_FAILURE),
    _example("Tell me why report-mailer crashed with connection refused", job_names=["report-mailer"]),
    _example("Look into the jobs that failed last night", kind=QUERY_KIND_JOB_FAILURE),
    _example("Troubleshoot why the machine worker-3 is so slow", instance="worker-3", kind=QUERY_KIND_PERFORMANCE),
    _example("Search the runbooks for what to do about a job that ran out of memory"),
)


def register(app: App, made: Graph | Callable[[], Graph] = graph) -> None:
    """Tell an app about this workflow type, with the sources that the environment names or those of a given graph."""
    app.workflow(
        NAME,
        made,
        description=(
            "Troubleshoots failed and slow jobs and machines: asks the scheduler, the logs, the metrics and the "
            "runbooks side by side, and says what the cause of the failure is and what to do about it."
        ),
        input=TroubleshootingRequest,
        result=TroubleshootingReport,
        progress=TroubleshootingProgress,
        examples=EXAMPLES,
        to_input=lambda request: {"request": request},
        to_result=report_of,
        at_start=at_start.say if made is graph else None,
    )
