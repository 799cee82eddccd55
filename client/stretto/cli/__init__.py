"""The command `stretto`. What is imported here is imported by `stretto --help`, so it is nearly nothing."""

from stretto.cli._entry import main, run

__all__ = ["main", "run"]
