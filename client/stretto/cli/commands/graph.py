"""`stretto graph TYPE` and `stretto graph ID`."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from cyclopts import Parameter
from rich.text import Text

from stretto.cli._drawing import COLOURS, END, SIGNS, START, Graph, Mark, Standing, draw, outline, parse_mermaid
from stretto.cli._exits import CommandError
from stretto.cli._live import StepStatus, WorkflowView
from stretto.cli._options import COMMON, Common
from stretto.cli._output import Output, clean
from stretto.cli._tables import cell
from stretto.cli._words import status
from stretto.client import Client
from stretto.workflow.v1.workflow_pb2 import Workflow

_ID_PREFIX: Final = "wf_"

_STYLES: Final = {
    Mark.RUNNING: "fill:#cff4fc,stroke:#0aa2c0,stroke-width:3px",
    Mark.RETRYING: "fill:#fff3cd,stroke:#cc9a06,stroke-width:3px",
    Mark.WAITING: "fill:#fff3cd,stroke:#cc9a06,stroke-width:3px",
    Mark.FINISHED: "fill:#d1e7dd,stroke:#198754",
    Mark.FAILED: "fill:#f8d7da,stroke:#dc3545,stroke-width:3px",
    Mark.STOPPED: "fill:#e2d9f3,stroke:#6f42c1",
}
"""Mermaid's styles of the marks."""


_KINDS: Final = {START: "start", END: "end"}


async def graph(
    name: Annotated[str, Parameter(name="TYPE|ID", help="A workflow type, or a workflow's id (wf_...).")],
    /,
    *,
    mermaid: Annotated[bool, Parameter(help="Print Mermaid text instead, for documents and web pages.")] = False,
    common: Common = COMMON,
) -> None:
    """Draw a workflow type's graph, or where a workflow stands in it.

    Dashed lines and hollow arrows are conditions. With an id, each step has the sign of what it last did. Where the
    drawing is wider than the terminal, a list is printed. With --json: nodes and edges.
    """
    async with common.connected() as (client, out):
        if mermaid and out.json:
            raise CommandError("graph: --mermaid prints Mermaid text, --json prints JSON; give one of them")
        workflow = await _workflow(client, name) if name.startswith(_ID_PREFIX) else None
        text = (await client.describe(workflow.workflow_type if workflow else name)).mermaid
        standings = await _standings(client, workflow) if workflow else {}
    drawn = parse_mermaid(text)
    if mermaid:
        print(clean(_marked(text, drawn, standings)))
    else:
        out.document(_document(drawn, standings, workflow, name))
        _show(out, drawn, standings, workflow)


async def _workflow(client: Client, workflow_id: str) -> Workflow:
    return (await client.handle(workflow_id).state(snapshot=False)).workflow


async def _standings(client: Client, workflow: Workflow) -> dict[str, Standing]:
    """What each step last did, out of the journal as it is now."""
    view = WorkflowView(workflow.workflow_id)
    async with client.handle(workflow.workflow_id).watch() as watch:
        async for event in watch:
            view.apply(event)
            if event.sequence >= workflow.last_sequence:
                break
    return {path: Standing(_mark(last), view.finished[path]) for path, last in view.last.items()}


def _mark(last: StepStatus) -> Mark:
    return Mark(last.value)


def _show(out: Output, drawn: Graph, standings: Mapping[str, Standing], workflow: Workflow | None) -> None:
    if workflow:
        head = Text.assemble((workflow.workflow_id, "bold"), "  ", cell(workflow.workflow_type), "  ")
        out.show(head.append_text(status(workflow.status)), "")
    drawing = draw(drawn, standings)
    fits = drawing.width <= out.console.width
    out.show(drawing.text if fits else outline(drawn, standings))
    beside = _beside(drawn, standings)
    if beside:
        out.show("", Text("Steps that are not in the drawing", "bold"))
        for path in beside:
            standing = standings[path]
            out.show(Text.assemble((f"  {SIGNS[standing.mark]} ", COLOURS[standing.mark]), cell(path)))
    if legend := _legend(standings):
        out.show("", legend)
    if not fits:
        out.note(f"The drawing needs {drawing.width} columns; this is a list.")


def _legend(standings: Mapping[str, Standing]) -> Text | None:
    """What the signs mean that are there."""
    there = {standing.mark for standing in standings.values()} - {Mark.NONE}
    if not there:
        return None
    parts = [Text.assemble((SIGNS[mark], COLOURS[mark]), f" {mark.value}") for mark in Mark if mark in there]
    return Text("   ").join(parts)


def _beside(drawn: Graph, standings: Mapping[str, Standing]) -> list[str]:
    """Steps that ran and have no node: the tasks of a functional graph, and subgraphs that nodes call themselves."""
    paths = set(_paths(drawn))
    return sorted(path for path in standings if path not in paths)


def _paths(drawn: Graph) -> Iterator[str]:
    for node in drawn.nodes:
        yield node.path
        for depth in range(1, len(node.group) + 1):
            yield "/".join(node.group[:depth])


def _marked(text: str, drawn: Graph, standings: Mapping[str, Standing]) -> str:
    """The Mermaid text with a class for each mark."""
    lines = [text.rstrip("\n")]
    for mark, style in _STYLES.items():
        ids = [node.node_id for node in drawn.nodes if standings.get(node.path, Standing()).mark is mark]
        if ids:
            lines += [f"\tclassDef {mark.value} {style}", f"\tclass {','.join(ids)} {mark.value}"]
    return "\n".join(lines)


def _document(drawn: Graph, standings: Mapping[str, Standing], workflow: Workflow | None, name: str) -> dict[str, Any]:
    paths = {node.node_id: node.path for node in drawn.nodes}
    subgraphs = sorted(
        {"/".join(node.group[:depth]) for node in drawn.nodes for depth in range(1, len(node.group) + 1)}
    )
    return {
        "workflow_type": workflow.workflow_type if workflow else name,
        "workflow_id": workflow.workflow_id if workflow else "",
        "nodes": [_node(node.path, _KINDS.get(node.name, "step"), standings) for node in drawn.nodes]
        + [_node(path, "subgraph", standings) for path in subgraphs]
        + [_node(path, "beside", standings) for path in _beside(drawn, standings)],
        "edges": [
            {
                "source": paths[edge.source],
                "target": paths[edge.target],
                "conditional": edge.conditional,
                "label": edge.label,
            }
            for edge in drawn.edges
        ],
    }


def _node(path: str, kind: str, standings: Mapping[str, Standing]) -> dict[str, Any]:
    standing = standings.get(path, Standing())
    return {"step": path, "kind": kind, "mark": standing.mark.value, "finished": standing.finished}
