"""Draws a whole graph: level by level, subgraphs as boxes; or, where that is too wide, as a list."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.text import Text

from stretto.cli._drawing._canvas import LINE, Canvas
from stretto.cli._drawing._layers import Link
from stretto.cli._drawing._level import Item, draw_level
from stretto.cli._drawing._marks import COLOURS, SIGNS, Mark, Standing
from stretto.cli._drawing._mermaid import END, START, Edge, Graph, Node

LABEL_MAX = 28
"""Characters of a label in the drawing."""

NAME_MAX = 40
"""Characters of a name in the drawing."""

LOOP = "⟲"
"""Sign of a step that may follow on itself."""

TIMES = "\u00d7"
"""The multiplication sign: how often a step finished."""

_STYLES = {mark.name: colour for mark, colour in COLOURS.items()} | {LINE: "dim", "bare": "bold"}

Standings = Mapping[str, Standing]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing, and what it takes."""

    text: Text
    width: int


def draw(graph: Graph, standings: Standings | None = None) -> Drawing:
    """Boxes and arrows, with the standing of each step, by path."""
    canvas = _level(graph, (), standings or {})
    rows = [Text.assemble(*((run.text, _STYLES.get(run.style, "")) for run in row)) for row in canvas.rows()]
    return Drawing(Text("\n", no_wrap=True).join(rows), canvas.width)


def _level(graph: Graph, group: tuple[str, ...], standings: Standings) -> Canvas:
    """One level, with the levels inside it."""
    nodes = graph.by_id()
    places = {node_id: _item_at(node, group) for node_id, node in nodes.items()}
    loops = {edge.source for edge in graph.edges if edge.source == edge.target}
    items: dict[str, Item] = {}
    for node_id, place in places.items():
        if place == node_id:
            items[place] = _leaf(nodes[node_id], standings, loop=node_id in loops)
        elif place and place not in items:
            inner = (*group, nodes[node_id].group[len(group)])
            items[place] = _compound(graph, inner, standings)
    first = sorted(items, key=lambda place: place not in nodes or nodes[place].name != START)
    return draw_level({place: items[place] for place in first}, _links(graph, places))


def _item_at(node: Node, group: tuple[str, ...]) -> str:
    """The item of a level that a node is, or is in; empty when it is outside."""
    if node.group == group:
        return node.node_id
    if node.group[: len(group)] == group:
        return "subgraph " + "/".join(node.group[: len(group) + 1])
    return ""


def _leaf(node: Node, standings: Standings, *, loop: bool) -> Item:
    if not node.is_step:
        return Item("bare", {START: "● start", END: "◉ end"}[node.name], boxed=False)
    standing = standings.get(node.path, Standing())
    return Item(standing.mark.name, _caption(node.name, standing) + (f" {LOOP}" if loop else ""))


def _compound(graph: Graph, group: tuple[str, ...], standings: Standings) -> Item:
    standing = standings.get("/".join(group), Standing())
    return Item(standing.mark.name, _caption(group[-1], standing), inside=_level(graph, group, standings))


def _caption(name: str, standing: Standing) -> str:
    """Sign, name and how often it finished, where that is more than once."""
    sign = SIGNS[standing.mark]
    times = f" {TIMES}{standing.finished}" if standing.finished > 1 else ""
    return (f"{sign} " if sign else "") + _cut(name, NAME_MAX) + times


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _links(graph: Graph, places: Mapping[str, str]) -> list[Link]:
    """The edges between different items of a level, each pair once."""
    joined: dict[tuple[str, str], list[Edge]] = {}
    for edge in graph.edges:
        source, target = places[edge.source], places[edge.target]
        if source and target and source != target:
            joined.setdefault((source, target), []).append(edge)
    return [
        Link(
            source,
            target,
            _cut(", ".join(dict.fromkeys(edge.label for edge in edges if edge.label)), LABEL_MAX),
            all(edge.conditional for edge in edges),
        )
        for (source, target), edges in joined.items()
    ]


def outline(graph: Graph, standings: Standings | None = None) -> Text:
    """The graph as a list: each node with what may follow on it."""
    standings = standings or {}
    nodes = graph.by_id()
    text = Text(no_wrap=True)
    for node in graph.nodes:
        if node.name == END and not node.is_step:
            continue
        standing = standings.get(node.path, Standing()) if node.is_step else Standing()
        text.append(f"{SIGNS[standing.mark] or '○'} ", _STYLES[standing.mark.name])
        text.append(_title(node), _STYLES[standing.mark.name])
        text.append(f" {TIMES}{standing.finished}" if standing.finished > 1 else "")
        for edge in graph.edges:
            if edge.source == node.node_id:
                text.append("\n    " + ("┄▸ " if edge.conditional else "─▸ "), "dim")
                text.append("itself" if edge.target == edge.source else _title(nodes[edge.target]))
                text.append(f"  {edge.label}" if edge.label else "", "dim")
        text.append("\n")
    text.rstrip()
    return text


def _title(node: Node) -> str:
    return node.path if node.is_step else {START: "start", END: "end"}[node.name]


__all__ = ["Drawing", "Mark", "draw", "outline"]
