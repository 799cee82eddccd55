from itertools import product

import pytest

from stretto.troubleshooting.v1 import troubleshooting_pb2 as contract
from stretto.workflows.troubleshooting.aggregation import ACTIONS_MAX, aggregate
from stretto.workflows.troubleshooting.findings import Severity
from stretto.workflows.troubleshooting.routing import QueryKind
from stretto.workflows.troubleshooting.scheduler import RunStatus
from stretto.workflows.troubleshooting.signatures import Cause
from tests.unit.workflows.troubleshooting.evidence_made import case, hit, line, reading, run

FULL = (run(error="MemoryError", exit_code=137), line(count=3), reading(), hit())


def job_of(*found, **fields):
    """The diagnosis of the one job of a case."""
    return aggregate(case(*found, **fields)).diagnosis.jobs[0]


def test_sources_that_agree_make_a_sure_diagnosis():
    concluded = aggregate(case(*FULL))
    job = concluded.diagnosis.jobs[0]
    assert (job.status, job.cause, job.confidence) == (RunStatus.FAILED, Cause.OUT_OF_MEMORY, 1.0)
    assert job.explanation == "nightly-etl failed because memory ran out: MemoryError."
    assert job.evidence == (
        "scheduler: MemoryError",
        "scheduler: exit code 137",
        "logs: out of memory (3 lines)",
        "metrics: memory_used of worker-3:9100 is 95 percent, above 90",
        "knowledge: Out of memory (out-of-memory.md)",
    )
    assert job.runbook == "out-of-memory.md"
    assert concluded.summary == "nightly-etl failed because memory ran out (3 of 3 sources agree)."
    assert concluded.diagnosis.actions == ("Add memory.",)
    assert concluded.diagnosis.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    ("found", "silent", "confidence"),
    [
        (FULL, [], 1.0),
        (FULL[:2], [], 1.0),
        (FULL[:1], [], 0.5),
        (FULL[:1], ["logs"], 0.5),
        ((FULL[0], line("Connection refused")), [], 0.5),
        (FULL[1:], ["scheduler"], 0.667),
        (FULL[1:2], ["scheduler"], 0.5),
        # Metrics support a cause that they show, and what they do not show any more speaks against none.
        ((FULL[0], reading()), [], 0.667),
        ((FULL[0], reading(value=50.0)), [], 0.5),
        ((FULL[0], reading("disk_used")), [], 0.5),
        ((run(), reading()), [], 0.333),
        # Runbooks have seen nothing.
        ((FULL[0], hit()), [], 0.5),
    ],
)
def test_confidence_is_the_share_of_those_that_could_show_the_cause(found, silent, confidence):
    assert job_of(*found, silent=silent).confidence == confidence


@pytest.mark.parametrize("left_out", [*product([False, True], repeat=4)])
def test_whatever_sources_are_missing_there_is_a_conclusion(left_out):
    names = ("scheduler", "logs", "metrics", "knowledge")
    silent = [name for name, out in zip(names, left_out, strict=True) if out]
    found = [each for each, out in zip(FULL, left_out, strict=True) if not out]
    for kind in QueryKind:
        concluded = aggregate(case(*found, silent=silent, kind=kind))
        assert concluded.summary.endswith(".")
        assert len(concluded.diagnosis.jobs) == 1
        assert not aggregate(case(*found, silent=silent, kind=kind, jobs=())).diagnosis.jobs


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        # The scheduler's error outweighs a line of a log, and many lines of a log outweigh an exit code.
        ([run(error="No space left on device"), line("Connection refused")], Cause.DISK_FULL),
        ([run(exit_code=137), line("Connection refused", count=1000)], Cause.DEPENDENCY_UNAVAILABLE),
        # Warnings weigh less than errors.
        ([run(), line("Read timed out", level="WARN"), line("KeyError: 'id'")], Cause.BAD_DATA),
        # Runbooks decide nothing, metrics only when nothing else does.
        ([run(), hit()], Cause.UNKNOWN),
        ([run(), reading()], Cause.OUT_OF_MEMORY),
        ([run(), reading("disk_used"), line("KeyError: 'id'")], Cause.BAD_DATA),
        ([run(), reading(value=50.0)], Cause.UNKNOWN),
        # High load elsewhere says nothing.
        ([run(instance="worker-4"), reading()], Cause.UNKNOWN),
        ([run(instance="worker-3"), reading()], Cause.OUT_OF_MEMORY),
        # Lines of other jobs do not count.
        ([run(), line(job="ledger-sync")], Cause.UNKNOWN),
        # What did not fail has no cause of failure.
        ([run(status=RunStatus.SUCCEEDED), line()], Cause.UNKNOWN),
        ([run(status=RunStatus.RUNNING), line()], Cause.UNKNOWN),
        ([line()], Cause.OUT_OF_MEMORY),
        ([reading()], Cause.UNKNOWN),
        ([], Cause.UNKNOWN),
    ],
)
def test_what_weighs_most_is_the_cause(found, cause):
    assert job_of(*found).cause is cause


