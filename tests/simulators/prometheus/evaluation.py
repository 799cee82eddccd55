"""What a query comes to: PromQL's instant vectors, over the samples of the simulator."""

import math
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from tests.simulators.prometheus.parser import (
    Aggregation,
    Binary,
    Call,
    Expression,
    Matcher,
    Number,
    QueryInvalid,
    Selector,
    String,
)
from tests.simulators.prometheus.samples import Sample

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Value = Vector | float | str
Samples = Mapping[str, Sequence[Sample]]
"""By name."""

_NAME: Final = "__name__"
_AGGREGATIONS: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "avg": statistics.fmean,
    "count": len,
    "max": max,
    "min": min,
    "sum": sum,
}


class ExecutionFailed(Exception):
    """The query is of the language, but it cannot be carried out on these samples."""


def evaluate(expression: Expression, samples: Samples) -> Value:
    """What an expression comes to now."""
    match expression:
        case Number(value) | String(value):
            return value
        case Selector():
            return {labels: sample.value for labels, sample in _selected(expression, samples)}
        case Binary(operator, left, right):
            return _combined(operator, evaluate(left, samples), evaluate(right, samples))
        case Aggregation(operation, by, of):
            return _aggregated(_AGGREGATIONS[operation], by, _vector(evaluate(of, samples)))
    return _called(expression, samples)


def _called(call: Call, samples: Samples) -> Vector:
    match call:
        case Call("rate", (Selector(over_time=True) as selector,)):
            return _nameless((labels, sample.per_second) for labels, sample in _selected(selector, samples))
        case Call("histogram_quantile", (Number(quantile), of)):
            return _quantiles(quantile, _vector(evaluate(of, samples)))
        case Call("label_replace", (of, String(to), String(by), String(source), String(pattern))):
            return _relabelled(_vector(evaluate(of, samples)), to, by, source, pattern)
    raise QueryInvalid("parse error: arguments of a wrong type")


def _selected(selector: Selector, samples: Samples) -> list[tuple[Labels, Sample]]:
    return [
        (frozenset(sample.metric.items()), sample)
        for sample in samples.get(selector.name, ())
        if all(_matches(matcher, sample.metric.get(matcher.label, "")) for matcher in selector.matchers)
    ]


def _matches(matcher: Matcher, value: str) -> bool:
    if "~" not in matcher.operator:
        return (value == matcher.value) != matcher.operator.startswith("!")
    try:
        return (re.fullmatch(matcher.value, value) is not None) != matcher.operator.startswith("!")
    except re.error as error:
        raise QueryInvalid(f"parse error: error parsing regexp: {error}") from None


def _vector(value: Value) -> Vector:
    if not isinstance(value, dict):
        raise QueryInvalid("parse error: expected type instant vector")
    return value


def _nameless(pairs: Iterable[tuple[Labels, float]]) -> Vector:
    """A vector without names, in which each series must be there once."""
    found: Vector = {}
    for labels, value in pairs:
        key = frozenset(pair for pair in labels if pair[0] != _NAME)
        if key in found:
            raise ExecutionFailed("found duplicate series for the match group: many-to-many matching not allowed")
        found[key] = value
    return found


def _combined(operator: str, left: Value, right: Value) -> Value:
    if operator == "or":
        return _either(_vector(left), _vector(right))
    if isinstance(left, str) or isinstance(right, str):
        raise QueryInvalid("parse error: binary expression must contain only scalar and instant vector types")
    if not isinstance(left, dict) and not isinstance(right, dict):
        return _calculated(operator, left, right)
    if not isinstance(left, dict):
        return {
            labels: _calculated(operator, left, value) for labels, value in _nameless(_vector(right).items()).items()
        }
    if not isinstance(right, dict):
        return {labels: _calculated(operator, value, right) for labels, value in _nameless(left.items()).items()}
    ones, others = _nameless(left.items()), _nameless(right.items())
    return {labels: _calculated(operator, value, others[labels]) for labels, value in ones.items() if labels in others}


def _either(left: Vector, right: Vector) -> Vector:
    """All on the left, and those on the right whose labels, but for the name, are not there."""
    known = {frozenset(pair for pair in labels if pair[0] != _NAME) for labels in left}
    return left | {
        labels: value
        for labels, value in right.items()
        if frozenset(pair for pair in labels if pair[0] != _NAME) not in known
    }


def _calculated(operator: str, left: float, right: float) -> float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    if right:
        return left / right
    return math.copysign(math.inf, left) if left else math.nan


def _aggregated(operation: Callable[[Sequence[float]], float], by: Sequence[str], vector: Vector) -> Vector:
    groups: defaultdict[Labels, list[float]] = defaultdict(list)
    for labels, value in vector.items():
        groups[frozenset(pair for pair in labels if pair[0] in by)].append(value)
    return {labels: float(operation(values)) for labels, values in groups.items()}


def _quantiles(quantile: float, buckets: Vector) -> Vector:
    """The quantile of each histogram, by linear interpolation in the bucket that it falls into."""
    histograms: defaultdict[Labels, list[tuple[float, float]]] = defaultdict(list)
    for labels, value in buckets.items():
        bound = float(dict(labels)["le"])
        histograms[frozenset(pair for pair in labels if pair[0] not in ("le", _NAME))].append((bound, value))
    return {labels: _quantile(quantile, sorted(counts)) for labels, counts in histograms.items()}


def _quantile(quantile: float, counts: Sequence[tuple[float, float]]) -> float:
    rank = quantile * counts[-1][1]
    lower_bound = lower_count = 0.0
    for bound, count in counts:
        if count >= rank and count:
            if math.isinf(bound):
                return lower_bound
            return lower_bound + (bound - lower_bound) * (rank - lower_count) / ((count - lower_count) or math.nan)
        lower_bound, lower_count = bound, count
    return math.nan


def _relabelled(vector: Vector, to: str, by: str, source: str, pattern: str) -> Vector:
    """As `label_replace` does it, for replacements that quote nothing of what matched."""
    found: Vector = {}
    for labels, value in vector.items():
        if re.fullmatch(pattern, dict(labels).get(source, "")) is not None:
            key = frozenset({**dict(labels), to: by}.items())
        else:
            key = labels
        if key in found:
            raise ExecutionFailed("vector cannot contain metrics with the same labelset")
        found[key] = value
    return found
