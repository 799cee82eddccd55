"""Kills a real server at random moments under load, and counts what was lost. `python -m benchmarks.chaos --help`."""
