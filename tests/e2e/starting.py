"""A server that is started and told to end as soon as it is up, to see what it says at its start."""

import os
import subprocess
import sys
from pathlib import Path


def serve(folder: Path, *flags: str, target: str = "examples.app:app", **environment: str) -> subprocess.Popen[str]:
    """A server on a free port and a new store in that folder."""
    command = ["--listen", "127.0.0.1:0", "--store", f"sqlite:{folder / 'stretto.db'}", *flags, target]
    return subprocess.Popen(
        [sys.executable, "-m", "stretto.server", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "STRETTO_LOG_FORMAT": "json", **environment},
    )


def ended(server: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """What it said. One that cannot start ends by itself."""
    assert server.stdout is not None
    up = server.stdout.readline()
    if up:
        server.terminate()
    out, err = server.communicate(timeout=60)
    return subprocess.CompletedProcess(server.args, server.returncode, up + out, err)
