import datetime as dt
import gzip
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.troubleshooting.v1.troubleshooting_pb2 import LogFinding as Message
from stretto.workflows.troubleshooting import _log_files as files
from stretto.workflows.troubleshooting import logs as module
from stretto.workflows.troubleshooting._log_entries import JSON_CHARACTERS_MAX, bad_entry, blocks_of
from stretto.workflows.troubleshooting._log_files import LogFile
from stretto.workflows.troubleshooting._log_times import time_in, time_of
from stretto.workflows.troubleshooting._log_words import level_in, likeness, masked, may_be_bad, tells_of_failure
from stretto.workflows.troubleshooting.errors import SourceUnavailable
from stretto.workflows.troubleshooting.logs import Logs

WRITTEN_AT = dt.datetime(2026, 11, 21, 8, tzinfo=dt.UTC)


def at(*parts):
    return dt.datetime(*parts, tzinfo=dt.UTC)


def write(path, *lines, written_at=WRITTEN_AT):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    os.utime(path, (written_at.timestamp(), written_at.timestamp()))


def lines(findings):
    return [finding.line for finding in findings]


def entries(*of, name="a.log"):
    file = LogFile(Path(name), name, WRITTEN_AT)
    return [entry for block in blocks_of(of) if (entry := bad_entry(file, block))]


# What is found


def test_what_is_bad_and_mentions_the_job_is_found(tmp_path):
    write(
        tmp_path / "app.log",
        "2026-11-20 02:00:00,001 INFO nightly-etl started",
        "2026-11-20 02:00:01,500 WARNING nightly-etl slow partition",
        "2026-11-20 02:00:02,250 ERROR nightly-etl load failed",
        "2026-11-20 02:00:03,000 ERROR report-mailer no server",
        "2026-11-20 02:00:04,000 INFO nightly-etl cannot reach the cache",
        "2026-11-20 02:00:05,000 ERROR nightly-etl-2 another job",
        "2026-11-20 02:00:05,000 ERROR my-nightly-etl another job",
    )
    found = Logs(tmp_path).search("nightly-etl")
    assert [finding.model_dump() for finding in found] == [
        {
            "job_name": "nightly-etl",
            "file": "app.log",
            "line": "2026-11-20 02:00:02,250 ERROR nightly-etl load failed",
            "level": "ERROR",
            "count": 1,
            "last_at": at(2026, 11, 20, 2, 0, 2, 250000),
        },
        {
            "job_name": "nightly-etl",
            "file": "app.log",
            "line": "2026-11-20 02:00:01,500 WARNING nightly-etl slow partition",
            "level": "WARN",
            "count": 1,
            "last_at": at(2026, 11, 20, 2, 0, 1, 500000),
        },
        {
            "job_name": "nightly-etl",
            "file": "app.log",
            "line": "2026-11-20 02:00:04,000 INFO nightly-etl cannot reach the cache",
            "level": "INFO",
            "count": 1,
            "last_at": at(2026, 11, 20, 2, 0, 4),
        },
    ]
    assert Message(**found[0].model_dump()).count == 1


def test_like_lines_are_one_finding_with_the_words_of_the_newest(tmp_path):
    write(tmp_path / "b.log", "2026-11-20 03:00:00 ERROR etl: row 17 of a1b2c3d4e5f6 is 0x1f bad")
    write(
        tmp_path / "a.log",
        "2026-11-20 02:00:00 ERROR etl: row 3 of 99aa88bb77cc is 0xff bad",
        "2026-11-20 04:00:00 ERROR etl: row 1,204 of 0123456789ab is 0x00 bad",
        "2026-11-20 02:30:00 ERROR etl: row 5 of 0123456789ab is 0x00 bad",
        "2026-11-20 02:30:00 WARN etl: row 5 of 0123456789ab is 0x00 bad",
    )
    first, second = Logs(tmp_path).search("etl")
    assert (first.count, first.file, first.last_at) == (4, "a.log", at(2026, 11, 20, 4))
    assert "1,204" in first.line
    assert (second.level, second.count) == ("WARN", 1)


def test_of_lines_without_a_time_the_last_is_the_newest(tmp_path):
    write(tmp_path / "old.log", "ERROR etl row 9", written_at=at(2026, 1, 1))
    write(tmp_path / "new.log", "ERROR etl row 1", "ERROR etl row 2")
    (found,) = Logs(tmp_path).search("etl")
    assert (found.line, found.file, found.count, found.last_at) == ("ERROR etl row 2", "new.log", 3, None)