@pytest.mark.parametrize(
    ("found", "explanation"),
    [
        ([run(status=RunStatus.SUCCEEDED)], "nightly-etl ended well."),
        ([run(status=RunStatus.RUNNING)], "nightly-etl is running."),
        ([run(status=RunStatus.WAITING)], "nightly-etl waits for its time or its turn."),
        ([run(status=RunStatus.UNKNOWN_JOB)], "nightly-etl is not known to the scheduler."),
        ([run()], "nightly-etl failed, and nothing tells why."),
        ([run(error="Bug 17")], "nightly-etl failed, and nothing tells why: Bug 17."),
        ([line()], "nightly-etl seems to have failed because memory ran out: MemoryError."),
        ([run(status=RunStatus.UNSPECIFIED)], "nightly-etl is in a state that is not known."),
    ],
)
def test_a_job_is_explained_in_a_sentence(found, explanation):
    assert job_of(*found).explanation == explanation


@pytest.mark.parametrize(
    ("found", "silent", "explanation", "severity"),
    [
        ([], ["scheduler"], "nightly-etl shows no failure in the logs, and the scheduler told nothing of it.",
         Severity.UNKNOWN),
        ([line("Step 3 went wrong")], ["scheduler"],
         "nightly-etl logged errors, and nothing tells their cause: Step 3 went wrong.",
         Severity.MEDIUM),
        ([], ["scheduler", "logs"],
         "nightly-etl could not be looked into, as neither the scheduler nor the logs told of it.", Severity.UNKNOWN),
        ([reading()], ["scheduler", "logs"],
         "nightly-etl could not be looked into, as neither the scheduler nor the logs told of it.", Severity.MEDIUM),
    ],
)  # fmt: skip
def test_what_nobody_could_tell_of_a_job_is_not_called_well(found, silent, explanation, severity):
    concluded = aggregate(case(*found, silent=silent))
    assert concluded.diagnosis.jobs[0].explanation == explanation
    assert explanation.startswith(concluded.summary.removesuffix("."))
    assert concluded.diagnosis.severity is severity


@pytest.mark.parametrize(
    ("unconfigured", "silent", "explanation"),
    [
        (["scheduler", "logs"], ["scheduler", "logs"],
         "nightly-etl could not be looked into, as neither the scheduler nor the logs are configured."),
        (["scheduler"], ["scheduler", "logs"],
         "nightly-etl could not be looked into, as the scheduler is not configured, and the logs told nothing."),
        (["logs"], ["scheduler", "logs"],
         "nightly-etl could not be looked into, as the scheduler told nothing, and the logs are not configured."),
        (["scheduler"], ["scheduler"],
         "nightly-etl shows no failure in the logs, and the scheduler is not configured."),
    ],
)  # fmt: skip
def test_a_job_that_nobody_is_there_to_tell_of_is_told_so(unconfigured, silent, explanation):
    assert job_of(silent=silent, unconfigured=frozenset(unconfigured)).explanation == explanation


OVEN = "2026-11-20 02:00:01 ERROR cake-job oven E42 broke"
ENDED = "Task main failed. Its log ends with:\nPreheating\nRetrying after TimeoutError"


