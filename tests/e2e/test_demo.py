"""`make demo` ends by itself and shows what it promises."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_ends_by_itself_and_misses_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for sight in (
        "accepted",
        "section 8",
        "asks: Pay",
        "decided",
        "tries again",
        "attempt 2",
        "kill -9",
        "is back",
        "missed",
    ):
        assert sight in done.stdout