def test_the_worst_comes_first_and_then_the_newest(tmp_path):
    write(
        tmp_path / "a.log",
        "2026-11-20 02:00:00 WARN etl w",
        "2026-11-20 02:00:01 INFO etl failed i",
        "2026-11-20 02:00:02 etl failed none",
        "2026-11-20 02:00:03 ERROR etl older",
        "2026-11-20 02:00:04 ERROR etl newer",
        "2026-11-20 01:00:00 CRITICAL etl f",
        "2026-11-20 02:00:05 DEBUG etl failed d",
    )
    found = Logs(tmp_path).search("etl")
    assert [line.rsplit(" ", 1)[1] for line in lines(found)] == ["f", "newer", "older", "none", "w", "i", "d"]


def test_no_more_findings_than_the_bound(tmp_path):
    write(tmp_path / "a.log", *(f"ERROR etl {chr(97 + n // 26)}{chr(97 + n % 26)} bad" for n in range(60)))
    assert len(Logs(tmp_path).search("etl")) == 50


def test_without_a_job_any_of_the_terms_is_looked_for(tmp_path):
    write(
        tmp_path / "a.log",
        "ERROR Timeouts at db",
        "ERROR disk sda",
        "WARN the cache",
        "INFO timeout = 0 s",
        "INFO disk fine",
    )
    logs = Logs(tmp_path)
    assert lines(logs.search(terms=("timeout", "disk"))) == ["ERROR disk sda", "ERROR Timeouts at db"]
    assert lines(logs.search(terms=(".*", "("))) == []
    assert len(logs.search(terms=())) == len(logs.search(terms=("",))) == 3
    assert logs.search(terms=("disk",))[0].job_name == ""
    assert lines(logs.search("cache", terms=("disk",))) == ["WARN the cache"]


def test_a_file_that_is_called_after_the_job_is_about_it(tmp_path):
    for name in ("etl.log", "etl.log.1", "etl-2026-11-20.log", "deep/etl/out.log", "dag_id=etl/attempt=1.log"):
        write(tmp_path / name, f"ERROR in {name.translate(str.maketrans('0126', 'abcd'))}")
    for name in ("etl-two.log", "etl-2.log", "etl_x.log", "metl.log"):
        write(tmp_path / name, "ERROR elsewhere")
    found = Logs(tmp_path).search("ETL")
    assert sorted(finding.file for finding in found) == [
        "dag_id=etl/attempt=1.log",
        "deep/etl/out.log",
        "etl-2026-11-20.log",
        "etl.log",
        "etl.log.1",
    ]


def test_an_instance_is_named_by_a_line_or_by_its_file(tmp_path):
    write(tmp_path / "a.log", "ERROR worker-3 etl one", "ERROR worker-31 etl two", "ERROR etl three")
    write(tmp_path / "worker-3" / "a.log", "ERROR etl four")
    logs = Logs(tmp_path)
    assert sorted(lines(logs.search("etl", instance="worker-3:9100"))) == ["ERROR etl four", "ERROR worker-3 etl one"]
    assert logs.search("etl", instance="worker-3") == logs.search("etl", instance="worker-3:9100")
    assert logs.search("etl", instance="worker-4") == ()


def test_what_is_older_is_left_out(tmp_path):
    write(tmp_path / "a.log", "2026-11-20 02:00:00 ERROR etl old", "2026-11-20 04:00:00 ERROR etl new")
    write(tmp_path / "b.log", "ERROR etl without a time", written_at=at(2026, 11, 20, 5))
    write(tmp_path / "c.log", "ERROR etl without any time", written_at=at(2026, 11, 20, 1))
    found = Logs(tmp_path).search("etl", since=at(2026, 11, 20, 3))
    assert lines(found) == ["2026-11-20 04:00:00 ERROR etl new", "ERROR etl without a time"]


@pytest.mark.parametrize(
    "name",
    ["../outside", "/etc/passwd", "..", "\0", "*", "(", "[a-", "a" * 10_000, "%s", "{0}", "\\", "\n", "etl|report"],
)
def test_names_are_plain_text_and_never_a_path(tmp_path, name):
    write(tmp_path / "outside.log", "ERROR outside")
    write(tmp_path / "in" / "a.log", "ERROR etl", "ERROR report")
    logs = Logs(tmp_path / "in")
    assert logs.search(name) == logs.search(instance=name) == logs.search(terms=(name,)) == ()


EXAMPLES = Path(__file__).parents[4] / "examples" / "troubleshooting" / "logs"