@pytest.mark.parametrize(
    ("found", "explanation", "evidence"),
    [
        ([line(OVEN), line("Step 3", level="WARN")],
         "nightly-etl logged errors, and nothing tells their cause: cake-job oven E42 broke.",
         (f"logs: {OVEN}", "logs: Step 3")),
        ([line("Step 3 is slow", level="WARN")],
         "nightly-etl logged warnings, and nothing tells their cause: Step 3 is slow.", ("logs: Step 3 is slow",)),
        ([run(), line(OVEN)], "nightly-etl failed, and nothing tells why: cake-job oven E42 broke.",
         (f"logs: {OVEN}",)),
        ([run(error="Bug 17"), line(OVEN)],
         "nightly-etl failed, and nothing tells why: Bug 17. The logs say: cake-job oven E42 broke.",
         ("scheduler: Bug 17", f"logs: {OVEN}")),
        ([run(error="Bug 17\nBug 18"), line("Bug 18")], "nightly-etl failed, and nothing tells why: Bug 17 Bug 18.",
         ("scheduler: Bug 17", "scheduler: Bug 18", "logs: Bug 18")),
        ([run(error=ENDED)],
         "nightly-etl failed, and nothing tells why: Task main failed. Its log ends with: Retrying after TimeoutError.",
         ("scheduler: Task main failed. Its log ends with:", "scheduler: Preheating",
          "scheduler: Retrying after TimeoutError")),
        ([run(status=RunStatus.SUCCEEDED), line(OVEN)], "nightly-etl ended well.", ()),
    ],
)  # fmt: skip
def test_trouble_without_a_known_cause_is_quoted(found, explanation, evidence):
    job = job_of(*found)
    assert (job.explanation, job.evidence, job.cause) == (explanation, evidence, Cause.UNKNOWN)


def test_the_end_of_a_log_speaks_for_no_cause_beside_another():
    job = job_of(run(error=ENDED, exit_code=137))
    assert (job.cause, job.evidence) == (Cause.OUT_OF_MEMORY, ("scheduler: exit code 137",))


def test_a_warning_beside_a_job_of_which_nobody_told_does_not_make_it_light():
    found = [run("ledger-sync", RunStatus.SUCCEEDED), line("Read timed out", job="ledger-sync", level="WARN")]
    concluded = aggregate(case(*found, jobs=("ledger-sync", "nightly-etl")))
    assert concluded.diagnosis.severity is Severity.UNKNOWN


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("MemoryError", "MemoryError"),
        ("2026-11-20 02:17:41,702 ERROR MemoryError: no more", "MemoryError: no more"),
        ("[2026-11-20T02:17:41Z] [CRITICAL] app: MemoryError", "app: MemoryError"),
        ("2026-11-20 02:17:41 ERROR step failed … MemoryError: no more", "MemoryError: no more"),
        ("ERROR step failed … Caused by: java.lang.OutOfMemoryError", "java.lang.OutOfMemoryError"),
    ],
)
def test_a_line_of_a_log_is_told_without_its_time_and_level(text, told):
    assert job_of(line(text)).explanation == f"nightly-etl seems to have failed because memory ran out: {told}."


def test_the_line_that_is_told_is_one_that_tells_of_the_cause():
    found = [run(error="Task load failed."), line("Connection refused", level="WARN"), line(count=9)]
    assert job_of(*found).explanation == "nightly-etl failed because memory ran out: MemoryError."


def test_broken_jobs_come_first_and_a_summary_tells_of_the_first_ones():
    jobs = ("a-fine", "b-bad", "c-worst", "d-bad", "e-bad")
    concluded = aggregate(
        case(
            run("a-fine", RunStatus.SUCCEEDED),
            run("c-worst", error="MemoryError", failures_in_a_row=7),
            *(run(job, error="Connection refused") for job in ("b-bad", "d-bad", "e-bad")),
            jobs=jobs,
        )
    )
    assert [job.job_name for job in concluded.diagnosis.jobs] == ["c-worst", "b-bad", "d-bad", "e-bad", "a-fine"]
    assert concluded.summary.startswith("c-worst failed because memory ran out (1 of 2 sources agree); b-bad failed")
    assert concluded.summary.endswith("; and 2 more.")


