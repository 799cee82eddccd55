"""`make demo` ends by itself and shows what it promises, piped and in windows of several sizes."""

import fcntl
import pickle
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.text import Text

from examples.demo.closing import closing_words
from examples.demo.diagnosis import closing_diagnosis
from examples.demo.moments import ENDS, Conversation, Moment
from examples.demo.picture import save, studio
from examples.demo.play import Outcome
from examples.demo.story import in_common
from examples.demo.trouble import Findings
from examples.generated.shop.v1.refund_pb2 import Refund
from stretto.cli._output import Output
from stretto.exercise.v1.exercise_plan_pb2 import OUTCOME_APPROVED, OUTCOME_REJECTED, ExercisePlan
from tests.e2e.cli.terminal import Terminal

ROOT = Path(__file__).parents[2]
SIZES = [(80, 24), (120, 40)]


def piped():
    argv = [sys.executable, "-m", "examples.demo"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    return done.returncode, done.stdout + done.stderr


def in_a_window(size):
    width, height = size
    window = Terminal(program="examples.demo", width=width, height=height)
    try:
        drawn = window.rest()
        return window.process.returncode, drawn
    finally:
        window.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory, testrun_uid):
    """Made once: processes that test side by side find them in a file."""
    with (tmp_path_factory.getbasetemp().parent / f"demo-{testrun_uid}").open("a+b") as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        kept.seek(0)
        if not (found := kept.read()):
            found = pickle.dumps(all_at_once())
            kept.write(found)
    return pickle.loads(found)


def all_at_once():
    """Which is what a busy machine is like."""
    with ThreadPoolExecutor() as threads:
        line_by_line = threads.submit(piped)
        drawn = {size: threads.submit(in_a_window, size) for size in SIZES}
        return {None: line_by_line.result()} | {size: run.result() for size, run in drawn.items()}


@pytest.mark.parametrize("size", [None, *SIZES])
def test_the_demo_ends_by_itself_and_misses_nothing(runs, size):
    code, shown = runs[size]
    assert code == 0, shown
    for sight in (
        "asks: Pay 42.00 back",
        "CarrierBusyError",
        "attempt 2",
        "kill -9",
        "connection lost",
        "is back",
        "went on where they were cut",
        "a person approves",
        "5 completed, 0 are lost",
        "0 missed, 0 seen twice",
        "shop.v1.Refund: cents 4200",
        "make run",
        "stretto chat",
    ):
        assert sight in shown, sight
    assert "Traceback" not in shown


@pytest.mark.parametrize("size", [None, *SIZES])
def test_a_conversation_follows_beside_its_timeline(runs, size):
    _, shown = runs[size]
    _, _, talk = shown.partition("Now in plain words")
    for sight in (
        "you> Make me a workout plan",
        "started exercise planning",
        "you> How far is my plan?",
        "% complete",
        "● Exercise planning asks",
        "Approved: exercise planning goes on",
        "● Exercise planning is done",
        "● HR onboarding was cancelled",
        "● Finance review is done",
        "exercise_planning SUCCEEDED",
        "ExercisePlan of 12 sessions",
    ):
        assert sight in talk, sight
    for target in ("0.10 s", "0.20 s", "1.05 s", "4.50 s"):
        assert re.search(rf"{target} +\d+\.\d\d s +(met|missed) ", talk), target
    assert re.search(r"[1-9]\d+ events were pushed, 2\d of them messages", talk)
    assert "byte for byte: 0 missed, 0 seen twice" in talk


@pytest.mark.parametrize("size", [None, *SIZES])
def test_a_diagnosis_follows_with_one_source_down(runs, size):
    _, shown = runs[size]
    _, _, trouble = shown.partition("Jobs have failed.")
    for sight in (
        "scheduler, nightly-etl: MemoryError",
        "logs, report-mailer: ",
        "metrics failed: ",
        "! The metrics could not be asked",
        "6 branches took ",
        "3 sources answered, 1 did not",
        "needed knowledge only",
    ):
        assert sight in trouble, sight
    assert re.search(r"[4-9] pieces of evidence were streamed before the report", trouble)
    assert re.search(r"nightly-etl +out of memory", trouble)
    assert re.search(r"report-mailer +dependency unavailable", trouble)


