"""The samples of the simulated Prometheus, as a test tells them, and those of a machine and of a service."""

from typing import Any

from pydantic import BaseModel, ConfigDict

_BYTES = 16 * 1024**3
_CORES = 4


class Sample(BaseModel):
    """The present value of a series, and for a counter how fast it grows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: dict[str, str]
    """Its labels, with its name as `__name__`."""
    value: float = 0
    per_second: float = 0


def machine(
    instance: str,
    *,
    memory_used: float = 40,
    cpu_used: float = 20,
    disks_used: dict[str, float] | None = None,
    load_per_core: float = 0.3,
) -> list[dict[str, Any]]:
    """What node_exporter tells of a machine that uses so many per cent."""
    found = [
        _sample("node_memory_MemTotal_bytes", instance, _BYTES),
        _sample("node_memory_MemAvailable_bytes", instance, _BYTES * (1 - memory_used / 100)),
        _sample("node_load5", instance, load_per_core * _CORES),
    ]
    for core in range(_CORES):
        for mode, share in (("idle", 1 - cpu_used / 100), ("user", cpu_used / 100)):
            found.append(_sample("node_cpu_seconds_total", instance, 9_000, share, cpu=str(core), mode=mode))
    for mountpoint, used in (disks_used or {"/": 30}).items():
        labels = {"device": "/dev/vda", "fstype": "ext4", "mountpoint": mountpoint}
        found.append(_sample("node_filesystem_size_bytes", instance, _BYTES, **labels))
        found.append(_sample("node_filesystem_avail_bytes", instance, _BYTES * (1 - used / 100), **labels))
    return found


def service(instance: str, *, errors: float = 0.1, p99_seconds: float = 0.2) -> list[dict[str, Any]]:
    """What a web service tells that answers 100 requests a second, so many per cent of them with a fault of its own."""
    found = [
        _sample("http_requests_total", instance, 1_000_000, 100 - errors, status="200"),
        _sample("http_requests_total", instance, 10, errors, status="500"),
    ]
    bounds = {f"{p99_seconds / 2}": 0.0, f"{p99_seconds}": 99.0, "+Inf": 100.0}
    return found + [
        _sample("http_request_duration_seconds_bucket", instance, 1_000, rate, le=le) for le, rate in bounds.items()
    ]


def _sample(name: str, instance: str, value: float, per_second: float = 0, **labels: str) -> dict[str, Any]:
    metric = {"__name__": name, "instance": instance, "job": "tests", **labels}
    return {"metric": metric, "value": value, "per_second": per_second}
