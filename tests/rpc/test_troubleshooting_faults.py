"""Troubleshooting over a real channel when much goes wrong: the report, or the error, and the stream of events."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from stretto.client import InvalidInput, WorkflowFailed
from stretto.server import App
from stretto.testing import serving
from stretto.troubleshooting.v1 import troubleshooting_pb2 as contract
from stretto.workflows import troubleshooting
from stretto.workflows.troubleshooting import Sources
from stretto.workflows.troubleshooting.errors import SourceUnavailable
from stretto.workflows.troubleshooting.graph import UNAGGREGATED
from tests.rpc.troubled import (
    GOOD,
    HIT,
    IMPATIENT,
    LINE,
    PATIENCE,
    READING,
    RUN,
    SETTING,
    SOURCES,
    Asked,
    Told,
    app_of,
    asking,
    failing,
    never,
    raising,
    reported,
)

pytestmark = pytest.mark.usefixtures("model")


async def test_what_has_answered_counts_when_the_time_of_all_is_over():
    slow = replace(GOOD, knowledge=never, logs=never, metrics=never)
    report, told = await reported(app_of(slow, seconds_max=IMPATIENT))
    assert told.ends() == {
        "scheduler/nightly-etl": "answered", "knowledge": "TOTAL_TIMEOUT", "logs/nightly-etl": "TOTAL_TIMEOUT",
        "metrics": "TOTAL_TIMEOUT",
    }  # fmt: skip
    assert report.diagnosis.jobs[0].confidence == 0.5
    assert report.summary == "nightly-etl failed because memory ran out."
    assert len(report.warnings) == 3


async def test_what_neither_the_scheduler_nor_the_logs_could_tell_is_not_called_well():
    away = Asked(SourceUnavailable("It is away."))
    light = READING.model_copy(update={"value": 50, "exceeded": False})
    report, _ = await reported(app_of(replace(GOOD, scheduler=away, logs=away, metrics=Asked([light]))))
    assert report.summary == "nightly-etl could not be looked into, as neither the scheduler nor the logs told of it."
    assert report.diagnosis.severity == contract.SEVERITY_UNSPECIFIED
    assert not report.diagnosis.jobs[0].cause


async def test_when_all_are_too_slow_the_error_says_so():
    slow = Sources(scheduler=never, knowledge=never, logs=never, metrics=never)
    message, told = await failing(app_of(slow, seconds_max=IMPATIENT))
    assert set(told.ends().values()) == {"TOTAL_TIMEOUT"}
    assert message.startswith("0 of 4 sources answered, and 1 must.")


async def test_an_answer_of_the_wrong_type_is_no_answer():
    report, told = await reported(app_of(replace(GOOD, metrics=Asked(["lots"]))))
    assert told.ends()["metrics"] == "WRONG_TYPE"
    [warning] = report.warnings
    assert warning.startswith("The metrics could not be asked: its answer has the wrong type")
    assert report.diagnosis.jobs[0].confidence == 1


async def test_when_all_fail_the_error_names_each_reason_and_a_retry_asks_them_again():
    errors = {name: SourceUnavailable(f"The {name} is away.") for name in SOURCES}
    good = {"scheduler": RUN, "knowledge": [HIT], "logs": [LINE], "metrics": [READING]}
    sources = {name: Asked(errors[name], errors[name], good[name]) for name in ("scheduler", "metrics")}
    sources |= {name: Asked(errors[name], good[name]) for name in ("knowledge", "logs")}
    async with serving(app_of(Sources(**sources))) as server:
        handle = await server.client.start("troubleshooting", asking(), result=contract.TroubleshootingReport)
        with pytest.raises(WorkflowFailed) as caught:
            await handle.result()
        first = Told([event async for event in handle.watch()])
        again = await handle.retry()
        report = await again.result()
        second = Told([event async for event in again.watch()])
    for name in SOURCES:
        assert f"The {name} is away." in caught.value.error.message
    assert set(first.ends().values()) == {"ERROR"}
    assert set(second.ends().values()) == {"answered"}
    assert len(second.ends()) == 4
    assert report.diagnosis.jobs[0].confidence == 1
    assert not report.warnings
    assert "routing" not in second.steps()


async def test_fewer_answers_than_must_be_are_an_error():
    silent = Asked(SourceUnavailable("It is away."))
    sources = replace(GOOD, knowledge=silent, logs=silent)
    message, told = await failing(app_of(sources, succeed_min=3))
    assert message.startswith("2 of 4 sources answered, and 3 must.")
    assert sorted(told.ends().values()) == ["ERROR", "ERROR", "answered", "answered"]


@pytest.mark.parametrize("error", [ZeroDivisionError("oops"), SourceUnavailable("no"), RecursionError()])
async def test_when_the_aggregator_fails_the_evidence_is_handed_on_as_it_is(error):
    report, told = await reported(app_of(aggregate=raising(error)))
    assert report.summary == UNAGGREGATED
    assert not report.HasField("diagnosis")
    assert report.evidence.runs[0].error == "MemoryError"
    assert len(report.evidence.logs) == len(report.evidence.metrics) == len(report.evidence.knowledge) == 1
    assert report.warnings == [f"There is no diagnosis, because the aggregator failed ({type(error).__name__})."]
    assert report.figures.sources_available == 4
    assert told.evidence() == report.evidence


async def test_names_that_hang_when_they_are_resolved_hold_up_nothing_but_their_source():
    gate, loop = threading.Event(), asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    hanging = []

    async def resolves(*_):
        hanging.append(loop.run_in_executor(None, gate.wait, PATIENCE))
        await asyncio.shield(hanging[0])

    async with serving(app_of(replace(GOOD, metrics=resolves), source_seconds_max=IMPATIENT)) as server:
        handle = await server.client.start("troubleshooting", asking(), result=contract.TroubleshootingReport)
        report = await handle.result()
        assert not hanging[0].done()
        gate.set()
    await hanging[0]
    assert report.warnings == [f"The metrics could not be asked: no answer within {IMPATIENT} s."]
    assert report.diagnosis.jobs[0].cause == contract.CAUSE_OUT_OF_MEMORY


async def test_an_aggregator_that_hangs_is_given_up():
    gate = threading.Event()
    try:
        report, _ = await reported(app_of(aggregate=lambda *_: gate.wait(PATIENCE), aggregate_seconds_max=IMPATIENT))
    finally:
        gate.set()
    assert report.summary == UNAGGREGATED
    assert report.warnings == ["There is no diagnosis, because the aggregator failed (TimeoutError)."]
    assert report.evidence.runs[0].error == "MemoryError"


@pytest.mark.parametrize(
    ("request_", "sources", "words"),
    [
        (asking("Is nightly-etl running?"), Sources(), f"Set {SETTING}SCHEDULER_URL"),
        (asking("Why is it slow?"), Sources(), f"Set {SETTING}LOGS or {SETTING}METRICS_URL"),
        (asking("How are they?", kind=contract.QUERY_KIND_JOB_STATUS), GOOD, "needs a job"),
        (asking("How do I rerun it?", without=[contract.EVIDENCE_SOURCE_KNOWLEDGE]), GOOD, "`without`"),
    ],
)
async def test_when_nobody_can_be_asked_the_error_says_what_is_missing(request_, sources, words):
    message, told = await failing(app_of(sources), request_)
    assert words in message
    assert not told.branches


async def test_when_no_job_has_failed_and_nobody_else_is_there_that_is_the_report():
    async def no_failed_jobs(_limit):
        return []

    sources = Sources(scheduler=Asked(RUN), failed_jobs=no_failed_jobs)
    report, told = await reported(app_of(sources), asking("Which jobs failed?"))
    assert report.summary == "No job has failed of late."
    assert report.diagnosis.severity == contract.SEVERITY_NONE
    assert not told.branches


async def test_the_settings_say_who_is_asked(monkeypatch, tmp_path):
    (tmp_path / "nightly-etl.log").write_text("ERROR MemoryError\n")
    monkeypatch.setenv(f"{SETTING}LOGS", str(tmp_path))
    app = App()
    troubleshooting.register(app)
    report, told = await reported(app)
    assert told.ends() == {"knowledge": "answered", "logs/nightly-etl": "answered"}
    assert report.summary == "nightly-etl seems to have failed because memory ran out."
    assert report.warnings == [
        f"The scheduler and the metrics are not configured ({SETTING}SCHEDULER_URL, {SETTING}METRICS_URL)."
    ]


async def test_where_nobody_is_configured_who_could_tell_the_report_says_so():
    report, _ = await reported(app_of(Sources(knowledge=Asked([HIT]))))
    assert report.summary == (
        "nightly-etl could not be looked into, as neither the scheduler nor the logs are configured."
    )
    [warning] = report.warnings
    assert warning.startswith("The scheduler, the logs and the metrics are not configured (")
    assert report.diagnosis.severity == contract.SEVERITY_UNSPECIFIED


async def test_a_wrong_request_is_refused_by_the_names_of_its_fields():
    async with serving(app_of()) as server:
        with pytest.raises(InvalidInput) as refusal:
            await server.client.start("troubleshooting", contract.TroubleshootingRequest(job_names=["a", "a"]))
    assert {violation.field for violation in refusal.value.violations} == {"message", "job_names"}