@pytest.mark.parametrize(
    ("found", "jobs", "severity"),
    [
        ([run(status=RunStatus.SUCCEEDED)], ("nightly-etl",), Severity.NONE),
        ([run(status=RunStatus.UNKNOWN_JOB)], ("nightly-etl",), Severity.LOW),
        ([run()], ("nightly-etl",), Severity.MEDIUM),
        ([run(failures_in_a_row=3)], ("nightly-etl",), Severity.HIGH),
        ([run(), run("ledger-sync")], ("nightly-etl", "ledger-sync"), Severity.HIGH),
        ([reading(value=91.0)], (), Severity.MEDIUM),
        ([reading(value=97.0)], (), Severity.HIGH),
        ([reading("response_p99", 3.0, unit="seconds", threshold=1.0, exceeded=True)], (), Severity.HIGH),
        ([reading("error_rate", 10.0, threshold=5.0, exceeded=True)], (), Severity.HIGH),
        ([reading("response_p99", 1.5, unit="seconds", threshold=1.0, exceeded=True)], (), Severity.MEDIUM),
        ([line("Read timed out", job="", level="WARN")], (), Severity.LOW),
        ([line("Something broke", job="")], (), Severity.MEDIUM),
        ([line("Something broke", job="", level="")], (), Severity.LOW),
        ([line("Something broke", job="", level="FATAL")], (), Severity.HIGH),
    ],
)
def test_it_is_as_bad_as_the_worst_of_it(found, jobs, severity):
    assert aggregate(case(*found, jobs=jobs, looked_for_failures=not jobs)).diagnosis.severity is severity


def test_findings_are_what_no_diagnosis_explains_the_worst_first():
    explained, other = line(), line("Connection refused", count=4)
    part_of_it = line("The run failed")
    disk = reading("disk_used", 98.2)
    found = aggregate(case(run(error="MemoryError"), explained, part_of_it, other, disk)).diagnosis.findings
    assert [(each.severity, each.source, each.explanation) for each in found] == [
        (Severity.HIGH, "EVIDENCE_SOURCE_METRICS", "disk_used of worker-3:9100 is 98.2 percent, above 90."),
        (Severity.MEDIUM, "EVIDENCE_SOURCE_LOGS", "nightly-etl.log says, 4 times: Connection refused."),
    ]


def test_actions_come_from_the_runbooks_of_the_causes_each_once():
    memory = hit(actions=("Look at the log.", *(f"Memory {number}." for number in range(9))))
    disk = hit(Cause.DISK_FULL, "disk-full.md", actions=("Look at the log.", *(f"Disk {n}." for n in range(9))))
    other = hit(Cause.TIMEOUT, "timeouts.md", actions=("Never.",))
    jobs = ("nightly-etl", "ledger-sync")
    found = [run(error="MemoryError"), run("ledger-sync", error="ENOSPC"), other, memory, disk]
    actions = aggregate(case(*found, jobs=jobs)).diagnosis.actions
    assert actions[:2] == ("Look at the log.", "Memory 0.")
    assert "Disk 0." in actions
    assert "Never." not in actions
    assert len(actions) == len(set(actions)) <= ACTIONS_MAX


def test_a_runbook_may_be_looked_up_by_the_cause_and_the_line():
    asked = []

    def find(cause, text):
        asked.append((cause, text))
        return hit(cause, "expired-certificate.md")

    told = "SSL: certificate has expired"
    job = aggregate(case(run(error=told), hit(Cause.ACCESS_DENIED, "access-denied.md")), find).diagnosis.jobs[0]
    assert asked == [(Cause.ACCESS_DENIED, told)]
    assert job.runbook == "expired-certificate.md"


