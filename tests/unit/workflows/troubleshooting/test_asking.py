"""What a report warns of before anybody is asked."""

from dataclasses import replace

import pytest

from stretto.workflows.troubleshooting.asking import plan_of
from stretto.workflows.troubleshooting.sources import Sources

SETTING = "STRETTO_TROUBLESHOOTING_"
PATIENCE = 60


async def answers(*_):
    return []


async def failed_jobs(_limit):
    return ["ledger-sync"]


FULL = Sources(scheduler=answers, knowledge=answers, logs=answers, metrics=answers, failed_jobs=failed_jobs)


@pytest.mark.parametrize(
    ("request_", "machines"),
    [
        ({"message": "Why is Worker-3 so slow, and db-1?"}, ["worker-3", "db-1"]),
        ({"message": "Why is it slow?"}, []),
        # The job, or the instance, is what is looked for.
        ({"message": "Why is nightly-etl slow on worker-3?"}, []),
        ({"message": "Why is worker-3 so slow?", "instance": "worker-4"}, []),
    ],
)
async def test_machines_are_looked_for_where_nothing_else_is_named(request_, machines):
    plan = await plan_of(request_, FULL, PATIENCE)
    assert plan.query(request_)["machines"] == machines


async def warnings_about(message, *off, **fields):
    """What is warned of when these sources are switched off."""
    sources = replace(FULL, **dict.fromkeys(off))
    return list((await plan_of({"message": message, **fields}, sources, PATIENCE)).warnings)


@pytest.mark.parametrize(
    ("message", "off", "told"),
    [
        ("Why did nightly-etl fail?", ["scheduler", "logs", "metrics"],
         ("The scheduler, the logs and the metrics are not configured "
         f"({SETTING}SCHEDULER_URL, {SETTING}LOGS, {SETTING}METRICS_URL).")),
        ("Why did nightly-etl fail?", ["scheduler"], f"The scheduler is not configured ({SETTING}SCHEDULER_URL)."),
        ("Why did nightly-etl fail?", ["logs"], f"The logs are not configured ({SETTING}LOGS)."),
        ("Which jobs failed?", ["scheduler", "failed_jobs"],
         f"The scheduler is not configured ({SETTING}SCHEDULER_URL)."),
        ("Why is worker-3 so slow?", ["logs", "metrics"],
         f"The logs and the metrics are not configured ({SETTING}LOGS, {SETTING}METRICS_URL)."),
    ],
)  # fmt: skip
async def test_sources_that_would_be_of_use_and_are_not_there_are_told(message, off, told):
    assert await warnings_about(message, *off) == [told]


@pytest.mark.parametrize(
    ("message", "off", "without"),
    [
        ("Why did nightly-etl fail?", [], []),
        ("Why did nightly-etl fail?", ["logs"], ["EVIDENCE_SOURCE_LOGS"]),
        ("Is nightly-etl running?", ["logs", "metrics"], []),
        ("Why is worker-3 so slow?", ["scheduler"], []),
        ("How do I rerun a job?", ["scheduler", "logs", "metrics"], []),
    ],
)
async def test_what_is_of_no_use_or_not_wanted_is_not_missed(message, off, without):
    assert await warnings_about(message, *off, without=without) == []


async def test_a_name_that_was_not_taken_for_a_job_is_told():
    [warning] = await warnings_about("Why did payroll fail?")
    assert warning == (
        '"payroll" was not taken for a job, so this is about all jobs that have failed of late. To ask about one, name '
        "one in `job_names`, or in the message, such as `nightly-etl`; a name that looks like any other word is to be "
        'quoted: `"payroll"`.'
    )
    [warning] = await warnings_about("payroll failed, '../etc' too", without=["EVIDENCE_SOURCE_SCHEDULER"])
    assert warning.startswith('"payroll" and "../etc" were not taken for jobs, so this is about no job in particular.')


@pytest.mark.parametrize(
    ("message", "job_names"),
    [
        ('Why did "payroll" fail?', []),
        ("Why did payroll fail?", ["payroll"]),
        ("Which jobs failed?", []),
        ("Why did nightly-etl fail? The import broke.", []),
    ],
)
async def test_nothing_is_told_of_names_where_a_job_is_named_or_none_is_meant(message, job_names):
    assert await warnings_about(message, job_names=job_names) == []
