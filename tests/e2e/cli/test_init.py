"""`stretto init` writes a project that passes its own test."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


def outside(folder: Path, *argv: str) -> str:
    """What Python prints in a folder, as a process that knows nothing of this repository's settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "LANGGRAPH", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, *argv], cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_new_project_passes_its_own_test(stretto, tmp_path: Path) -> None:
    assert stretto("init", str(tmp_path / "shop")).code == 0
    assert "4 passed" in outside(tmp_path / "shop", "-m", "pytest", "-p", "no:asyncio", "-W", "error")


def test_it_has_these_files_and_no_others(stretto, tmp_path: Path) -> None:
    """Whatever lies about in the template would be in everybody's project."""
    stretto("init", str(tmp_path / "shop"))
    assert files_of(tmp_path / "shop") == [
        ".gitignore",
        "README.md",
        "claim.json",
        "expenses/__init__.py",
        "expenses/app.py",
        "expenses/bank.py",
        "expenses/graph.py",
        "expenses/v1/expenses_pb2.py",
        "expenses/v1/expenses_pb2.pyi",
        "protos/expenses/v1/expenses.proto",
        "pyproject.toml",
        "tests/test_expenses.py",
    ]


def test_it_bears_the_name_of_its_folder(stretto, tmp_path: Path) -> None:
    stretto("init", str(tmp_path / "shop"))
    assert tomllib.loads((tmp_path / "shop/pyproject.toml").read_text())["project"]["name"] == "shop"
    assert (tmp_path / "shop/README.md").read_text().startswith("# shop\n")


def test_it_bears_the_name_that_is_given(stretto, tmp_path: Path) -> None:
    folder = tmp_path / "my shop"
    assert stretto("init", str(folder), "--name", "my-shop").code == 0
    assert tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"] == "my-shop"


def test_it_fits_into_the_folder_that_one_stands_in(stretto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = tmp_path / "shop"
    (shop / ".git").mkdir(parents=True)
    (shop / ".venv").mkdir()
    monkeypatch.chdir(shop)
    assert stretto("init", ".").code == 0
    assert tomllib.loads((shop / "pyproject.toml").read_text())["project"]["name"] == "shop"


def test_what_it_wrote_is_told(stretto, tmp_path: Path) -> None:
    ran = stretto("init", str(tmp_path / "shop"))
    assert f"Wrote shop into {tmp_path / 'shop'}:" in ran.out
    assert "  expenses/graph.py" in ran.out.splitlines()
    assert "  python -m pytest" in ran.out


def test_programs_are_told_in_json(stretto, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    told = json.loads(stretto("init", str(shop), "--json").out)
    assert (told["name"], told["folder"]) == ("shop", str(shop))
    assert told["files"] == files_of(shop)


def test_a_folder_with_files_is_left_alone(stretto, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    ran = stretto("init", str(tmp_path), "--name", "shop")
    assert_refused(ran, f"{tmp_path} is not empty, it has notes.txt; name a new folder: stretto init FOLDER")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_is_no_folder(stretto, tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("mine")
    assert_refused(stretto("init", str(tmp_path / "shop")), f"cannot make a project of {tmp_path / 'shop'}")


@pytest.mark.parametrize("name", ["my shop", "-shop", "shop.", "käse", "x" * 65, "a/b"])
def test_a_name_that_no_package_may_have_is_refused(stretto, tmp_path: Path, name: str) -> None:
    assert_refused(stretto("init", str(tmp_path / "shop"), f"--name={name}"), f"{name!r} is no name for a project")
    assert not (tmp_path / "shop").exists()


def test_a_folder_whose_name_does_not_do_leads_to_the_option(stretto, tmp_path: Path) -> None:
    assert_refused(stretto("init", str(tmp_path / "my shop")), "give the project another one with --name")


@pytest.mark.parametrize("name", ["stretto", "Stretto", "pytest"])
def test_a_project_does_not_bear_the_name_of_what_it_needs(stretto, tmp_path: Path, name: str) -> None:
    assert_refused(stretto("init", str(tmp_path / name)), f"{name!r} is the name of a package that the project needs")


def test_a_folder_that_cannot_be_written_is_named(stretto, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = stretto("init", str(tmp_path / "file/shop"))
    assert ran.code != 0
    assert len(ran.err.splitlines()) == 1
    assert str(tmp_path / "file/shop") in ran.err


def assert_refused(ran, text: str) -> None:
    assert (ran.code, ran.out) == (2, "")
    assert text in ran.err
    assert len(ran.err.splitlines()) == 1