@pytest.mark.parametrize(
    ("found", "fields", "summary"),
    [
        ([], {"looked_for_failures": True}, "No job has failed of late."),
        ([reading()], {"looked_for_failures": True},
         "No job has failed of late; memory_used of worker-3:9100 is 95 percent, above 90."),
        ([], {}, "Which jobs have failed is not known."),
        ([line("Boom", job="", file="app.log"), reading(instance="")], {},
         "Which jobs have failed is not known; memory_used is 95 percent, above 90; and 1 more to see to."),
        ([reading(value=50.0)], {"kind": QueryKind.PERFORMANCE}, "Nothing that was looked at is out of the ordinary."),
        ([], {"kind": QueryKind.PERFORMANCE}, "The logs show no trouble, and the metrics told nothing."),
        ([], {"kind": QueryKind.PERFORMANCE, "silent": ["logs"]},
         "Nothing could be looked into, as neither the metrics nor the logs told anything."),
        ([], {"unconfigured": {"scheduler"}},
         "Which jobs have failed is not known, as the scheduler is not configured."),
        ([], {"kind": QueryKind.PERFORMANCE, "unconfigured": {"metrics"}},
         "The logs show no trouble, and the metrics are not configured."),
        ([], {"kind": QueryKind.PERFORMANCE, "silent": ["logs"], "unconfigured": {"logs", "metrics"}},
         "Nothing could be looked into, as neither the metrics nor the logs are configured."),
        ([line("Boom", job="", file="app.log")], {"kind": QueryKind.PERFORMANCE}, "app.log says: Boom."),
        ([reading()], {"kind": QueryKind.PERFORMANCE}, "memory_used of worker-3:9100 is 95 percent, above 90."),
        ([hit(title="Run a job again", runbook="rerun-a-job.md")], {"kind": QueryKind.HOW_TO},
         "The runbook rerun-a-job.md tells how: Run a job again."),
        ([], {"kind": QueryKind.HOW_TO}, "No runbook fits the question."),
    ],
)  # fmt: skip
def test_a_query_without_jobs_has_a_summary_too(found, fields, summary):
    assert aggregate(case(*found, jobs=(), **fields)).summary == summary


@pytest.mark.parametrize(
    ("found", "fields", "severity"),
    [
        ([], {"looked_for_failures": True}, Severity.NONE),
        ([], {}, Severity.UNKNOWN),
        ([reading(value=50.0)], {"kind": QueryKind.PERFORMANCE}, Severity.NONE),
        ([], {"kind": QueryKind.PERFORMANCE}, Severity.UNKNOWN),
        ([], {"kind": QueryKind.PERFORMANCE, "silent": ["logs"]}, Severity.UNKNOWN),
        ([], {"kind": QueryKind.HOW_TO}, Severity.NONE),
    ],
)
def test_nothing_is_well_only_where_somebody_could_tell(found, fields, severity):
    assert aggregate(case(*found, jobs=(), **fields)).diagnosis.severity is severity


@pytest.mark.parametrize(
    ("message", "machines"),
    [
        ("Why is WORKER-3 so slow?", ["worker-3"]),
        ("Is worker-3:9100 short of memory, or worker-4?", ["worker-3", "worker-4"]),
        ("Why is it so slow?", ["worker-3", "worker-4", "api-1"]),
        ("Why is worker-33 so slow?", []),
        ("Why is API-1 so slow?", ["api-1"]),
    ],
)
def test_a_machine_that_the_message_names_is_what_it_is_about(message, machines):
    found = [reading(value=95, instance=f"{host}:9100") for host in ("worker-3", "worker-4", "api-1")]
    findings = aggregate(case(*found, kind=QueryKind.PERFORMANCE, jobs=(), message=message)).diagnosis.findings
    assert [each.explanation.partition(":")[0] for each in findings] == [f"memory_used of {host}" for host in machines]