@pytest.mark.parametrize(
    ("job", "worst"),
    [
        ("nightly-etl", ["failed in step join", "MemoryError: Unable to allocate"]),
        ("report-mailer", ["SMTP connection refused by mail-1", "ConnectionRefusedError"]),
        ("ledger-sync", []),
    ],
)
def test_the_example_logs_tell_why_jobs_failed(job, worst):
    found = Logs(EXAMPLES).search(job)
    assert [told in finding.line for told, finding in zip(worst, found, strict=False)] == [True] * len(worst)
    assert bool(found) == bool(worst)


# Entries with their stack traces

PYTHON = (
    "2026-11-20 02:14:07,113 ERROR nightly-etl Load failed",
    "Traceback (most recent call last):",
    '  File "/app/load.py", line 88, in load',
    "    frame = frame.merge(other)",
    "KeyError: 'x'",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "/app/load.py", line 90, in load',
    "psycopg.OperationalError: connection to server failed: Connection refused",
    "\tIs the server running on that host?",
)
JAVA = (
    "2026-11-20 02:14:07 ERROR Job ledger failed",
    "java.lang.RuntimeException: batch 7",
    "\tat com.example.Load.run(Load.java:10)",
    "Caused by: java.lang.OutOfMemoryError: Java heap space",
    "\tat com.example.Rows.grow(Rows.java:3)",
    "\t... 12 more",
)


def test_a_stack_trace_belongs_to_its_line_and_its_last_line_counts():
    (found,) = entries(*PYTHON, "2026-11-20 02:14:08,000 INFO done")
    assert found.line == (
        "2026-11-20 02:14:07,113 ERROR nightly-etl Load failed"
        " … psycopg.OperationalError: connection to server failed: Connection refused"
    )
    assert found.level == "ERROR"


def test_of_a_trace_with_causes_the_last_cause_counts():
    (found,) = entries(*JAVA)
    assert found.line.endswith("Job ledger failed … Caused by: java.lang.OutOfMemoryError: Java heap space")


def test_a_trace_without_a_line_before_it_stands_for_itself():
    (found,) = entries("Traceback (most recent call last):", '  File "x", line 1', "MemoryError", "Goodbye")
    assert (found.line, found.level) == ("MemoryError", "")


def test_a_trace_makes_a_good_line_a_bad_one():
    (found,) = entries("2026-11-20 02:14:07 INFO etl step 3", *PYTHON[1:5])
    assert found.line == "2026-11-20 02:14:07 INFO etl step 3 … KeyError: 'x'"


def test_a_trace_that_is_indented_throughout_counts_by_its_last_words_of_failure():
    (found,) = entries("ERROR etl", "  + Exception Group Traceback:", "  | ValueError: bad", "  +----")
    assert found.line == "ERROR etl … | ValueError: bad"


def test_what_is_thrown_in_the_line_after_belongs_to_the_line():
    (found,) = entries("ERROR mailer", "Error: connect ECONNREFUSED 10.0.0.7:25", "    at TCPConnectWrap (net.js:1)")
    assert found.line == "ERROR mailer … Error: connect ECONNREFUSED 10.0.0.7:25"


def test_lines_one_after_the_other_stay_apart():
    assert [entry.line for entry in entries("TimeoutError: a", "TimeoutError: b", "ERROR c", "Done")] == [
        "TimeoutError: a",
        "TimeoutError: b",
        "ERROR c",
    ]
    assert [entry.line for entry in entries("ERROR a", "  more", "ERROR: b")] == ["ERROR a", "ERROR: b"]


def test_the_job_may_be_named_in_the_line_before_its_trace(tmp_path):
    write(tmp_path / "a.log", *PYTHON)
    (found,) = Logs(tmp_path).search("nightly-etl")
    assert "Connection refused" in found.line


# JSON


@pytest.mark.parametrize(
    ("fields", "line", "level"),
    [
        ({"level": "error", "msg": "bad"}, "bad", "ERROR"),
        ({"severity": "WARNING", "message": "slow"}, "slow", "WARN"),
        ({"level": 50, "msg": "bad", "err": {"type": "E", "message": "no disk"}}, "bad … no disk", "ERROR"),
        ({"level": 3, "message": "bad"}, "bad", "ERROR"),
        ({"levelname": "CRITICAL", "event": "bad", "exc_info": "\n".join(PYTHON[1:5])}, "bad … KeyError: 'x'", "FATAL"),
        ({"log": "2026-11-20 02:00:00 ERROR bad\n", "stream": "stderr"}, "2026-11-20 02:00:00 ERROR bad", "ERROR"),
        ({"level": "info", "msg": "load failed"}, "load failed", "INFO"),
        ({"level": "error", "error": "no disk"}, "no disk", "ERROR"),
        ({"level": "error", "msg": "no disk", "error": "no disk"}, "no disk", "ERROR"),
        ({"level": "error", "x": 1}, '{"level": "error", "x": 1}', "ERROR"),
        ({"level": "error", "msg": {"a": [1]}, "error": 7}, "7", "ERROR"),
    ],
)
def test_a_line_of_json_is_read_by_its_fields(fields, line, level):
    (found,) = entries(json.dumps(fields))
    assert (found.line, found.level) == (line, level)


