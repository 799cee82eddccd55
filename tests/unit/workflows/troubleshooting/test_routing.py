import pytest

from stretto.troubleshooting.v1 import troubleshooting_pb2 as contract
from stretto.workflows.troubleshooting.names import JOBS_MAX, job_names
from stretto.workflows.troubleshooting.routing import TERMS_MAX, QueryKind, route, terms_of

FAILURE, STATUS, PERFORMANCE, HOW_TO = (
    QueryKind.JOB_FAILURE, QueryKind.JOB_STATUS, QueryKind.PERFORMANCE, QueryKind.HOW_TO,
)  # fmt: skip


@pytest.mark.parametrize(
    ("message", "kind", "jobs"),
    [
        # Why jobs failed.
        ("Why did nightly-etl fail?", FAILURE, ["nightly-etl"]),
        ("nightly-etl failed again last night", FAILURE, ["nightly-etl"]),
        ("Jobs nightly-etl, ledger-sync and report_mailer crashed.", FAILURE,
         ["nightly-etl", "ledger-sync", "report_mailer"]),
        ("Which jobs failed last night?", FAILURE, []),
        ("What went wrong with etl_daily?", FAILURE, ["etl_daily"]),
        ("etl_daily didn't finish", FAILURE, ["etl_daily"]),
        ("etl_daily has not run since Monday", FAILURE, ["etl_daily"]),
        ("Did nightly-etl fail?", FAILURE, ["nightly-etl"]),
        ('The job "payroll" exited with exit code 137', FAILURE, ["payroll"]),
        ("s3-to-redshift: OOMKilled", FAILURE, ["s3-to-redshift"]),
        ("MemoryError in `importer`", FAILURE, ["importer"]),
        ("The import dies with connection refused", FAILURE, []),
        ("How do I fix nightly-etl? It failed with an error.", FAILURE, ["nightly-etl"]),
        ("Everything is broken!", FAILURE, []),
        ("We had an outage at 3 am, find the root cause", FAILURE, []),
        ("nightly-etl\u2019s last run threw an exception", FAILURE, ["nightly-etl"]),
        ("billing_export stopped working after the follow-up", FAILURE, ["billing_export"]),
        ("sign-up-mailer raised psycopg.OperationalError", FAILURE, ["sign-up-mailer"]),
        ("Troubleshoot the payroll job", FAILURE, []),
        ("Diagnose nightly-etl", FAILURE, ["nightly-etl"]),
        # How jobs are doing.
        ("What is the status of nightly-etl?", STATUS, ["nightly-etl"]),
        ("Is nightly-etl still running?", STATUS, ["nightly-etl"]),
        ("Has etl_daily finished?", STATUS, ["etl_daily"]),
        ("When did ledger-sync last run?", STATUS, ["ledger-sync"]),
        ("How is warehouse-load coming along?", STATUS, ["warehouse-load"]),
        ("Check on nightly-etl and ledger-sync please", STATUS, ["nightly-etl", "ledger-sync"]),
        ("Tell me about nightly-etl", STATUS, ["nightly-etl"]),
        ("nightly-etl?", STATUS, ["nightly-etl"]),
        ("Is everything in nightly-etl done without errors?", STATUS, ["nightly-etl"]),
        ("Are all my jobs done?", FAILURE, []),
        # Slow, or short of something.
        ("Why is nightly-etl so slow?", PERFORMANCE, ["nightly-etl"]),
        ("nightly-etl takes too long", PERFORMANCE, ["nightly-etl"]),
        ("The CPU is at 100 % on worker-3", PERFORMANCE, []),
        ("High latency on the API since noon", PERFORMANCE, []),
        ("Disk space is running low on db-1", PERFORMANCE, []),
        ("We are short of memory", PERFORMANCE, []),
        ("p99 went up after the deployment", PERFORMANCE, []),
        ("etl_daily did not fail, but it is slower than last week", PERFORMANCE, ["etl_daily"]),
        ("The site is sluggish, is it the memory usage?", PERFORMANCE, []),
        ("Troubleshoot worker-3, it is so slow", PERFORMANCE, []),
        # How something is done.
        ("How do I rerun a job?", HOW_TO, []),
        ("How do I rerun nightly-etl?", HOW_TO, ["nightly-etl"]),
        ("How to backfill a week of data", HOW_TO, []),
        ("Is there a runbook for full disks?", HOW_TO, []),
        ("What should we do when a certificate expires?", HOW_TO, []),
        ("How can I handle out-of-memory errors?", HOW_TO, []),
        ("Show me the procedure for a fail-over", HOW_TO, []),
        ("Tell me about deadlocks", FAILURE, []),
        ("hello", HOW_TO, []),
    ],
)  # fmt: skip
def test_a_message_says_what_it_is_about(message, kind, jobs):
    found = route({"message": message})
    assert (found.kind, list(found.jobs)) == (kind, jobs)