@pytest.mark.parametrize("size", SIZES)
def test_a_window_shows_a_bar_for_each_branch(runs, size):
    _, _, trouble = runs[size][1].partition("Jobs have failed.")
    for branch in ("scheduler · nightly-etl", "scheduler · report-mailer", "logs · nightly-etl", "knowledge"):
        assert re.search(rf"✓ {branch} +━+ +answered in", trouble), branch
    assert re.search(r"✗ metrics +━+ +failed after .* \(2 attempts\)", trouble)


def test_piped_it_tells_each_event_on_a_line(runs):
    _, shown = runs[None]
    for sight in (
        "accepted digest",
        "another attempt follows",
        "says: Thank",
        "decided",
        "attempt 2  6% section 1 has",
    ):
        assert sight in shown, sight
    assert "\x1b" not in shown


@pytest.mark.parametrize("size", SIZES)
def test_a_window_shows_bars_and_countdowns_and_no_line_that_is_too_long(runs, size):
    _, shown = runs[size]
    picture, _, _ = shown.partition("WORKFLOW ")
    assert re.search(r"count .*━.* 50%", picture)
    assert re.search(r"attempt 2 in \d\.\d s; attempt 1 failed", picture)
    assert max(cell_len(line) for line in re.split(r"[\r\n]+", picture)) <= size[0]
    talk, _, _ = shown.partition("Now in plain words")[2].partition("Try next")
    assert max(cell_len(line) for line in re.split(r"[\r\n]+", talk)) <= size[0]


def test_pictures_are_made_without_a_terminal(tmp_path):
    found = Findings()
    studio().show("a line", closing_diagnosis(found))
    save(tmp_path, Outcome((), 0, 0.1, Refund(), Text("the middle")), told(), found)
    assert {file.name for file in tmp_path.iterdir()} == {"demo.svg", "talk.svg", "trouble.svg"}


def told(**changes):
    plan = ExercisePlan(outcome=OUTCOME_APPROVED)
    return Conversation(**{"plan": plan, "ends": dict(ENDS), "events": 9, "messages": 3} | changes)


def test_a_conversation_is_good_however_slow_it_was_and_says_what_came_late(capsys):
    slow = told(moments=[Moment("you are answered", 0.3, 0.1), Moment("it completes", 4.2, 4.5)])
    assert slow.good
    Output().show(closing_words(slow))
    shown = capsys.readouterr().out
    assert re.search(r"0\.10 s +0\.30 s +missed +you are answered", shown)
    assert re.search(r"4\.50 s +4\.20 s +met +it completes", shown)


@pytest.mark.parametrize(
    "wrong",
    [
        {"events": 0},
        {"missed": 1},
        {"surplus": 1},
        {"ends": {}},
        {"ends": ENDS | {"finance_review": "FAILED"}},
        {"plan": ExercisePlan(outcome=OUTCOME_REJECTED)},
    ],
    ids=["nothing seen", "one missed", "one twice", "none ended", "one failed", "rejected"],
)
def test_a_conversation_is_not_good_when_something_is_wrong_with_it(wrong):
    assert not told(**wrong).good


@pytest.mark.parametrize(
    ("seen", "same"),
    [("abcd", 4), ("abd", 3), ("abbcd", 4), ("abdc", 3), ("abxd", 3), ("", 0)],
    ids=["all", "one missed", "one twice", "out of order", "other bytes", "nothing"],
)
def test_what_was_seen_is_compared_with_the_journal_event_by_event(seen, same):
    assert in_common([*map(str.encode, seen)], [b"a", b"b", b"c", b"d"]) == same
