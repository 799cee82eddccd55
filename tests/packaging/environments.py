"""Fresh environments with the built distribution in them, made with uv as `make` installed it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
SECONDS_MAX = 120


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment and a folder outside of the checkout in which its commands run."""

    folder: Path
    elsewhere: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def stretto(self) -> str:
        """The installed command."""
        return str(self.folder / "bin" / "stretto")

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command and give back what came of it."""
        return subprocess.run(
            argv, cwd=self.elsewhere, env=bare(), capture_output=True, text=True, timeout=SECONDS_MAX, check=False
        )

    def output_of(self, *argv: str) -> str:
        """What a command prints; it must succeed."""
        done = self.run(*argv)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def says(self, code: str) -> str:
        """What a line of Python prints."""
        return self.output_of(self.python, "-c", code).strip()


def bare() -> dict[str, str]:
    """The environment variables without those that would lead back to the checkout or change the server."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL", "STRETTO_"))}


def make_environment(folder: Path, requirements: Sequence[str], *flags: str) -> Environment:
    """A new environment with these requirements and what they need, and nothing else."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(parents=True)
    uv("venv", "--python", sys.executable, str(folder / "venv"))
    uv("pip", "install", "--python", str(folder / "venv"), *flags, *requirements)
    return Environment(folder / "venv", elsewhere)


def remove(folder: Path) -> None:
    """Environments are large, and nobody looks at them after the tests."""
    shutil.rmtree(folder)


def uv(*argv: str) -> None:
    """Run uv. What goes wrong, most often an index that cannot be reached, is told in one line."""
    if not UV.exists():
        pytest.fail(f"{UV} is missing: run make once", pytrace=False)
    done = subprocess.run(
        [UV, "--quiet", *argv], cwd=ROOT, env=bare(), capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    if done.returncode:
        told = " ".join(done.stderr.split())
        pytest.fail(f"uv {argv[0]} failed; is the package index within reach? {told}", pytrace=False)
