"""`project_audit_staged`: the audit as crews of roles do it, one after another, to compare `project_audit` with."""

from typing import Any

from langgraph.graph.state import CompiledStateGraph

from stretto.audit.v1.project_audit_pb2 import AuditProgress, AuditReport, AuditRequest
from stretto.server import App
from stretto.workflows.project_audit_staged.graph import graph

NAME = "project_audit_staged"
EXAMPLES = (
    (
        "Audit this car park with the staged crew of six roles: a slab of C30/37, XC4, XD3, cover 45 mm",
        AuditRequest(
            description="An underground car park for 40 cars, in groundwater.",
            specifications=["Slab: C30/37, XC4, XD3, cover 45 mm"],
        ),
    ),
    (
        "Run the staged audit of my warehouse, role by role",
        AuditRequest(description="A warehouse of 2,000 m2 on pad foundations."),
    ),
    (
        "Let the six roles of the staged crew look at my bridge one after another: deck C35/45, XC4, XD1, XF2",
        AuditRequest(description="A road bridge of 24 m.", specifications=["Deck: C35/45, XC4, XD1, XF2"]),
    ),
)


def register(app: App, audit: CompiledStateGraph[Any, Any, Any, Any] = graph) -> None:
    """Tell an app about this workflow type, with an audit of one's own or the usual one."""
    app.workflow(
        NAME,
        audit,
        description=(
            "Lets a staged crew of six roles audit a construction project one after another, slowly and at length; "
            "it is there to compare other ways with."
        ),
        input=AuditRequest,
        result=AuditReport,
        progress=AuditProgress,
        examples=EXAMPLES,
        to_input=lambda request: {"request": request},
        to_result=lambda state: state["result"],
    )
