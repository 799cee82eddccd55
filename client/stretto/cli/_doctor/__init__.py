"""Checks of a server and of the way to it."""

from stretto.cli._doctor._examine import examine, installation
from stretto.cli._doctor._finding import Finding, Verdict

__all__ = ["Finding", "Verdict", "examine", "installation"]
