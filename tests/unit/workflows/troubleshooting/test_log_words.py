import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.workflows.troubleshooting._log_times import time_in, time_of
from stretto.workflows.troubleshooting._log_words import level_in, likeness, masked, may_be_bad, tells_of_failure
from stretto.workflows.troubleshooting.logs import Logs
from tests.unit.workflows.troubleshooting.logging_folder import WRITTEN_AT, at, entries, write

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
