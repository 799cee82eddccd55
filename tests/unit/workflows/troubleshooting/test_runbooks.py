from pathlib import Path

import pytest

from stretto.troubleshooting.v1.troubleshooting_pb2 import Cause
from stretto.workflows.troubleshooting import knowledge
from stretto.workflows.troubleshooting._knowledge_files import files_in, read
from stretto.workflows.troubleshooting.knowledge import Knowledge

FOLDER = Path(knowledge.__file__).with_name("runbooks")
SHELF = read(FOLDER, files_in(FOLDER))
ALL = pytest.mark.parametrize("runbook", SHELF.runbooks, ids=lambda runbook: runbook.name)


def test_all_shipped_runbooks_are_read():
    assert SHELF.skipped == ()
    assert len(SHELF.runbooks) == len(list(FOLDER.iterdir())) >= 12


@ALL
def test_a_shipped_runbook_says_what_to_check_and_what_to_do(runbook):
    assert (FOLDER / runbook.name).read_text().startswith(f"# {runbook.title}\n")
    assert [section.heading for section in runbook.sections] == ["Check", "Do"]
    assert runbook.symptoms
    assert 5 <= len(runbook.actions) <= 10
    assert all(action.endswith(".") and action[0].isupper() for action in runbook.actions)


@ALL
def test_no_action_of_a_shipped_runbook_is_left_out(runbook):
    numbered = [line for line in (FOLDER / runbook.name).read_text().splitlines() if line[:1].isdigit()]
    assert numbered == [f"{number}. {action}" for number, action in enumerate(runbook.actions, 1)]


def test_each_cause_has_a_runbook():
    assert {runbook.cause for runbook in SHELF.runbooks} == set(Cause.keys())


@pytest.mark.parametrize(
    ("message", "runbook"),
    [
        ("Why did nightly-etl fail? MemoryError: Unable to allocate 3.2 GiB", "out-of-memory"),
        ("the pod was OOMKilled, exit code 137", "out-of-memory"),
        ("java.lang.OutOfMemoryError: Java heap space", "out-of-memory"),
        ("OSError: [Errno 28] No space left on device", "disk-full"),
        ("psycopg.OperationalError: connection to server at db failed: Connection refused", "dependency-unavailable"),
        ("report-mailer cannot reach SMTP: ConnectionRefusedError: [Errno 111]", "dependency-unavailable"),
        ("httpx.ReadTimeout: timed out", "timeouts"),
        ("canceling statement due to statement timeout", "timeouts"),
        ("permission denied for table orders", "access-denied"),
        ("HTTP 401 Unauthorized: token expired", "access-denied"),
        ("ssl.SSLCertVerificationError: certificate has expired", "expired-certificate"),
        ("KeyError: 'customer_id'", "bad-data"),
        ("duplicate key value violates unique constraint orders_pkey", "bad-data"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/data/in/orders.csv'", "missing-file"),
        ("psycopg.errors.DeadlockDetected: deadlock detected", "deadlock"),
        ("AttributeError: 'NoneType' object has no attribute 'id'", "program-error"),
        ("java.lang.NullPointerException", "program-error"),
        ("Why is the API so slow today?", "slow-jobs"),
        ("The CPU of worker-3 is at 100 percent", "high-cpu"),
        ("How do I rerun a failed job?", "rerun-a-job"),
        ("How can I backfill the days of last week?", "backfill"),
        ("ledger-sync has been stuck since midnight", "job-stuck"),
        ("How do we undo the last deployment?", "roll-back-a-release"),
    ],
)
def test_a_message_finds_the_runbook_for_it_first(message, runbook):
    assert Knowledge(FOLDER).search(message)[0].runbook == f"{runbook}.md"
