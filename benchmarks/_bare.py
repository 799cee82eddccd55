"""Bare LangGraph in a process of its own: reads `SAVER RUNS` lines, answers each with one line of JSON."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from psycopg import AsyncConnection

from benchmarks.graphs import chain3

IN_FLIGHT = 64
SAVERS = ("none", "memory", "sqlite")
POSTGRES = "postgres"


@asynccontextmanager
async def _saver(name: str, directory: str) -> AsyncIterator[BaseCheckpointSaver[Any] | None]:
    """A fresh saver, so that no round pays for the rows of the one before."""
    if name == "sqlite":
        with tempfile.TemporaryDirectory(dir=directory) as place:
            async with AsyncSqliteSaver.from_conn_string(f"{place}/bare.db") as saver:
                yield saver
    elif name == POSTGRES:
        # One connection: the saver has a lock around it, and a pool would be no faster.
        async with AsyncPostgresSaver.from_conn_string(os.environ["BENCH_POSTGRES"]) as saver:
            assert isinstance(saver.conn, AsyncConnection)
            for statement in ("DROP SCHEMA IF EXISTS bare CASCADE", "CREATE SCHEMA bare", "SET search_path TO bare"):
                await saver.conn.execute(statement)
            await saver.setup()
            yield saver
    else:
        yield InMemorySaver() if name == "memory" else None


async def _measure(name: str, runs: int, directory: str) -> dict[str, float]:
    async with _saver(name, directory) as saver:
        graph = chain3().compile(checkpointer=saver)
        options: dict[str, Any] = {"durability": "sync"} if saver else {}

        async def worker(first: int) -> None:
            for number in range(first, runs, IN_FLIGHT):
                config = {"configurable": {"thread_id": str(number)}}
                result = await graph.ainvoke({"value": 1}, config, **options)
                assert result["value"] == 4

        cpu, began = time.process_time(), time.perf_counter()
        await asyncio.gather(*(worker(number) for number in range(IN_FLIGHT)))
        took, used = time.perf_counter() - began, time.process_time() - cpu
    return {"runs_per_second": runs / took, "cpu_ms_per_run": used / runs * 1e3}


async def _main() -> None:
    for line in sys.stdin:  # Nothing else runs between two measurements, so this may block.
        name, runs = line.split()
        print(json.dumps(await _measure(name, int(runs), os.environ["BENCH_DIRECTORY"])), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