@pytest.mark.parametrize(
    "line",
    [
        '{"level": "info", "msg": "done", "error": null, "errors": 0}',
        '{"level": 30, "msg": "done"}',
        '{"level": true, "msg": false}',
        "{}",
    ],
)
def test_a_good_line_of_json_is_none(line):
    assert entries(line) == []


def test_in_files_of_json_only_objects_count():
    broken = ("[1, 'error']", '  "error": "x"', '{"level": "error"', "7", '{"a":' * 30_000, "1" * 5000)
    assert entries(*broken, name="settings.json") == []
    assert [entry.level for entry in entries(*broken, '{"level":"error","msg":"x"}', name="a.jsonl")] == ["ERROR"]


def test_a_huge_line_of_json_is_read_as_text():
    (found,) = entries(json.dumps({"level": "error", "msg": "x" * JSON_CHARACTERS_MAX}), name="a.jsonl")
    assert found.line.startswith('{"level": "error"')
    assert len(found.line) == 500


def test_the_job_of_a_line_of_json_is_in_any_field(tmp_path):
    write(tmp_path / "a.jsonl", '{"job": "etl", "level": "error", "msg": "bad", "time": 1795140000123}')
    (found,) = Logs(tmp_path).search("etl")
    assert (found.line, found.last_at) == ("bad", at(2026, 11, 20, 2, 0, 0, 123000))


# Times, levels, words


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("2026-11-20T10:00:00Z x", at(2026, 11, 20, 10)),
        ("2026-11-20T10:00:00.123456789Z x", at(2026, 11, 20, 10, 0, 0, 123456)),
        ("2026-11-20T10:00:00+01:30 x", at(2026, 11, 20, 8, 30)),
        ("2026-11-20 10:00:00 -0500 x", at(2026, 11, 20, 15)),
        ("2026-11-20 10:00:00,123 - INFO", at(2026, 11, 20, 10, 0, 0, 123000)),
        ("2026-11-20 10:00:00.5 x", at(2026, 11, 20, 10, 0, 0, 500000)),
        ("2026/11/20 10:00:00 [error] x", at(2026, 11, 20, 10)),
        ("ERROR [2026-11-20 10:00:00,123] x", at(2026, 11, 20, 10, 0, 0, 123000)),
        ('10.0.0.1 - - [20/Nov/2026:10:00:00 +0100] "GET /"', at(2026, 11, 20, 9)),
        ("Nov 20 10:00:00 host etl[7]: x", at(2026, 11, 20, 10)),
        ("<13>Nov  2 10:00:00 host x", at(2026, 11, 2, 10)),
        ("Dec 31 23:59:59 host x", at(2025, 12, 31, 23, 59, 59)),
        ("Feb 29 10:00:00 host x", None),
        ("2026-12-31 23:59:60 x", at(2026, 12, 31, 23, 59, 59)),
        ("2026-02-30 10:00:00 x", None),
        ("2026-13-01 10:00:00 x", None),
        ("0001-01-01T00:00:00+14:00 x", None),
        ("2026-11-20T10:00:00+99:00 x", None),
        ("Abc 20 10:00:00 x", None),
        ("no time", None),
        ("x" * 100 + "2026-11-20 10:00:00", None),
    ],
)
def test_times_are_read_as_lines_write_them(line, time):
    assert time_in(line, WRITTEN_AT) == time


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (1795168800, at(2026, 11, 20, 10)),
        (1795168800.5, at(2026, 11, 20, 10, 0, 0, 500000)),
        (1795168800123, at(2026, 11, 20, 10, 0, 0, 123000)),
        (1795168800123000, at(2026, 11, 20, 10, 0, 0, 123000)),
        (1795168800123000000, at(2026, 11, 20, 10, 0, 0, 123000)),
        ("1795168800.5", at(2026, 11, 20, 10, 0, 0, 500000)),
        ("2026-11-20T10:00:00Z", at(2026, 11, 20, 10)),
        ("soon", None),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_times_are_read_as_fields_hold_them(value, time):
    assert time_of(value, WRITTEN_AT) == time


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-11-20 10:00:00 WARNING x", "WARN"),
        ("WARN x", "WARN"),
        ("ERR x", "ERROR"),
        ("ERROR:root:x", "ERROR"),
        ("[error] x", "ERROR"),
        ("SEVERE: x", "ERROR"),
        ("level=warn msg=x", "WARN"),
        ('severity="critical" x', "FATAL"),
        ("PANIC x", "FATAL"),
        ("NOTICE x", "INFO"),
        ("INFO after an ERROR", "INFO"),
        ("TRACE x", "DEBUG"),
        ("level=odd x", ""),
        ("an error, INFORMED", ""),
        ("x" * 200 + " ERROR", ""),
    ],
)
def test_levels_are_read_at_the_head_of_a_line(line, level):
    assert level_in(line) == level


