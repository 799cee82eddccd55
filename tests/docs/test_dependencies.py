"""docs/dependencies.md gives a reason for every package that somebody has to install."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PAGE = (ROOT / "docs" / "dependencies.md").read_text()


def floors(requirements: list[str]) -> dict[str, str]:
    """Package names and the versions they are bound to."""
    found = (re.match(r"([A-Za-z0-9-]+)(?:\[.*\])?\s*[>=]=\s*(\S+)", line) for line in requirements)
    return {match[1]: match[2] for match in found if match}


def documented() -> dict[str, str]:
    """Package names and what the last column of their row says."""
    rows = (line.strip("| ").split("|") for line in PAGE.splitlines() if line.startswith("| "))
    return {row[0].strip(): row[-1].strip() for row in rows}


RUNTIME = floors(list(chain(PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values())))
GROUPS = floors([line for group in PROJECT["dependency-groups"].values() for line in group if isinstance(line, str)])
CODEGEN = floors((ROOT / "tools" / "codegen.txt").read_text().splitlines())


@pytest.mark.parametrize("package", sorted({**RUNTIME, **GROUPS, **CODEGEN}))
def test_a_dependency_has_its_reason(package: str) -> None:
    assert documented().get(package)


@pytest.mark.parametrize("package", sorted(RUNTIME))
def test_a_floor_is_the_one_that_is_explained(package: str) -> None:
    explained = re.match(r"[0-9.]*[0-9]", documented()[package])
    assert explained
    assert f"{RUNTIME[package]}.".startswith(f"{explained[0]}.")


def test_nothing_is_explained_that_is_not_there() -> None:
    assert set(documented()) - {"package", "---"} == {*RUNTIME, *GROUPS, *CODEGEN}


def test_the_generator_is_pinned_at_the_floor_of_the_runtime() -> None:
    assert CODEGEN["grpcio-tools"] == RUNTIME["grpcio"]
    assert CODEGEN["protobuf"] == RUNTIME["protobuf"]
