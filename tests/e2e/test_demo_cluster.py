"""`make demo-cluster` ends by itself, shows what it promises, leaves nothing behind, and fails when it should."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from examples.demo.story import Story, Verdict
from examples.demo_cluster.__main__ import INTERRUPTED
from examples.demo_cluster.closing import closing, faults
from examples.demo_cluster.members import name_of
from examples.demo_cluster.play import Findings
from examples.demo_cluster.tale import Tale
from stretto.cli._output import Output
from stretto.operations.v1.member_pb2 import Member
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "examples.demo_cluster"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One run through a pipe, with a folder for its files that is its own."""
    folder = open_folder(tmp_path_factory.mktemp("demo"))
    done = subprocess.run(
        DEMO, cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=400, check=False
    )
    return done.returncode, done.stdout + done.stderr, folder


def open_folder(folder: Path) -> Path:
    """A folder that PostgreSQL's user may enter too, where that is not ours."""
    place = Path(tempfile.gettempdir())
    for path in (folder, *folder.parents):
        if path == place or not path.is_relative_to(place):
            break
        path.chmod(0o755)
    return folder


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}


def left_behind(folder: Path) -> list[str]:
    """Processes that have the folder in their command or their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if os.fsencode(folder) in command + (process / "environ").read_bytes():
                found.append(command.decode(errors="replace").replace("\0", " "))
    return found


def test_the_demo_loses_nothing_and_says_so(run) -> None:
    code, shown, _ = run
    assert code == 0, shown
    for sight in (
        r"kill -9: the worker mill-\d-\w+ is gone",
        r"kill -9: the server east is gone",
        r"connection lost",
        r"its watchers went on at west after \d+\.\d s",
        r"[1-9]\d* steps were begun again elsewhere",
        r"the worker mill-\d-\w+ drains",
        r"with exit code 0",
        r"a person approves the refund",
        r"east-\w+ +server +\S+ +silent",
        r"mill-\d-\w+ +worker +- +silent",
        r"(\d+) workflows were acknowledged, \1 are in the store, \1 completed",
        r"events were compared byte for byte: 0 missed, 0 seen twice",
    ):
        assert re.search(sight, shown), sight
    assert "Traceback" not in shown


def test_nothing_is_left_behind(run) -> None:
    _, _, folder = run
    assert not left_behind(folder)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_behind_either_by_who_stops_it(number: signal.Signals, tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    with subprocess.Popen(
        DEMO, cwd=ROOT, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("MEMBER"):
                demo.send_signal(number)
                break
        rest = demo.stdout.read()
    assert demo.returncode == INTERRUPTED, rest
    assert "Traceback" not in rest
    assert not left_behind(folder)
    assert not list(folder.iterdir())


def test_one_line_says_why_it_could_not_be_shown(tmp_path: Path) -> None:
    """A broken folder for temporary files is as good as any reason."""
    done = subprocess.run(
        [sys.executable, "-c", BROKEN], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "make demo-cluster: RuntimeError: there is none\n"


BROKEN = """
import sys
from examples.demo_cluster import __main__ as demo
def none(**_):
    raise RuntimeError("told before\\nthere is none")
demo.postgres_service = none
sys.exit(demo.main())
"""


def found(**changes) -> Findings:
    verdict = Verdict(Story(None, 0.0, 1.0), events=9, missed=0, surplus=0, end="completed")
    silent, alive = Member(member_id="east-abc"), Member(member_id="west-abc", alive=True)
    good = {
        "verdicts": [verdict],
        "listed": 1,
        "takeovers": [5.0],
        "moves": 2,
        "drain_exit": 0,
        "members": [silent, silent, alive],
    }
    return Findings(**good | changes)


def test_a_run_is_good_however_slow_it_was(capsys) -> None:
    slow = found(takeovers=[99.0])
    assert not faults(slow)
    Output().show(closing(slow))
    assert "after 99.0 s, the target of 10 s was missed" in capsys.readouterr().out


def verdict(**changes) -> list[Verdict]:
    return [
        Verdict(
            **{"story": Story(None, 0.0, 1.0), "events": 9, "missed": 0, "surplus": 0, "end": "completed"} | changes
        )
    ]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"listed": 0}, "1 workflows not listed"),
        ({"listed": 2}, "-1 workflows not listed"),
        ({"verdicts": verdict(end="failed")}, "1 workflows that did not complete"),
        ({"verdicts": verdict(missed=2)}, "2 events missed"),
        ({"verdicts": verdict(surplus=3)}, "3 events seen twice"),
        ({"takeovers": []}, "1 workflows to take over that nobody took over"),
        ({"moves": 0}, "1 watches to move that did not move"),
        ({"drain_exit": None}, "1 drained workers that did not end with 0"),
        ({"drain_exit": -9}, "1 drained workers that did not end with 0"),
        ({"members": []}, "2 members that should be silent and are not"),
    ],
)
def test_what_is_wrong_is_told(wrong, told) -> None:
    assert faults(found(**wrong)) == [told]


def told_of(*events: ProgressEvent) -> int:
    """How many takeovers are seen in some events."""
    tale = Tale(None, 0.0, 1.0)
    for event in events:
        tale.take(event)
    return len(tale.taken_over_at)


def event(kind: str, attempt: int = 1) -> ProgressEvent:
    made = ProgressEvent(step="count", attempt=attempt)
    getattr(made, kind).SetInParent()
    return made


def test_an_attempt_after_a_death_is_told_from_one_after_a_failure_or_a_question() -> None:
    assert told_of(event("step_started"), event("step_started", 2)) == 1
    assert told_of(event("step_started"), event("step_retrying"), event("step_started", 2)) == 0
    assert told_of(event("step_started"), event("interrupt_raised"), event("step_started", 2)) == 0
    assert told_of(event("step_retrying"), event("step_started", 2), event("step_started", 3)) == 1


def test_a_name_is_what_stands_before_the_letters_of_a_start() -> None:
    assert name_of(Member(member_id="mill-1-abc")) == "mill-1"
