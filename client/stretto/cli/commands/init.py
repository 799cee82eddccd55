"""`stretto init`."""

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from stretto.cli._init import name_of, write_project
from stretto.cli._options import PRINTING, Printing

__all__ = ["init"]

NEXT = """
Next:
  cd {folder}
  pip install pytest                # next to stretto[server]
  python -m pytest                  # its test
  stretto serve expenses.app:app    # serve it on 127.0.0.1:50051
README.md tells how to start a workflow, watch it and answer its question."""


def init(
    folder: Annotated[Path, Parameter(name="DIR", help="Where to write it: a new folder, or an empty one.")],
    /,
    *,
    name: Annotated[str, Parameter(help="The project's name; the folder's when left out.")] = "",
    printing: Printing = PRINTING,
) -> None:
    """Make a new project with a workflow, a contract and a test.

    It is complete: a protobuf contract with rules, a LangGraph graph that tells its progress, asks a person and tries
    again what failed, and a test of all that. Change it into yours.
    """
    output = printing.output()
    name = name_of(folder, name)
    files = write_project(folder, name)
    output.show(
        f"Wrote {name} into {folder}:", *(f"  {file}" for file in files), NEXT.format(folder=shlex.quote(str(folder)))
    )
    output.document({"name": name, "folder": str(folder), "files": [file.as_posix() for file in files]})
