"""The command `stretto` itself, before any command: help, version, exit codes, what is not installed."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from stretto.cli._exits import MEANINGS, Exit
from stretto.cli._table import COMMANDS

HIDE = """\
import sys

HIDDEN = set(sys.argv.pop(1).split(","))

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from stretto.cli import run
sys.exit(run(sys.argv[1:]))
"""
EVERYTHING = "langgraph,pydantic,apsw,structlog,cyclopts,rich,google,grpc"
NOT_THIN = "langgraph,pydantic,apsw,structlog,cyclopts,rich"


def without(packages: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process that lacks some packages."""
    called = [sys.executable, "-c", HIDE, packages, *argv]
    return subprocess.run(called, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("argv", [(), ("--help",), ("-h",), ("help",), ("help", "--help")])
def test_help_needs_no_package(argv: tuple[str, ...]) -> None:
    done = without(EVERYTHING, *argv)
    assert done.returncode == 0
    assert not done.stderr
    assert all(f"  {command.name} " in done.stdout and command.help in done.stdout for command in COMMANDS)


def test_version_needs_no_package() -> None:
    assert without(EVERYTHING, "--version").stdout.strip() == f"stretto {version('stretto')}"


def test_help_names_the_extras_that_are_missing(stretto) -> None:
    assert "pip install 'stretto[cli]'; serve: 'stretto[server]'" in without(NOT_THIN, "--help").stdout
    assert "pip install 'stretto[server]'" in without("langgraph", "--help").stdout
    assert "pip install" not in stretto("--help").out


@pytest.mark.parametrize("command", [command for command in COMMANDS if not command.native], ids=lambda one: one.name)
def test_a_command_without_the_extra_says_what_to_install(command) -> None:
    done = without(NOT_THIN, command.name, "--help")
    assert done.returncode == 2
    assert "pip install 'stretto[cli]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_serve_without_the_extra_says_what_to_install() -> None:
    done = without(NOT_THIN, "serve", "examples.app:app")
    assert done.returncode == 2
    assert "pip install 'stretto[server]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_serve_has_its_own_help() -> None:
    done = without("", "serve", "--help")
    assert done.returncode == 0
    assert "--listen" in done.stdout


def test_an_unknown_command_is_named_in_one_line(stretto) -> None:
    done = stretto("fly")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == ["stretto: there is no command 'fly'; see stretto --help"]


def test_a_command_that_is_misspelt_is_found(stretto) -> None:
    assert stretto("stat").err == "stretto: there is no command 'stat'; did you mean state or start?\n"
    told = "stretto: '--server' stands before the command; options come after it: stretto COMMAND --server …\n"
    assert stretto("--server", "127.0.0.1:1", "list").err == told


def test_the_exit_codes_are_told(stretto) -> None:
    told = stretto("help", "exit-codes").out
    assert all(f"{code.value:>3}  {MEANINGS[code]}" in told for code in Exit)


def test_help_of_a_command_is_that_commands_help(stretto) -> None:
    assert stretto("help", "start").out == stretto("start", "--help").out
    assert "stretto start TYPE [INPUT]" in stretto("help", "start").out
    assert stretto("help", "fly").code == 2