BAD = (
    "MemoryError",
    "load failed",
    "Connection refused",
    "request timed out",
    "read timeout after 3 s",
    "exited with code 137",
    "exit code: 1",
    "exit_code=2",
    "oom-killed",
    "received signal 9",
    "2 errors, 0 warnings",
    "failed=3",
    "0 errors, then a crash",
    "KeyError: 0",
    "KeyError: 'x'",
    "ValueError: None",
    "error: 0.5 is too little",
    "Permission Denied",
    "user is not authorized: Unauthorised",
)


@pytest.mark.parametrize("text", BAD)
def test_words_of_failure_are_found(text):
    assert tells_of_failure(text)
    assert may_be_bad(text)


@pytest.mark.parametrize(
    "text",
    [
        "0 errors",
        "no failures",
        "without an error",
        "no new errors",
        "failed=0",
        "errors: 0",
        "errors found: 0",
        "rejected entries: none",
        "0 rejected",
        '"error_count": 0',
        "error=null",
        'error=""',
        "exit code 0",
        "run started, timeout=3600",
        '"read_timeout_seconds": "30"',
        "all is well",
        "a failover is not needed",
        "skilled",
    ],
)
def test_words_of_failure_that_tell_of_none_are_none(text):
    assert not tells_of_failure(text)


@given(word=st.sampled_from(["WARN", "ERROR", "CRIT", "EMERG", "ALERT", "SEVERE", "level=err", *BAD]), text=st.text())
def test_the_fast_look_lets_everything_bad_through(word, text):
    assert may_be_bad(f"{text} {word} {text}")


@given(text=st.text())
def test_any_line_can_be_read(text):
    for entry in entries(*text.split("\n"), f"ERROR {text}", "Traceback (most recent call last):", f" {text}"):
        assert len(entry.line) <= 500
        assert entry.line.isprintable() or not entry.line.isascii()


def test_what_differs_from_run_to_run_makes_no_difference():
    first = "2026-11-20T10:00:00.1Z run 8a7b6c5d-1111-2222-3333-444455556666 of 10.0.0.7:5432 took 1.5 s, 0xdead, 7"
    second = (
        "2026-11-21T11:30:00.9Z run 00000000-9999-2222-3333-444455556666 of 10.0.0.8:5432 took 22.5 s, 0xb, 12345678"
    )
    assert likeness(first) == likeness(second)
    assert likeness("row 7 of orders") != likeness("row 7 of customers")


# Secrets


@pytest.mark.parametrize(
    "text",
    [
        "password=S3CRET",
        "password: S3CRET,S3CRET",
        "PASSWORD = 'S3CRET S3CRET'",
        '{"password": "S3CRET\\"S3CRET"}',
        "DB_PASSWORD=S3CRET",
        "passwd=S3CRET&x=1",
        "mysql --password S3CRET",
        "client_secret: S3CRET",
        "api_key=S3CRET apikey=S3CRET api-key: S3CRET",
        "access_token=S3CRET",
        "aws_secret_access_key = S3CRET/S3CRET+S3CRET",
        "Authorization: Bearer S3CRET.S3CRET-S3CRET",
        "'Authorization': 'Basic S3CRET=='",
        "authorization=S3CRET",
        "sent Bearer S3CRETS3CRET",
        "postgresql://user:S3CRET@db:5432/x",
        "https://S3CRET:S3CRET@host/path and amqp://:S3CRET@mq",
        "https://user:S3CRET@S3CRET@host",
        "key AKIAS3CRETS3CRETS3CR",
        "eyJS3CRETS3CRET.S3CRET.S3CRET",
        "ghp_S3CRETS3CRETS3CRET",
        "sk-S3CRETS3CRETS3CRET",
        "password=S3CRET password=S3CRET",
        "SECRET_KEY=S3CRET",
        "DB_PASS: S3CRET and pass=S3CRET",
        "AccountKey=S3CRET;SharedAccessSignature=S3CRET",
        "GET /blob?sig=S3CRET&se=1",
        "Set-Cookie: session=S3CRET; id=S3CRET",
        "CREATE USER etl IDENTIFIED BY 'S3CRET'",
        "the password is 'S3CRET'",
        "https://hooks.slack.com/services/S3CRET/S3CRET",
        "-----BEGIN RSA PRIVATE KEY----- S3CRET",
        "npm_S3CRETS3CRETS3CRET AIzaS3CRETS3CRETS3CRET",
    ],
)
def test_secrets_are_masked(text):
    assert "S3CRET" not in masked(f"ERROR {text}")
    assert "***" in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "password authentication failed for user etl",
        "the password is incorrect",
        "pass: 12, fail: 3",
        "KeyError: 'amount'",
        "design: signature: broken, bypass=1",
        "https://host:443/a@b",
        "mail to a@b.example failed",
        "unexpected token",
        "5 tokens",
        "ERROR at 10:00:00",
    ],
)
def test_what_is_no_secret_is_not_masked(text):
    assert masked(text) == text


