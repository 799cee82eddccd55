"""Puts the items of one level into layers, so that arrows point down, and orders them, so that few lines cross."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SWEEPS = 4
"""How often the order is improved, downwards and upwards; more hardly changes a thing."""


@dataclass(frozen=True, slots=True)
class Link:
    """An edge between two items of one level."""

    source: str
    target: str
    label: str = ""
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Layered:
    """Items by layer from the top, with a placeholder wherever a link passes through a layer."""

    layers: tuple[tuple[str, ...], ...]
    down: tuple[Link, ...]
    """Links between neighbouring layers; a longer one is several, from placeholder to placeholder."""
    back: tuple[Link, ...]
    """Links that close a cycle."""
    passing: frozenset[str]
    """The placeholders."""


def arrange(items: Sequence[str], links: Sequence[Link]) -> Layered:
    """Layers for items; links from an item to itself are not for this."""
    back = _closing(items, links)
    forward = [link for link in links if link not in back]
    level = _levels(items, forward)
    down, passing = _split(forward, level)
    rows: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for item in (*items, *passing):
        rows[level[item]].append(item)
    return Layered(_ordered(rows, down), tuple(down), tuple(back), frozenset(passing))


def _closing(items: Sequence[str], links: Sequence[Link]) -> list[Link]:
    """The links that lead back. Where a loop may be entered at several items, those that are conditions do."""
    met, roots = _met_again(items, links)
    back = [link for link in met if link.source not in _reached(roots, links, without=link.target)]
    if len(back) == len(met):
        return back
    kept: list[Link] = []
    for link in sorted((link for link in links if link not in back), key=lambda link: (link.dashed, link in met)):
        (back if link.source in _reached([link.target], kept) else kept).append(link)
    return back


def _reached(roots: Iterable[str], links: Iterable[Link], without: str = "") -> set[str]:
    """The items that links lead to from others, and these themselves; no way goes through one item."""
    _, below = neighbours(links)
    found = set(roots) - {without}
    ahead = list(found)
    while ahead:
        new = set(below.get(ahead.pop(), ())) - found - {without}
        found |= new
        ahead += new
    return found


def _met_again(items: Sequence[str], links: Sequence[Link]) -> tuple[list[Link], list[str]]:
    """The links to an item that is on the way to them, and where the ways begin; found without recursion."""
    leaving: dict[str, list[Link]] = {item: [] for item in items}
    for link in links:
        leaving[link.source].append(link)
    closing: list[Link] = []
    roots: list[str] = []
    open_items: dict[str, bool] = {}
    for root in items:
        stack = [] if root in open_items else [(root, iter(leaving[root]))]
        roots += [root] * bool(stack)
        open_items.setdefault(root, bool(stack))
        while stack:
            item, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                open_items[item] = False
                stack.pop()
            elif open_items.get(following.target):
                closing.append(following)
            elif following.target not in open_items:
                open_items[following.target] = True
                stack.append((following.target, iter(leaving[following.target])))
    return closing, roots


def _levels(items: Sequence[str], links: Sequence[Link]) -> dict[str, int]:
    """Each item one layer below the lowest one that leads to it."""
    entering = dict.fromkeys(items, 0)
    leaving: dict[str, list[str]] = {item: [] for item in items}
    for link in links:
        entering[link.target] += 1
        leaving[link.source].append(link.target)
    level = dict.fromkeys(items, 0)
    ready = [item for item in items if not entering[item]]
    for item in ready:
        for target in leaving[item]:
            level[target] = max(level[target], level[item] + 1)
            entering[target] -= 1
            if not entering[target]:
                ready.append(target)
    return level


def _split(links: Sequence[Link], level: dict[str, int]) -> tuple[list[Link], list[str]]:
    """Links from layer to layer, and the placeholders between them, whose layers are noted."""
    down: list[Link] = []
    passing: list[str] = []
    for number, link in enumerate(links):
        source = link.source
        for layer in range(level[link.source] + 1, level[link.target]):
            # No node's id holds a blank, so this name is free.
            placeholder = f"pass {number} {layer}"
            level[placeholder] = layer
            passing.append(placeholder)
            down.append(Link(source, placeholder, dashed=link.dashed))
            source = placeholder
        down.append(Link(source, link.target, link.label, link.dashed))
    return down, passing


def _ordered(rows: list[list[str]], links: Sequence[Link]) -> tuple[tuple[str, ...], ...]:
    """The layers with each item near the middle of its neighbours."""
    above, below = neighbours(links)
    for _ in range(SWEEPS):
        for number in range(1, len(rows)):
            rows[number] = _sorted(rows[number], rows[number - 1], above)
        for number in range(len(rows) - 2, -1, -1):
            rows[number] = _sorted(rows[number], rows[number + 1], below)
    return tuple(tuple(row) for row in rows)


def neighbours(links: Iterable[Link]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The items above and below each item."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for link in links:
        above.setdefault(link.target, []).append(link.source)
        below.setdefault(link.source, []).append(link.target)
    return above, below


def _sorted(row: list[str], other: list[str], near: Mapping[str, list[str]]) -> list[str]:
    place = {item: number * len(row) / max(len(other), 1) for number, item in enumerate(other)}
    own = {item: float(number) for number, item in enumerate(row)}

    def middle(item: str) -> float:
        found = [place[neighbour] for neighbour in near.get(item, ())]
        return sum(found) / len(found) if found else own[item]

    return sorted(row, key=middle)
