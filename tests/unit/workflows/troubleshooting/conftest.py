"""Simulated sources for the tests of `troubleshooting`."""

from tests.simulators.running import (
    prometheus_api,
    prometheus_api_running,
    scheduler_api,
    scheduler_api_running,
)

__all__ = ["prometheus_api", "prometheus_api_running", "scheduler_api", "scheduler_api_running"]