def test_no_secret_can_be_read_or_guessed_by_searching(tmp_path):
    write(
        tmp_path / "a.log", "ERROR etl password=hunter2", "Traceback (most recent call last):", " x", "E: token=hunter2"
    )
    write(tmp_path / "b.jsonl", '{"level":"error","job":"etl","msg":"bad","password":"hunter2"}')
    logs = Logs(tmp_path)
    assert logs.search(terms=("hunter",)) == logs.search("hunter2") == ()
    assert "hunter2" not in str(logs.search("etl"))
    assert len(logs.search("etl")) == 2


def test_a_line_cannot_move_the_cursor_of_its_reader():
    (found,) = entries("\x1b[31mERROR\x1b[0m etl\x07 \u202egnorw\x9b2J")
    assert found.line == "ERROR etl gnorw 2J"


# Files


def test_files_that_are_logs_are_read_and_others_are_not(tmp_path):
    good = ("a.log", "a.log.1", "a.log.23", "a.log-20261120", "a.json", "a.jsonl", "deep/er/A.LOG", "a.2026.log")
    for name in (*good, "a.txt", "log", "a.log.bak", "a.logs", "a.log~", ".log"):
        write(tmp_path / name, '{"level": "error", "msg": "etl"}')
    found, left_out = files.log_files(tmp_path)
    assert sorted(file.name for file in found) == sorted(good)
    assert left_out == []


def test_packed_files_are_read(tmp_path):
    for name in ("a.log.gz", "a.log.1.gz", "a.jsonl.gz"):
        (tmp_path / name).write_bytes(gzip.compress(b'{"level":"error","msg":"etl"}\n'))
    (found,) = Logs(tmp_path).search("etl")
    assert found.count == 3


def test_of_a_packed_file_the_end_is_read_within_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "TAIL_BYTES_MAX", 60)
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(b"ERROR etl first\n" * 100 + b"ERROR etl last\n"))
    logs = Logs(tmp_path, cache_seconds=0)
    assert [finding.count for finding in logs.search("etl")] == [1, 2]
    monkeypatch.setattr(files, "UNPACKED_BYTES_MAX", 160)
    assert lines(logs.search("etl")) == ["ERROR etl first"]
    assert logs.left_out[0] == "a.log.gz is read up to 160 unpacked bytes only."


@pytest.mark.parametrize("damage", ["cut", "changed", "none"])
def test_of_a_damaged_packed_file_the_rest_is_told(tmp_path, damage):
    content = gzip.compress(b"ERROR etl\n" + os.urandom(100_000).replace(b"\0", b"1"))
    (tmp_path / "a.log.gz").write_bytes(
        {"cut": content[:60_000], "changed": content[:60_000] + b"x" * 40_000, "none": b"ERROR etl"}[damage]
    )
    logs = Logs(tmp_path)
    logs.search("etl")
    assert logs.left_out == ("a.log.gz is read as far as it can be unpacked.",)


def test_of_a_long_file_the_end_is_read_from_the_next_whole_line_on(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "TAIL_BYTES_MAX", 30)
    write(tmp_path / "a.log", "WARN first etl failed", "WARN second etl failed", "WARN third etl failed")
    assert lines(Logs(tmp_path).search()) == ["WARN third etl failed"]


