"""What every test needs before anything of LangGraph is imported."""

import asyncio
import os
import signal

import pytest
import structlog

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
# Readline, which pytest loads, hands a terminal's size down to the processes that test side by side, and what they run
# would print as wide as that.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)
# Else an older pytest-asyncio asks for a loop that nobody closes, and a test that has nothing to do with it is warned.
asyncio.set_event_loop(None)
# A shell has what it starts in the background ignore Ctrl-C, and so would the processes that tests press it in.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# By default tracebacks show the values of all local variables. That takes seconds, and servers on the loop of a test
# miss their limits. (Changed in place: configured, it would not be the default any more, which some tests need.)
structlog.get_config()["processors"][-1]._exception_formatter = structlog.dev.plain_traceback

WORKERS_PER_PROCESSOR = 2
"""How many tests run at once: most wait for a process or a disk."""
STORES = ("memory", "sqlite", "postgres", "redis")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stores",
        type=_stores,
        default=STORES[:1],
        help=f"run tests/rpc over each of these stores, of {','.join(STORES)}; memory when left out",
    )


def _stores(named: str) -> tuple[str, ...]:
    stores = tuple(named.split(","))
    if not set(stores) <= set(STORES):
        raise pytest.UsageError(f"--stores is {named!r}; allowed are {', '.join(STORES)}, with commas between them.")
    return stores


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    return WORKERS_PER_PROCESSOR * (os.cpu_count() or 1)
