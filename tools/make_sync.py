"""Writes the blocking client, `_sync`, from the asynchronous one, `_async`; `--check` only says whether it is current.

The two have one shape, and whatever is mended in one is mended in both. What differs between gRPC's two APIs is in
`_io`, which each of them has its own of.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import unasync

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "client" / "stretto" / "client" / "_async"
TWIN = SOURCE.with_name("_sync")
HEAD = '"""{first}\n\nWritten by tools/make_sync.py from `_async/{name}`; `make proto` writes it again.\n"""\n'
NAMES = {
    "_async": "_sync",
    "aclose": "close",
    "Client": "ClientSync",
    "Session": "SessionSync",
    "SessionWatch": "SessionWatchSync",
    "Watch": "WatchSync",
    "WorkflowHandle": "WorkflowHandleSync",
}
BY_HAND = {"__init__.py", "_io.py"}


def main() -> None:
    """Write or check all modules."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_sync", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a module is out of date")
    check = parser.parse_args().check
    made = modules()
    stale = [name for name, text in made.items() if not _is_current(TWIN / name, text)]
    left = sorted({path.name for path in TWIN.glob("*.py")} - set(made) - BY_HAND)
    if check and (stale or left):
        sys.exit(f"out of date: {', '.join(stale + left)}; make proto writes them again")
    for name in left:
        (TWIN / name).unlink()
    for name in stale:
        (TWIN / name).write_text(made[name])
        print(f"wrote {TWIN.relative_to(ROOT) / name}")


def modules() -> dict[str, str]:
    """All modules of the twin, by file name."""
    sources = [path for path in sorted(SOURCE.glob("*.py")) if path.name not in BY_HAND]
    with tempfile.TemporaryDirectory() as directory:
        here, there = Path(directory, "_async"), Path(directory, "_sync")
        here.mkdir()
        for path in sources:
            (here / path.name).write_text(path.read_text())
        rule = unasync.Rule(f"{here}/", f"{there}/", additional_replacements=NAMES)
        unasync.unasync_files([str(here / path.name) for path in sources], [rule])
        for path in there.glob("*.py"):
            path.write_text(_with_head(path))
        ruff = Path(sys.executable).with_name("ruff")
        for command in (["check", "--quiet", "--select=I,RUF022", "--fix"], ["format", "--quiet"]):
            subprocess.run([ruff, *command, "--config", ROOT / "pyproject.toml", there], check=True)
        return {path.name: path.read_text() for path in there.glob("*.py")}


def _with_head(path: Path) -> str:
    """The module with a docstring that says where it comes from."""
    first, _, rest = path.read_text().partition("\n")
    return HEAD.format(first=first.strip('"'), name=path.name) + rest


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    main()