@pytest.mark.parametrize(
    ("found", "fields", "concerns"),
    [
        ([run(status=RunStatus.SUCCEEDED)], {}, False),
        ([run(status=RunStatus.UNKNOWN_JOB)], {}, False),
        ([run(instance="worker-4")], {}, False),
        ([run(instance="worker-3")], {}, True),
        ([run()], {}, True),
        ([], {"silent": ["scheduler"]}, True),
        ([run(status=RunStatus.SUCCEEDED)], {"instance": "worker-3"}, True),
        ([run(status=RunStatus.SUCCEEDED)], {"kind": QueryKind.PERFORMANCE}, True),
        ([], {"jobs": ()}, True),
    ],
)
def test_a_machine_in_trouble_concerns_the_jobs_that_failed_there(found, fields, concerns):
    concluded = aggregate(case(*found, reading(value=99.0), **fields))
    assert bool(concluded.diagnosis.findings) == (concluded.diagnosis.severity is Severity.HIGH) == concerns


ELSEWHERE = line("ERROR nightly-etl on worker-1 ran out of memory", job="", file="app.log")


@pytest.mark.parametrize("fields", [{"message": "Why is worker-3 so slow?"}, {"instance": "worker-3:9100"}])
def test_trouble_of_another_machine_is_no_headline_and_no_reason_to_act(fields):
    found = [reading(value=50.0), reading(value=99.0, instance="worker-1:9100"), ELSEWHERE, hit()]
    concluded = aggregate(case(*found, kind=QueryKind.PERFORMANCE, jobs=(), **fields))
    assert concluded.summary == "Nothing that was looked at is out of the ordinary."
    assert (concluded.diagnosis.findings, concluded.diagnosis.actions) == ((), ())
    assert concluded.diagnosis.severity is Severity.NONE


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "ERROR worker-3 ran out of memory"},
        {"text": "ERROR worker-1 tells worker-3.prod: MemoryError"},
        {"text": "MemoryError", "file": "worker-3/app.log"},
        {"text": "MemoryError", "file": "app.log"},
    ],
)
def test_trouble_of_the_machine_itself_is_the_headline_and_has_actions(fields):
    found = [line(job="", **{"file": "app.log", **fields}), ELSEWHERE, hit()]
    asked = {"kind": QueryKind.PERFORMANCE, "jobs": (), "message": "Why is worker-3 so slow?"}
    concluded = aggregate(case(*found, **asked))
    assert len(concluded.diagnosis.findings) == 1
    assert concluded.diagnosis.actions == ("Add memory.",)


def test_without_readings_of_the_machine_it_is_not_known():
    asked = {"kind": QueryKind.PERFORMANCE, "jobs": (), "message": "Why is worker-33 so slow?"}
    concluded = aggregate(case(reading(), ELSEWHERE, **asked))
    assert concluded.summary == "The logs show no trouble of worker-33, and the metrics told nothing."
    assert concluded.diagnosis.severity is Severity.UNKNOWN


def test_actions_for_something_slow_are_of_the_causes_that_are_pointed_at():
    memory, disk = hit(), hit(Cause.DISK_FULL, "disk-full.md", actions=("Free some space.",))
    asked = {"kind": QueryKind.PERFORMANCE, "jobs": ()}
    assert aggregate(case(memory, disk, reading("disk_used"), **asked)).diagnosis.actions == ("Free some space.",)
    assert aggregate(case(memory, disk, reading("disk_used", 50.0), **asked)).diagnosis.actions == ()
    both = aggregate(case(memory, disk, reading("disk_used"), line(job=""), **asked)).diagnosis.actions
    assert both == ("Free some space.", "Add memory.")


@pytest.mark.parametrize("kind", [QueryKind.HOW_TO, QueryKind.PERFORMANCE])
def test_the_best_runbook_says_what_to_do_where_no_job_does(kind):
    steps = ("Clear the task.", "Wait.")
    concluded = aggregate(case(hit(Cause.UNKNOWN, actions=steps), hit(), kind=kind, jobs=()))
    assert concluded.diagnosis.actions == steps


def test_a_failure_without_a_cause_has_no_actions_of_a_runbook_for_something_else():
    assert aggregate(case(run(), hit())).diagnosis.actions == ()


def test_severities_are_those_of_the_contract():
    assert {severity.value for severity in Severity} == set(contract.Severity.keys())
