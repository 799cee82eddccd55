"""The fan-out needs LangGraph, and nothing of a server."""

import subprocess
import sys
import textwrap

SECONDS_MAX = 60
FORBID = """
import asyncio, sys, threading

class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("grpc", "google", "stretto.server", "stretto.client", "stretto.fanout")):
            raise ImportError(f"{name} is forbidden")

sys.meta_path.insert(0, Forbidden())
from stretto.workflows.fan_out import FanOut, Source, advance
"""


def run(code):
    return subprocess.run(
        [sys.executable, "-c", FORBID + textwrap.dedent(code)],
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )


def test_it_runs_where_there_is_no_server_and_no_grpc():
    done = run("""
        async def load(query):
            advance(0.5)
            return 12.5

        async def main():
            out = await FanOut([Source("load", load), Source("upper", str.upper)]).compile().ainvoke({"query": "q"})
            print(out["results"], out["figures"].available)

        asyncio.run(main())
    """)
    assert done.stdout == "{'load': 12.5, 'upper': 'Q'} ('load', 'upper')\n", done.stderr


def test_the_server_would_be_found_missing():
    assert "stretto.server is forbidden" in run("import stretto.server").stderr


def test_a_process_can_end_while_a_source_hangs():
    done = run("""
        stuck = Source("stuck", lambda query: threading.Event().wait(), seconds_max=0.05)
        out = asyncio.run(FanOut([stuck], succeed_min=0).compile().ainvoke({"query": "q"}))
        print(out["errors"]["stuck"].message)
    """)
    assert (done.stdout, done.returncode) == ("no answer within 0.05 s\n", 0), done.stderr
