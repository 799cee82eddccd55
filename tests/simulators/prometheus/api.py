"""The path of the simulated Prometheus: instant queries."""

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from tests.simulators.http import Request, Response
from tests.simulators.prometheus.evaluation import ExecutionFailed, Value, evaluate
from tests.simulators.prometheus.parser import QueryInvalid, parse
from tests.simulators.prometheus.samples import Sample
from tests.simulators.source import Query, Source


class Api(Source):
    """Answers queries out of the samples that it was told."""

    def __init__(self, delay_seconds: float = 0) -> None:
        super().__init__(delay_seconds)
        self._samples: defaultdict[str, list[Sample]] = defaultdict(list)

    def told(self, what: str, value: bytes) -> bool:
        if what != "samples":
            return False
        samples = TypeAdapter(list[Sample]).validate_json(value)
        self._samples.clear()
        for sample in samples:
            self._samples[sample.metric["__name__"]].append(sample)
        return True

    def forget(self) -> None:
        self._samples.clear()

    async def answer(self, request: Request, path: list[str], query: Query, response: Response) -> None:
        if (request.method, path) != ("GET", ["api", "v1", "query"]):
            await response.send_text(404, "404 page not found\n", "text/plain; charset=utf-8")
            return
        try:
            found = evaluate(parse(query.get("query", [""])[0]), self._samples)
        except QueryInvalid as invalid:
            await response.send(400, _error("bad_data", f'invalid parameter "query": {invalid}'))
        except ExecutionFailed as failed:
            await response.send(422, _error("execution", str(failed)))
        else:
            await response.send(200, {"status": "success", "data": _data(found)})


def _error(kind: str, message: str) -> dict[str, str]:
    return {"status": "error", "errorType": kind, "error": message}


def _data(found: Value) -> dict[str, Any]:
    now = round(time.time(), 3)
    if isinstance(found, dict):
        result = [{"metric": dict(sorted(labels)), "value": [now, _text(value)]} for labels, value in _ordered(found)]
        return {"resultType": "vector", "result": result}
    if isinstance(found, str):
        return {"resultType": "string", "result": [now, found]}
    return {"resultType": "scalar", "result": [now, _text(found)]}


def _ordered(found: dict[Any, float]) -> Iterable[tuple[Any, float]]:
    return sorted(found.items(), key=lambda pair: sorted(pair[0]))


def _text(value: float) -> str:
    """A number as Go writes it."""
    return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}.get(str(value), f"{value:.17g}")
