"""The command `stretto`, as a process of its own."""

import subprocess
import sys
from importlib.metadata import version

import pytest

THIN = """\
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"langgraph", "pydantic", "apsw", "structlog", "cyclopts", "google", "grpc"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from stretto.cli import run
sys.exit(run(sys.argv[1:]))
"""


def stretto(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process that has nothing but the client's own code."""
    return subprocess.run([sys.executable, "-c", THIN, *argv], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("argv", [(), ("--help",), ("-h",)])
def test_help_needs_no_package(argv: tuple[str, ...]) -> None:
    done = stretto(*argv)
    assert done.returncode == 0
    assert "serve" in done.stdout


def test_version_needs_no_package() -> None:
    assert stretto("--version").stdout.strip() == f"stretto {version('stretto')}"


def test_serve_without_the_extra_says_what_to_install() -> None:
    done = stretto("serve", "examples.app:app")
    assert done.returncode == 2
    assert "pip install 'stretto[server]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_command_is_named_in_one_line() -> None:
    done = stretto("fly")
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["stretto: there is no command 'fly'; see stretto --help"]
