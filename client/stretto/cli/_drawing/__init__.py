"""Drawings of workflow types for terminals, made from the Mermaid text in the catalog."""

from stretto.cli._drawing._draw import Drawing, draw, outline
from stretto.cli._drawing._marks import COLOURS, SIGNS, Mark, Standing
from stretto.cli._drawing._mermaid import END, START, Edge, Graph, Node, parse_mermaid

__all__ = [
    "COLOURS",
    "END",
    "SIGNS",
    "START",
    "Drawing",
    "Edge",
    "Graph",
    "Mark",
    "Node",
    "Standing",
    "draw",
    "outline",
    "parse_mermaid",
]
