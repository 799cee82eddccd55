"""Reads the Mermaid text that the catalog has of each workflow type."""

import re
from dataclasses import dataclass

START = "__start__"
END = "__end__"

_NODE = re.compile(r"(?P<id>[\w\\-]+)(?:\(\[(?P<round>.*)\]\):::\w+|\((?P<plain>.*)\))", re.DOTALL)
_EDGE = re.compile(
    r"(?P<source>[\w\\-]+) (?:-- (?P<label>.*) -->|(?P<dotted>-\.) (?P<condition>.*) \.->|-->|(?P<bare>-\.->)) "
    r"(?P<target>[\w\\-]+);?"
)
_NOTES = re.compile(r"^(?P<name>.*?)<hr/><small><em>(?P<notes>.*)</em></small>$", re.DOTALL)
_ENTITIES = (
    ("#91;", "["),
    ("#93;", "]"),
    ("#40;", "("),
    ("#41;", ")"),
    ("#123;", "{"),
    ("#125;", "}"),
    ("#quot;", '"'),
    ("#60;", "<"),
    ("#62;", ">"),
    ("#124;", "|"),
    ("#35;", "#"),
)
_NOTES_BEGIN, _NOTES_END = "<small><em>", "</em></small>"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the drawing: a step, the start or the end."""

    node_id: str
    """As Mermaid has it."""
    name: str
    group: tuple[str, ...] = ()
    """The subgraphs around it, from the outermost inwards."""
    notes: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Path of the step, as events have it."""
        return "/".join((*self.group, self.name))

    @property
    def is_step(self) -> bool:
        """Whether it is a step, and neither the start nor the end of the graph or of a subgraph."""
        return self.name not in {START, END}


@dataclass(frozen=True, slots=True)
class Edge:
    """What may follow on what."""

    source: str
    target: str
    label: str = ""
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes and edges, in the order of the text."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def by_id(self) -> dict[str, Node]:
        """The nodes by Mermaid's id."""
        return {node.node_id: node for node in self.nodes}


def parse_mermaid(text: str) -> Graph:
    """Nodes, edges and subgraphs of a drawing; lines of any other sort say how it looks and are left out."""
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    group: list[str] = []
    for line in _statements(text):
        if line.startswith("subgraph "):
            group.append(line.removeprefix("subgraph ").strip())
        elif line == "end":
            del group[-1:]
        elif found := _EDGE.fullmatch(line):
            edges.append(_edge(found))
        elif found := _NODE.fullmatch(line):
            node = _node(found, tuple(group))
            nodes[node.node_id] = node
    for edge in edges:
        for node_id in (edge.source, edge.target):
            nodes.setdefault(node_id, _undeclared(node_id))
    return Graph(tuple(nodes.values()), tuple(edges))


def _statements(text: str) -> list[str]:
    """The lines, with the notes of a node joined to it."""
    found: list[str] = []
    for line in text.splitlines():
        last = found[-1] if found else ""
        if _NOTES_BEGIN in last and _NOTES_END not in last:
            found[-1] = f"{last}\n{line}"
        else:
            found.append(line.strip())
    return found


def _node(found: re.Match[str], group: tuple[str, ...]) -> Node:
    name, notes = found["round"] or found["plain"] or "", ""
    if noted := _NOTES.match(name):
        name, notes = noted["name"], noted["notes"]
    name = name.removeprefix("<p>").removesuffix("</p>")
    return Node(found["id"], name, group, tuple(_unescaped(note) for note in notes.splitlines()))


def _edge(found: re.Match[str]) -> Edge:
    label = found["label"] or found["condition"] or ""
    label = " ".join(re.sub(r"&nbsp;?|<br>", " ", label).split())
    return Edge(found["source"], found["target"], label, conditional=bool(found["dotted"] or found["bare"]))


def _undeclared(node_id: str) -> Node:
    """A node that only edges name, as that of a subgraph whose one edge is a loop; its id is all that is known."""
    *group, name = [re.sub(r"\\([0-9a-f]{2})", _character, part) for part in node_id.split("\\3a")]
    return Node(node_id, name, tuple(group))


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _unescaped(text: str) -> str:
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text
