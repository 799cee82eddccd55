"""Stretto in one line of a test: a real server in the test's own process."""

from stretto.testing._clock import ManualClock
from stretto.testing._serving import Serving, serving
from stretto.testing._serving_sync import ServingSync, serving_sync

__all__ = ["ManualClock", "Serving", "ServingSync", "serving", "serving_sync"]
