"""How long a command, an import and a server take to be there."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks._bench import Bench
from benchmarks._stats import Figure, at_most, median

ROUNDS = 21
SERVERS = 11
STRETTO = str(Path(sys.executable).with_name("stretto"))
COMMANDS = {
    "python": [sys.executable, "-c", "pass"],
    "import_grpc": [sys.executable, "-c", "import grpc"],
    "import_client": [sys.executable, "-c", "import stretto.client"],
    "help": [STRETTO, "--help"],
}
# Help may cost what a start of Python does and a little of our own; loading grpc already would miss this.
HELP_SHARE, HELP_MS = 0.4, 150


async def measure(bench: Bench) -> list[Figure]:
    """Whole processes, from their start to their end, in turns; and a server, from its start until it is ready."""
    took: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for argv in COMMANDS.values():
        _milliseconds(argv)  # The first start of each reads from the disk what the others find in memory.
    for _ in range(ROUNDS):
        for name, argv in COMMANDS.items():
            took[name].append(_milliseconds(argv))
    middle = {name: median(samples) for name, samples in took.items()}
    bound = round(HELP_SHARE * middle["import_grpc"] + HELP_MS)
    return [
        Figure("start_up_python_p50", middle["python"], "ms"),
        Figure("start_up_import_grpc_p50", middle["import_grpc"], "ms"),
        Figure("start_up_import_client_p50", middle["import_client"], "ms"),
        Figure("start_up_import_client_over_grpc", middle["import_client"] / middle["import_grpc"], "x"),
        Figure("start_up_help_p50", middle["help"], "ms", at_most(bound)),
        Figure("start_up_serve_p50", median([await _serve_seconds(bench) for _ in range(SERVERS)]), "s"),
    ]


def _milliseconds(argv: Sequence[str]) -> float:
    """The life of a process that must end well."""
    began = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1e3


async def _serve_seconds(bench: Bench) -> float:
    """From the start of a server on a new store until it has printed its address."""
    began = time.perf_counter()
    async with bench.stretto():
        return time.perf_counter() - began