def test_what_of_long_files_is_not_read_is_told_once(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "TAIL_BYTES_MAX", 30)
    for name, day in (("a.log", 20), ("b.log", 19), ("c.log", 18)):
        write(tmp_path / name, "WARN first etl failed", "WARN second etl failed", written_at=at(2026, 11, day))
    logs = Logs(tmp_path)
    logs.search()
    assert logs.left_out == ("Only the last 5 MB of a.log and 2 other files are read.",)


def test_huge_lines_are_cut(tmp_path, monkeypatch):
    write(tmp_path / "a.log", "ERROR etl " + "x" * 3_000_000)
    (found,) = Logs(tmp_path).search("etl")
    assert len(found.line) == 500
    assert found.line.endswith("x…")
    monkeypatch.setattr(files, "TAIL_BYTES_MAX", 30)
    (tmp_path / "a.log").write_text("x" * 100 + " ERROR etl")
    assert len(Logs(tmp_path).search("etl")) == 1


def test_binary_files_are_left_out_and_told(tmp_path):
    (tmp_path / "a.log").write_bytes(b"ERROR etl\0\1\2")
    logs = Logs(tmp_path)
    assert logs.search("etl") == ()
    assert logs.left_out == ("a.log is left out: it is not text.",)


def test_text_in_another_encoding_is_read_all_the_same(tmp_path):
    (tmp_path / "a.log").write_bytes("ERROR etl größer\r\nERROR etl ok\r\n".encode("latin-1"))
    assert lines(Logs(tmp_path).search("etl")) == ["ERROR etl ok", "ERROR etl gr\ufffd\ufffder"]


def test_a_file_that_was_rotated_away_while_reading_is_told(tmp_path, monkeypatch):
    write(tmp_path / "a.log", "ERROR etl one", written_at=at(2026, 11, 20))
    write(tmp_path / "b.log", "ERROR etl two", written_at=at(2026, 11, 19))
    tail_of = module.tail_of

    def rotate(file):
        (tmp_path / "b.log").unlink(missing_ok=True)
        return tail_of(file)

    monkeypatch.setattr(module, "tail_of", rotate)
    logs = Logs(tmp_path)
    assert lines(logs.search("etl")) == ["ERROR etl one"]
    assert logs.left_out == ("b.log is left out: No such file or directory.",)


def test_a_file_that_is_truncated_while_reading_gives_what_is_left(tmp_path, monkeypatch):
    write(tmp_path / "a.log", "ERROR etl one", "ERROR etl two")
    fstat = os.fstat

    def truncate(descriptor):
        found = fstat(descriptor)
        os.truncate(tmp_path / "a.log", 14)
        return found

    monkeypatch.setattr(files.os, "fstat", truncate)
    logs = Logs(tmp_path)
    assert lines(logs.search("etl")) == ["ERROR etl one"]
    assert logs.left_out == ()


def test_links_that_lead_out_of_the_folder_are_not_followed(tmp_path):
    inside = tmp_path / "in"
    write(inside / "real" / "a.log", "ERROR etl inside")
    write(tmp_path / "out" / "b.log", "ERROR etl outside")
    (inside / "b.log").symlink_to(tmp_path / "out" / "b.log")
    (inside / "up.log").symlink_to("../out/b.log")
    (inside / "out").symlink_to(tmp_path / "out")
    (inside / "nowhere.log").symlink_to(inside / "missing.log")
    (inside / "round.log").symlink_to(inside / "round.log")
    (inside / "current.log").symlink_to(inside / "real" / "a.log")
    found = Logs(inside).search("etl")
    assert lines(found) == ["ERROR etl inside"]
    assert found[0].count == 2


def test_a_link_that_takes_a_file_s_place_is_not_followed(tmp_path):
    write(tmp_path / "in" / "a.log", "ERROR etl inside")
    write(tmp_path / "secret.log", "ERROR etl outside")
    (file,), _ = files.log_files(tmp_path / "in")
    file.path.unlink()
    file.path.symlink_to(tmp_path / "secret.log")
    lines_read, told, _ = files.tail_of(file)
    assert lines_read == []
    assert told.startswith("a.log is left out: ")


def test_the_folder_itself_may_be_a_link(tmp_path):
    write(tmp_path / "real" / "a.log", "ERROR etl")
    (tmp_path / "logs").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "b.log").symlink_to(tmp_path / "real" / "a.log")
    assert Logs(tmp_path / "logs").search("etl")[0].count == 2


def test_a_pipe_and_a_folder_that_are_called_like_logs_are_passed_over(tmp_path):
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "folder.log").mkdir()
    write(tmp_path / "a.log", "ERROR etl")
    assert lines(Logs(tmp_path).search("etl")) == ["ERROR etl"]
    assert files.tail_of(LogFile(tmp_path / "pipe.log", "pipe.log", WRITTEN_AT)).lines == []


