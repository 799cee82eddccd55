import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stretto.troubleshooting.v1.troubleshooting_pb2 import LogFinding as Message
from stretto.workflows.troubleshooting import _log_files as files
from stretto.workflows.troubleshooting import logs as module
from stretto.workflows.troubleshooting.logs import Logs
from tests.unit.workflows.troubleshooting.logging_folder import at, lines, write

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
