"""What every command says when it cannot do what it was asked: one line, one exit code, and the same in JSON."""

import asyncio
import os
import socket
import subprocess
import sys
import time

import pytest

from stretto.cli._table import COMMANDS
from tests.e2e.cli.calling import NOBODY

AT_ONCE_SECONDS = 5
"""Half of the timeout, up to which a call would be repeated."""
ID = "wf_00000000000000000000000000"
CALLS = {
    "types": ("types",),
    "describe": ("describe", "echo"),
    "list": ("list",),
    "state": ("state", ID),
    "history": ("history", ID),
    "checkpoints": ("history", ID, "--checkpoints"),
    "start": ("start", "echo"),
    "decide": ("decide", ID, "1"),
    "cancel": ("cancel", ID),
    "retry": ("retry", ID),
    "fork": ("fork", ID),
}
WITH_ID = [argv for argv in CALLS.values() if ID in argv]


@pytest.mark.parametrize("argv", CALLS.values(), ids=CALLS)
def test_nobody_at_the_address_is_told_at_once(stretto, argv) -> None:
    began = time.monotonic()
    done = stretto(*argv)
    assert time.monotonic() - began < AT_ONCE_SECONDS
    assert (done.code, done.out) == (6, "")
    assert done.err == (
        f"stretto: nobody answers at {NOBODY}: start a server with `stretto serve MODULE:NAME`, or name another with "
        "--server\n"
    )
    error = stretto(*argv, "--json").error
    assert (error["exit_code"], error["exit"], error["status"]) == (6, "UNREACHABLE", "UNAVAILABLE")


@pytest.mark.parametrize("argv", WITH_ID, ids=lambda argv: " ".join(argv[::2]))
def test_an_unknown_id_is_not_found(here, served, argv) -> None:
    done = here(*argv)
    assert (done.code, done.out) == (3, "")
    assert done.err == f"stretto: There is no workflow of that id; `stretto list` shows those of {served}\n"
    assert here(*argv, "--json").error["reason"] == "WORKFLOW_NOT_FOUND"


@pytest.mark.parametrize("argv", CALLS.values(), ids=CALLS)
def test_an_unknown_option_is_named(stretto, argv) -> None:
    done = stretto(*argv, "--colour")
    assert (done.code, done.out) == (2, "")
    assert "--colour" in done.err
    assert len(done.err.splitlines()) == 1
    assert stretto(*argv, "--colour", "--json").error["exit"] == "USAGE"


@pytest.mark.parametrize("command", ["state", "history", "decide", "cancel", "retry", "fork"])
def test_a_missing_id_is_named(stretto, command) -> None:
    done = stretto(command)
    assert (done.code, done.err) == (2, f"stretto: {command}: ID is missing; see stretto {command} --help\n")


@pytest.mark.parametrize("command", [command for command in COMMANDS if not command.native], ids=lambda one: one.name)
def test_every_command_explains_itself(stretto, command) -> None:
    done = stretto(command.name, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"stretto {command.name}" in done.out
    assert "--json" in done.out


def test_silence_is_told_after_the_timeout(stretto) -> None:
    """Somebody accepts connections there, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        done = stretto("types", "--timeout", "0.3", server=address)
        assert (done.code, done.out) == (6, "")
        assert len(done.err.splitlines()) == 1
        assert stretto("types", "--timeout", "0.3", "--json", server=address).error["exit"] == "UNREACHABLE"


def test_the_address_is_taken_from_the_option_before_the_variable(stretto, served) -> None:
    assert stretto("types", "--server", served).code == 0
    assert stretto("types", "--server", NOBODY, server=served).code == 6


def test_a_bug_is_one_line_and_a_traceback_on_demand(stretto, monkeypatch) -> None:
    def broken(*_, **__):
        raise RuntimeError("oh no")

    monkeypatch.setattr("stretto.cli._options.Client", broken)
    done = stretto("types")
    assert (done.code, done.out) == (1, "")
    assert done.err == "stretto: this is a bug: RuntimeError: oh no (STRETTO_DEBUG=1 shows where; please report it)\n"
    assert stretto("types", "--json").error["exit_code"] == 1
    monkeypatch.setenv("STRETTO_DEBUG", "1")
    assert "Traceback" in stretto("types").err


def test_ctrl_c_is_one_line(stretto, monkeypatch) -> None:
    async def interrupted(*_, **__):
        raise asyncio.CancelledError

    monkeypatch.setattr("stretto.cli._options.Client.__aenter__", interrupted)
    monkeypatch.setattr("asyncio.run", interrupt)
    done = stretto("types")
    assert (done.code, done.err) == (130, "stretto: interrupted\n")


def interrupt(main):
    main.close()
    raise KeyboardInterrupt


def test_no_colour_where_nobody_looks(here, monkeypatch) -> None:
    assert "\x1b" not in here("types").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1m" in here("types").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in here("list").out


def test_a_reader_that_goes_away_is_no_error(served) -> None:
    argv = f"{sys.executable} -m stretto.cli types --json --server {served} | true"
    done = subprocess.run(["bash", "-c", argv], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_a_timeout_that_is_none_is_named(stretto, seconds) -> None:
    done = stretto("types", f"--timeout={seconds}")
    assert done.code == 2
    assert "--timeout" in done.err


def test_bytes_that_are_no_text_are_no_bug(stretto) -> None:
    done = stretto("state", "wf_\udcff")
    assert (done.code, done.out) == (2, "")
    assert done.err == "stretto: state: 'wf_\\udcff' is no UTF-8 text\n"


def test_a_key_that_stands_twice_in_a_large_input_is_found_at_once(stretto) -> None:
    fields = ",".join(f'"k{number}": 1' for number in [*range(100_000), 99_999])
    began = time.monotonic()
    done = stretto("start", "echo", "-", stdin=f"{{{fields}}}")
    assert time.monotonic() - began < AT_ONCE_SECONDS
    assert done.err == "stretto: INPUT (stdin) is no JSON that can be sent: the key 'k99999' stands there twice\n"


def test_a_long_text_is_not_told_whole(stretto) -> None:
    done = stretto("start", "echo", "x" * 100_000)
    assert done.code == 2
    assert len(done.err) < 200


@pytest.mark.parametrize("argv", [["--help"], ["help", "exit-codes"], ["completion", "bash"]], ids=" ".join)
def test_a_reader_that_goes_away_gets_no_traceback(argv) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "stretto.cli", *argv], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_signs_that_the_terminal_lacks_end_no_command(here, served, order) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stretto.cli", "watch", order, "--no-follow", "--server", served],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"accepted orders" in done.stdout
