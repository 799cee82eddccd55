"""The table on the terminal and the file for programs."""

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks._stats import Figure

_MET = {True: "yes", False: "NO", None: ""}


def as_table(figures: Sequence[Figure]) -> str:
    """The figures as aligned text."""
    rows = [("name", "value", "unit", "target", "met")]
    rows += [
        (f.name, f"{f.value:,.3g}" if f.value < 1000 else f"{f.value:,.0f}", f.unit, str(f.target or ""), _MET[f.met])
        for f in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def write_json(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures as a list of {name, value, unit, target, met}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"name": f.name, "value": round(f.value, 6), "unit": f.unit, "target": f.target and str(f.target), "met": f.met}
        for f in figures
    ]
    path.write_text(json.dumps(rows, indent=2) + "\n")
