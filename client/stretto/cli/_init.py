"""Writes a new project: a copy of `_template/`, which is one, under another name."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from stretto.cli._exits import CommandError, Exit

__all__ = ["name_of", "write_project"]

TEMPLATE: Final = Path(__file__).parent / "_template"

NAMED: Final = {"pyproject.toml": 'name = "{}"', "README.md": "# {}\n"}
"""Where the project's name stands, and in what."""
TEMPLATE_NAME: Final = "expenses"

NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
"""What the packaging standards take for a project's name; the length is ours, so that it reads well."""
TAKEN: Final = frozenset({"stretto", "pytest"})
"""The project depends on these, and nothing can depend on itself."""

LEFT_ALONE: Final = frozenset({".git", ".venv"})
"""What may stand in a folder before its first file."""


def name_of(folder: Path, given: str = "") -> str:
    """The project's name: the given one, or the folder's."""
    name = given or folder.resolve().name
    if not NAME.fullmatch(name):
        advice = "" if given else "; give the project another one with --name"
        raise CommandError(
            f"{name!r} is no name for a project: letters, digits, `-`, `_` and `.` make one, at most 64, "
            f"with a letter or digit at both ends{advice}"
        )
    if re.sub(r"[._-]+", "-", name).lower() in TAKEN:
        raise CommandError(f"{name!r} is the name of a package that the project needs; give it another with --name")
    return name


def write_project(folder: Path, name: str) -> tuple[Path, ...]:
    """Write the project into a new or an empty folder; gives back its files, as they are called in it."""
    _check_free(folder)
    files = tuple(_template_files())
    try:
        for file in files:
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_renamed(file, name))
    except OSError as error:
        raise CommandError(f"cannot write {error.filename}: {error.strerror}", Exit.FAULT) from error
    return files


def _check_free(folder: Path) -> None:
    """Refuse a folder with files in it: none is ever overwritten."""
    try:
        found = sorted(entry.name for entry in folder.iterdir() if entry.name not in LEFT_ALONE)
    except FileNotFoundError:
        return
    except OSError as error:
        raise CommandError(f"cannot make a project of {folder}: {error.strerror}") from error
    if found:
        raise CommandError(f"{folder} is not empty, it has {found[0]}; name a new folder: stretto init FOLDER")


def _template_files() -> Iterator[Path]:
    """The template's files. Whoever installed it may have compiled its modules, which are none."""
    for path in sorted(TEMPLATE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(TEMPLATE)


def _renamed(file: Path, name: str) -> bytes:
    """A file's content, with the project's name where the template has its own."""
    content = (TEMPLATE / file).read_bytes()
    pattern = NAMED.get(file.as_posix())
    if pattern is None:
        return content
    return content.replace(pattern.format(TEMPLATE_NAME).encode(), pattern.format(name).encode(), 1)
