import json

import pytest

from stretto.workflows.troubleshooting._log_entries import JSON_CHARACTERS_MAX
from stretto.workflows.troubleshooting.logs import Logs
from tests.unit.workflows.troubleshooting.logging_folder import at, entries, write

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
