"""What a server says at its start of how it understands messages."""

import os
import subprocess
import sys


def serve(tmp_path, *flags: str) -> subprocess.CompletedProcess[str]:
    """A server that is told to end as soon as it is up; one that cannot start ends by itself."""
    command = ["--listen", "127.0.0.1:0", "--store", f"sqlite:{tmp_path / 'stretto.db'}", *flags, "examples.app:app"]
    server = subprocess.Popen(
        [sys.executable, "-m", "stretto.server", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "STRETTO_LOG_FORMAT": "json"},
    )
    assert server.stdout is not None
    up = server.stdout.readline()
    if up:
        server.terminate()
    out, err = server.communicate(timeout=60)
    return subprocess.CompletedProcess(command, server.returncode, up + out, err)


def test_without_a_model_a_server_says_that_it_goes_by_rules(tmp_path):
    ended = serve(tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert '"by": "rules"' in ended.stderr
    assert "--model names one" in ended.stderr


def test_a_server_without_an_orchestrator_says_so(tmp_path):
    ended = serve(tmp_path, "--no-orchestrator")
    assert ended.returncode == 0, ended.stderr
    assert "messages_not_taken" in ended.stderr


def test_a_model_that_cannot_be_used_is_told_in_one_line(tmp_path):
    ended = serve(tmp_path, "--model", "foo:bar")
    assert ended.returncode == 1
    [line] = ended.stderr.strip().splitlines()
    assert line.startswith("stretto: STRETTO_MODEL is 'foo:bar', which cannot be used")
