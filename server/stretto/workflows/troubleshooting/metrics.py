"""The metrics: what machines and services are short of, asked of Prometheus."""

import asyncio
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from stretto.workflows.troubleshooting._http import HttpSource, Refused
from stretto.workflows.troubleshooting.errors import SourceUnavailable

READINGS_MAX: Final = 100
"""Those that are worst; a fleet of machines has more than anybody reads."""


class MetricReading(BaseModel):
    """One metric of one instance, in the contract's words."""

    model_config = ConfigDict(frozen=True)

    name: str
    instance: str = ""
    value: float
    unit: str
    threshold: float | None = None
    exceeded: bool = False


class _Metric(NamedTuple):
    """Something that is read, as one series for each instance. `$i` stands for the matcher of the instance."""

    name: str
    unit: str
    threshold: float
    query: str


_METRICS: Final = (
    _Metric(
        "memory_used",
        "percent",
        90,
        "max by (instance) (100 * (1 - node_memory_MemAvailable_bytes{$i} / node_memory_MemTotal_bytes{$i}))",
    ),
    _Metric(
        "cpu_used",
        "percent",
        90,
        '100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle",$i}[5m])))',
    ),
    _Metric(
        "disk_used",
        "percent",
        90,
        # The fullest of the disks. What has no disk behind it says nothing.
        'max by (instance) (100 * (1 - node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|overlay|squashfs",$i}'
        ' / node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|overlay|squashfs",$i}))',
    ),
    _Metric(
        "load_per_core",
        "tasks",
        2,
        'max by (instance) (node_load5{$i}) / count by (instance) (node_cpu_seconds_total{mode="idle",$i})',
    ),
    _Metric(
        "error_rate",
        "percent",
        5,
        # Both names of the label are common.
        '100 * (sum by (instance) (rate(http_requests_total{status=~"5..",$i}[5m]))'
        ' or sum by (instance) (rate(http_requests_total{code=~"5..",$i}[5m])))'
        " / sum by (instance) (rate(http_requests_total{$i}[5m]))",
    ),
    _Metric(
        "response_p99",
        "seconds",
        1,
        "histogram_quantile(0.99, sum by (instance, le) (rate(http_request_duration_seconds_bucket{$i}[5m])))",
    ),
)
_BY_NAME: Final = {metric.name: metric for metric in _METRICS}
_LABEL: Final = "reading"


class _Sample(BaseModel):
    metric: dict[str, str]
    value: tuple[float, float]


class _Vector(BaseModel):
    resultType: Literal["vector"]  # noqa: N815 - as Prometheus writes it
    result: list[_Sample]


class _Answer(BaseModel):
    status: Literal["success"]
    data: _Vector


class Metrics:
    """A Prometheus, or what speaks its HTTP API. `seconds_max` is for each request."""

    def __init__(self, url: str, *, seconds_max: float = 5.0) -> None:
        self._source = HttpSource("metrics", url, seconds_max=seconds_max)

    async def readings(self, instance: str | None = None) -> list[MetricReading]:
        """What is known of an instance, or of all of them: what is exceeded first, and the worst before the rest.

        An instance without a port is that machine, whatever the port.
        """
        queries = [_labelled(metric, instance) for metric in _METRICS]
        try:
            # One request costs a process far less than several, and takes Prometheus as long as the slowest part.
            found = await self._ask(" or ".join(queries))
        except Refused as refused:
            if refused.status not in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
                raise
            found = await self._ask_apart(queries)
        return sorted(_readings(found), key=_order)[:READINGS_MAX]

    async def aclose(self) -> None:
        """Close the connections of this event loop."""
        await self._source.aclose()

    async def _ask(self, query: str) -> list[_Sample]:
        answer = await self._source.get(_Answer, "/api/v1/query", {"query": query})
        return answer.data.result

    async def _ask_apart(self, queries: Sequence[str]) -> list[_Sample]:
        """Ask side by side, and leave out what fails, unless that is all."""
        asked = await asyncio.gather(*(self._attempt(query) for query in queries))
        answers = [each for each in asked if not isinstance(each, SourceUnavailable)]
        failures = [each for each in asked if isinstance(each, SourceUnavailable)]
        if not answers:
            raise failures[0]
        return [sample for answer in answers for sample in answer]

    async def _attempt(self, query: str) -> list[_Sample] | SourceUnavailable:
        try:
            return await self._ask(query)
        except SourceUnavailable as unavailable:
            return unavailable


def _labelled(metric: _Metric, instance: str | None) -> str:
    """The query of a metric, whose answers say which metric they are of."""
    query = metric.query.replace("$i", _matcher(instance) if instance else "")
    # The label is not there yet, so what it is matches nothing at all.
    return f'label_replace({query}, "{_LABEL}", "{metric.name}", "{_LABEL}", "")'


def _matcher(instance: str) -> str:
    if ":" in instance:
        return f'instance="{_escaped(instance)}"'
    pattern = f"{re.escape(instance)}(:[0-9]+)?"
    return f'instance=~"{_escaped(pattern)}"'


def _escaped(text: str) -> str:
    """A text as it stands between the quotes of PromQL."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _readings(samples: Iterable[_Sample]) -> Iterator[MetricReading]:
    for sample in samples:
        metric, value = _BY_NAME.get(sample.metric.get(_LABEL, "")), sample.value[1]
        # A machine without a disk has used 0/0 of it.
        if metric is not None and math.isfinite(value):
            yield MetricReading(
                name=metric.name,
                instance=sample.metric.get("instance", ""),
                value=round(value, 3),
                unit=metric.unit,
                threshold=metric.threshold,
                exceeded=value > metric.threshold,
            )


def _order(reading: MetricReading) -> tuple[float, str, str]:
    """The largest share of its threshold first, so that what is above it comes before the rest."""
    share = reading.value / reading.threshold if reading.threshold else 0.0
    return -share, reading.name, reading.instance
