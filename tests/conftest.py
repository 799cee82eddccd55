"""What every test needs before anything of LangGraph is imported."""

import asyncio
import os

import pytest

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
# Readline, which pytest loads, hands a terminal's size down to the processes that test side by side, and what they run
# would print as wide as that.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)
# Else an older pytest-asyncio asks for a loop that nobody closes, and a test that has nothing to do with it is warned.
asyncio.set_event_loop(None)

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