@pytest.mark.parametrize(
    "text",
    [
        "out-of-memory", "a follow-up", "up-to-date", "end-to-end", "day-to-day", "step-by-step", "state-of-the-art",
        "a long-running query", "real-time data", "a clean-up", "read-only", "a built-in", "well-known", "non-zero",
        "one-off", "second-hand", "24-hour", "2026-11-20", "10-12", "OPS-123", "OUT_OF_MEMORY", "PYTHON_HOME",
        "utf-8", "sha-256", "us-east-1", "eu-central-1a", "worker-3", "worker-3:9100", "db-1", "web-01",
        "report-2026.csv", "etl_daily.py", "my-site.com", "https://nightly-etl.example/run", "/var/log/nightly-etl",
        "me@nightly-etl", "1f0c7e4a-6b1d-4a53-9f0e-0d6a8a0f5a11", "memory_used", "exit-code", "log-files", "e-mail",
        "'failed'", "'MemoryError'", "`ENOSPC`", "don't", "it's 'it'", "cpu-intensive", "root-cause", "--force",
        "a -- b", "newly-added", "semi-annual", "_", "-", "a__b",
    ],
)  # fmt: skip
def test_what_people_join_is_no_job(text):
    assert job_names(f"Is {text} the trouble?") == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("(nightly-etl)", ["nightly-etl"]),
        ("nightly-etl, etl_daily; ledger-sync!", ["nightly-etl", "etl_daily", "ledger-sync"]),
        ("nightly-etl and nightly-etl", ["nightly-etl"]),
        ("nightly-etl's log", ["nightly-etl"]),
        ("'payroll' or \"bill run\" or `orders.v2`", ["payroll", "orders.v2"]),
        ("the job named payroll, and the dag called orders.", ["payroll", "orders"]),
        ("'roll-up'", ["roll-up"]),
        ("etl-v2 team_etl.daily full-refresh", ["etl-v2", "team_etl.daily", "full-refresh"]),
        ("\u201cledger\u201d is late", ["ledger"]),
        ("x" * 150 + "-" + "y" * 150, []),
    ],
)
def test_jobs_are_named_in_many_ways(text, names):
    assert list(job_names(text)) == names


def test_no_more_jobs_than_the_contract_takes():
    assert len(job_names(" ".join(f"etl_job{number}" for number in range(JOBS_MAX + 1)))) == JOBS_MAX


def test_what_a_request_says_itself_wins():
    found = route({"message": "How do I rerun etl_daily?", "kind": "QUERY_KIND_JOB_STATUS", "job_names": ["payroll"]})
    assert (found.kind, found.jobs) == (STATUS, ("payroll",))
    assert found.terms == ("rerun",)


def test_an_instance_alone_is_about_performance():
    assert route({"message": "Have a look, please", "instance": "worker-3:9100"}).kind is PERFORMANCE
    assert route({"message": "Have a look, please", "kind": "QUERY_KIND_UNSPECIFIED"}).kind is HOW_TO


@pytest.mark.parametrize(
    ("message", "terms"),
    [
        ("Why did nightly-etl fail?", []),
        ("How do I rerun a job after a disk was full?", ["rerun", "disk", "full"]),
        ("java.lang.outofmemoryerror, java.lang.OutOfMemoryError", ["java.lang.OutOfMemoryError"]),
        ("Out-of-memory on HTTP 503", ["memory", "HTTP", "503"]),
        ("What is it?", []),
        ("Überlauf! 磁盘已满", ["Überlauf", "磁盘已满"]),
    ],
)
def test_only_words_that_say_something_are_searched_for(message, terms):
    assert list(route({"message": message}).terms) == terms


def test_terms_have_a_bound():
    assert len(terms_of(" ".join(f"word{number}" for number in range(TERMS_MAX + 1)))) == TERMS_MAX


def test_kinds_are_those_of_the_contract():
    assert {kind.value for kind in QueryKind} == set(contract.QueryKind.keys())


def test_a_short_name_of_a_job_is_no_part_of_other_words():
    asked = route({"message": "Why does a take so long at the warehouse?", "job_names": ["a"]})
    assert (asked.kind, asked.terms) == (PERFORMANCE, ("take", "long", "warehouse"))


def test_the_words_of_a_given_name_say_nothing_of_the_query():
    assert route({"message": "Is load done?", "job_names": ["load"]}).kind is STATUS
