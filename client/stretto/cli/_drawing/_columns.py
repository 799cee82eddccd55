"""Gives each item of a level its column: as near to its neighbours as the width of those beside it allows."""

import itertools
from collections.abc import Mapping, Sequence

from stretto.cli._drawing._layers import Layered, neighbours

GAP = 3
"""Columns between two items of a layer."""

SWEEPS = 9
"""How often all layers are moved towards their neighbours; the last time from the top, as people read."""


def columns(layered: Layered, left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    """The middle column of each item, given how far it reaches to either side."""
    above, below = neighbours(layered.down)
    middle: dict[str, float] = {}
    for row in layered.layers:
        middle.update(zip(row, _apart(row, [0.0] * len(row), left, right), strict=True))
    for sweep in range(SWEEPS):
        rows = layered.layers if not sweep % 2 else layered.layers[::-1]
        near = above if not sweep % 2 else below
        for row in rows:
            wanted = [_mean([middle[other] for other in near.get(item, ())], middle[item]) for item in row]
            middle.update(zip(row, _apart(row, wanted, left, right), strict=True))
    first = min((round(middle[item]) - left[item] for item in middle), default=0)
    return {item: round(column) - first for item, column in middle.items()}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _apart(
    row: Sequence[str], wanted: Sequence[float], left: Mapping[str, int], right: Mapping[str, int]
) -> list[float]:
    """The places nearest to the wanted ones at which nothing overlaps: neighbours that would are moved as one."""
    offsets = [0.0]
    for before, item in itertools.pairwise(row):
        offsets.append(offsets[-1] + right[before] + GAP + left[item] + 1)
    clusters: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        total, count = want - offset, 1
        while clusters and clusters[-1][0] / clusters[-1][1] > total / count:
            more, members = clusters.pop()
            total, count = total + more, count + members
        clusters.append((total, count))
    places = [round(total / count) for total, count in clusters for _ in range(count)]
    return [place + offset for place, offset in zip(places, offsets, strict=True)]
