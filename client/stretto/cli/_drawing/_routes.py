"""Lines between two layers: which links share one, where it leaves and enters, and in which row it runs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stretto.cli._drawing._layers import Layered, Link

PORT_GAP = 2
"""Columns from one line to the next at the same item."""


@dataclass(slots=True)
class Net:
    """One line: from all its tops to all its bottoms, or to and from a rail at the right."""

    number: int
    channel: int
    """Rows between layer `channel - 1` and layer `channel`."""
    tops: tuple[str, ...] = ()
    bottoms: tuple[str, ...] = ()
    dashed: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    """Label by item at the bottom."""
    rail: int = -1
    """Which rail it joins, from the left; -1 for none."""
    top_columns: tuple[int, ...] = ()
    bottom_columns: tuple[int, ...] = ()
    track: int = -1
    """Row of its horizontal part within the channel; -1 when it is straight."""

    @property
    def straight(self) -> bool:
        """Whether it needs no horizontal part."""
        return self.rail < 0 and self.top_columns == self.bottom_columns and len(self.top_columns) == 1


def nets_of(layered: Layered) -> list[Net]:
    """All lines of a level."""
    layer = {item: number for number, row in enumerate(layered.layers) for item in row}
    nets: list[Net] = []
    for targets, dashed, sources, labels in _bundles(layered.down):
        nets.append(Net(len(nets), layer[targets[0]], sources, targets, dashed, labels))
    return nets + _back(layered.back, layer, len(nets))


def _bundles(links: Iterable[Link]) -> list[tuple[tuple[str, ...], bool, tuple[str, ...], dict[str, str]]]:
    """Links that may share a line: all from one source, and sources that lead to the very same targets."""
    targets: dict[tuple[str, bool], dict[str, str]] = {}
    for link in links:
        targets.setdefault((link.source, link.dashed), {})[link.target] = link.label
    bundles: dict[tuple[tuple[str, ...], bool, str], tuple[list[str], dict[str, str]]] = {}
    for (source, dashed), labels in targets.items():
        # A label belongs to one source, so its line is not shared.
        key = (tuple(sorted(labels)), dashed, source if any(labels.values()) else "")
        bundles.setdefault(key, ([], labels))[0].append(source)
    return [(key[0], key[1], tuple(sources), labels) for key, (sources, labels) in bundles.items()]


def _back(links: Sequence[Link], layer: Mapping[str, int], number: int) -> list[Net]:
    """The lines of links that close a cycle: from below their sources to a rail, and up to above their targets."""
    nets = []
    for rail, joined in enumerate(_rails(links, layer)):
        targets = tuple(dict.fromkeys(link.target for link in joined))
        dashed = all(link.dashed for link in joined)
        label = ", ".join(link.label for link in joined if link.label)
        nets.append(Net(number + rail, layer[targets[0]], (), targets, dashed, {targets[0]: label}, rail))
        for below in sorted({layer[link.source] for link in joined}):
            sources = tuple(dict.fromkeys(link.source for link in joined if layer[link.source] == below))
            nets.append(Net(number + rail, below + 1, sources, (), dashed, {}, rail))
    return nets


def _rails(links: Sequence[Link], layer: Mapping[str, int]) -> list[list[Link]]:
    """Links that may share a rail: all to one target, and those to targets beside it that the very same sources have.

    The shortest rail is the innermost one.
    """
    by_target: dict[str, list[Link]] = {}
    for link in links:
        by_target.setdefault(link.target, []).append(link)
    rails: dict[tuple[int, frozenset[str], bool, str], list[Link]] = {}
    for target, joined in by_target.items():
        sources, dashed = frozenset(link.source for link in joined), all(link.dashed for link in joined)
        # A label belongs to one target, so its rail is not shared.
        key = (layer[target], sources, dashed, target if any(link.label for link in joined) else "")
        rails.setdefault(key, []).extend(joined)
    return sorted(rails.values(), key=lambda rail: max(layer[link.source] for link in rail) - layer[rail[0].target])


def ports_needed(nets: Iterable[Net]) -> Counter[str]:
    """The larger number of lines at either side of each item."""
    tops = Counter(item for net in nets for item in net.tops)
    bottoms = Counter(item for net in nets for item in net.bottoms)
    return tops | bottoms


def place_ports(nets: Sequence[Net], middle: Mapping[str, int]) -> None:
    """Choose the columns at which lines leave and enter."""
    leaving: dict[str, list[Net]] = {}
    entering: dict[str, list[Net]] = {}
    for net in nets:
        for item in net.tops:
            leaving.setdefault(item, []).append(net)
        for item in net.bottoms:
            entering.setdefault(item, []).append(net)
    top = {
        item: _ports(middle[item], ending, [_mean(net, net.bottoms, middle) for net in ending])
        for item, ending in leaving.items()
    }
    bottom = {
        item: _ports(middle[item], ending, [_mean(net, net.tops, middle) for net in ending])
        for item, ending in entering.items()
    }
    for net in nets:
        net.top_columns = tuple(top[item][id(net)] for item in net.tops)
        net.bottom_columns = tuple(bottom[item][id(net)] for item in net.bottoms)


def _mean(net: Net, others: Sequence[str], middle: Mapping[str, int]) -> float:
    """Where a line comes from or goes to; a rail is at the far right."""
    return sum(middle[item] for item in others) / len(others) if net.rail < 0 else float("inf")


def _ports(middle: int, nets: Sequence[Net], far: Sequence[float]) -> dict[int, int]:
    """Columns at one side of an item: the line that comes closest to straight is in the middle."""
    order = sorted(range(len(nets)), key=lambda number: far[number])
    straightest = min(range(len(order)), key=lambda place: abs(far[order[place]] - middle))
    return {id(nets[number]): middle + PORT_GAP * (place - straightest) for place, number in enumerate(order)}


def place_tracks(nets: Sequence[Net], rail_column: Mapping[int, int]) -> int:
    """Give each bent line of one channel a row; gives back how many rows that takes."""
    waiting = [net for net in nets if not net.straight]
    spans = {id(net): _span(net, rail_column) for net in waiting}
    taken: list[list[tuple[int, int]]] = []
    while waiting:
        net = next((net for net in waiting if not _must_wait(net, waiting)), waiting[0])
        waiting.remove(net)
        first = max((other.track + 1 for other in nets if other.track >= 0 and _above(other, net)), default=0)
        net.track = next(row for row in range(first, len(taken) + first + 1) if _free(taken, row, spans[id(net)]))
        while len(taken) <= net.track:
            taken.append([])
        taken[net.track].append(spans[id(net)])
    return len(taken)


def _span(net: Net, rail_column: Mapping[int, int]) -> tuple[int, int]:
    columns = [*net.top_columns, *net.bottom_columns, *([rail_column[net.rail]] if net.rail >= 0 else [])]
    return min(columns), max(columns)


def _above(one: Net, other: Net) -> bool:
    """Whether one must run above the other, as it comes down where the other goes down."""
    return one is not other and not set(one.top_columns).isdisjoint(other.bottom_columns)


def _must_wait(net: Net, waiting: Iterable[Net]) -> bool:
    return any(_above(other, net) for other in waiting)


def _free(taken: Sequence[Sequence[tuple[int, int]]], row: int, span: tuple[int, int]) -> bool:
    return row >= len(taken) or all(span[1] < left or right < span[0] for left, right in taken[row])
