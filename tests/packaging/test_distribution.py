"""The wheel and the sdist hold what they should and say what they are."""

import re
import subprocess
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tests.packaging.distribution import Built
from tests.packaging.environments import ROOT, uv

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ROOTS = [ROOT / name for name in ("client", "generated", "server")]
DOMAINS = {folder.name for folder in (ROOT / "protos" / "stretto").iterdir()}
PARTS = {"client", "cli", "models", "orchestrator", "server", "testing", "workflows"}


def on_disk() -> set[str]:
    """What the source roots hold, without what Python leaves there."""
    files = [(root, path) for root in ROOTS for path in root.rglob("*") if path.is_file()]
    return {str(path.relative_to(root)) for root, path in files if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_source_roots_and_nothing_else(built: Built) -> None:
    assert built.files() == on_disk()


def test_the_wheel_adds_its_parts_to_the_namespace_and_does_not_own_it(built: Built) -> None:
    assert {tuple(name.split("/")[:2]) for name in built.files()} == {("stretto", part) for part in PARTS | DOMAINS}


def test_every_part_says_that_it_is_typed(built: Built) -> None:
    typed = {f"stretto/{part}/py.typed" for part in PARTS} | {f"stretto/{domain}/v1/py.typed" for domain in DOMAINS}
    assert typed <= built.files()


def test_the_checkout_and_the_sdist_make_the_same_wheel(built: Built, tmp_path: Path) -> None:
    uv("build", "--wheel", "--out-dir", str(tmp_path))
    (wheel,) = tmp_path.glob("*.whl")
    direct = Built(wheel, built.sdist)
    assert direct.files() == built.files()
    assert direct.metadata.read_text("METADATA") == built.metadata.read_text("METADATA")


def test_the_sdist_holds_what_the_repository_does(built: Built) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    kept = {name for name in listed if (ROOT / name).exists() and not name.startswith(".ci/")}
    assert kept - built.sources() == set()
    assert [name for name in built.sources() if "__pycache__" in name or name.startswith("build/")] == []


def test_the_extras_are_those_of_the_project_and_each_brings_the_command_line(built: Built) -> None:
    extras = {extra: built.requirements(extra) for extra in built.metadata.metadata.get_all("Provides-Extra") or []}
    assert set(extras) == set(PROJECT["optional-dependencies"])
    assert [extra for extra in extras if not set(extras["cli"]) <= set(extras[extra])] == []
    assert sorted(built.requirements()) == sorted(PROJECT["dependencies"])


def test_the_command_is_an_entry_point(built: Built) -> None:
    assert list(built.metadata.entry_points) == [EntryPoint("stretto", "stretto.cli:main", "console_scripts")]


def test_the_licence_comes_along(built: Built) -> None:
    assert built.metadata.metadata["License-Expression"] == "Apache-2.0"
    assert built.metadata.read_text("licenses/LICENSE") == (ROOT / "LICENSE").read_text()


def test_the_page_in_an_index_is_the_readme_without_links_that_lead_nowhere(built: Built) -> None:
    page = built.metadata.metadata.get_payload()
    assert page.lstrip().startswith("# Stretto")
    targets = re.findall(r"\]\(([^)]*)\)|(?:src|href)=\"([^\"]*)\"", page)
    assert [target for target in map("".join, targets) if not target.startswith(("https://", "http://", "#"))] == []
    assert "[Design](" not in page
    assert "Design: how it works and why" in page


@pytest.mark.parametrize("field", ["Summary", "Author", "Requires-Python", "Keywords", "Classifier"])
def test_the_metadata_tells(built: Built, field: str) -> None:
    assert built.metadata.metadata[field]