def test_a_folder_that_is_not_there_is_told_each_time(tmp_path):
    logs = Logs(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match=r"The folder of logs .*away cannot be read: No such file"):
            logs.search("etl")
    write(tmp_path / "away" / "a.log", "ERROR etl")
    assert len(logs.search("etl")) == 1
    with pytest.raises(SourceUnavailable, match=r"cannot be read: Not a directory\."):
        Logs(tmp_path / "away" / "a.log").search("etl")


# Bounds


def test_of_many_files_the_newest_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FILES_MAX", 2)
    for number in range(1, 5):
        write(tmp_path / f"{number}.log", f"ERROR etl in {'abcde'[number]}", written_at=at(2026, 11, number))
    logs = Logs(tmp_path, cache_seconds=0)
    assert sorted(finding.file for finding in logs.search("etl")) == ["3.log", "4.log"]
    assert logs.left_out == ("Only the newest 2 log files are read; there are more.",)
    monkeypatch.setattr(files, "CANDIDATES_MAX", 3)
    logs.search("etl")
    assert logs.left_out[0] == "No more than 3 log files are looked at; there are more."


def test_nothing_is_read_after_the_time_for_it(tmp_path, monkeypatch):
    for number in range(1, 5):
        write(tmp_path / f"{number}.log", *(f"ERROR etl {n}" for n in "abc"), written_at=at(2026, 11, number))
    clock, bad_entry = [100.0], module.bad_entry

    def slow(file, block):
        clock[0] += 0.5
        return bad_entry(file, block)

    monkeypatch.setattr(module, "bad_entry", slow)
    logs = Logs(tmp_path, now=lambda: clock[0])
    found = logs.search("etl")
    assert [(finding.line[-1], finding.file, finding.count) for finding in found] == [
        ("c", "4.log", 2),
        ("b", "4.log", 2),
        ("a", "4.log", 1),
    ]
    bounds = "2 seconds, or 5000 bad lines of a file and 20000 of all, are enough."
    assert logs.left_out == (
        f"Older lines of 3.log are left out: {bounds}",
        f"The oldest 2 of 4 log files are left out: {bounds}",
    )


def test_what_is_kept_in_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FILE_ENTRIES_MAX", 3)
    monkeypatch.setattr(module, "ENTRIES_MAX", 5)
    for number in range(1, 5):
        rows = (f"ERROR etl {'abcde'[number]}{'abcde'[row]}" for row in range(4))
        write(tmp_path / f"{number}.log", *rows, written_at=at(2026, 11, number))
    logs = Logs(tmp_path)
    assert [line[-2:] for line in lines(logs.search("etl"))] == ["ed", "ec", "eb", "dd", "dc"]
    assert [each.partition(" are left out: ")[0] for each in logs.left_out] == [
        "Older lines of 4.log",
        "Older lines of 3.log",
        "The oldest 2 of 4 log files",
    ]


def test_what_is_told_of_is_bounded_too(tmp_path):
    for number in range(30):
        (tmp_path / f"{number}.log").write_bytes(b"\0")
    logs = Logs(tmp_path)
    logs.search("etl")
    assert len(logs.left_out) == 20
    assert logs.left_out[-1] == "11 more things are left out."


# The cache


def test_files_are_looked_at_again_when_the_time_is_over(tmp_path):
    clock = [100.0]
    logs = Logs(tmp_path, cache_seconds=10, now=lambda: clock[0])
    write(tmp_path / "a.log", "ERROR etl one")
    assert lines(logs.search("etl")) == ["ERROR etl one"]
    write(tmp_path / "a.log", "ERROR etl two")
    clock[0] = 109.9
    assert lines(logs.search("etl")) == ["ERROR etl one"]
    clock[0] = 110.0
    assert lines(logs.search("etl")) == ["ERROR etl two"]


def test_fifty_threads_wait_for_one_reading(tmp_path, monkeypatch):
    for number in range(50):
        write(tmp_path / f"job-{number}x.log", f"2026-11-20 02:00:00 ERROR job-{number}x failed")
    log_files, readings, all_there = module.log_files, [], threading.Barrier(50)

    def counted(folder):
        readings.append(folder)
        return log_files(folder)

    monkeypatch.setattr(module, "log_files", counted)
    logs = Logs(tmp_path)

    def search(number):
        all_there.wait()
        return logs.search(f"job-{number}x")

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(search, range(50)))
    assert [each[0].file for each in found] == [f"job-{number}x.log" for number in range(50)]
    assert all(len(each) == 1 for each in found)
    assert len(readings) == 1
