"""`project_audit`: what a construction project is, whether it complies with the standards, and what may go wrong."""

from typing import Any

from langgraph.graph.state import CompiledStateGraph

from stretto.audit.v1.project_audit_pb2 import AuditProgress, AuditReport, AuditRequest, Position
from stretto.server import App
from stretto.workflows.project_audit.graph import graph

NAME = "project_audit"
EXAMPLES = (
    (
        "Audit my construction project: an underground car park with a slab of C30/37, XC4, XD3, cover 45 mm",
        AuditRequest(
            description="An underground car park for 40 cars, in groundwater.",
            specifications=["Slab: C30/37, XC4, XD3, cover 45 mm"],
        ),
    ),
    (
        "Which gaps does this bill of quantities have? Concrete C25/30 42.5 m3; reinforcement 3.4 t; formwork",
        AuditRequest(
            description="Foundations of a warehouse.",
            positions=[
                Position(number="01.01", text="Concrete C25/30 for foundations", quantity="42.5", unit="m3"),
                Position(number="01.02", text="Reinforcement B500B", quantity="3.4", unit="t"),
                Position(number="01.03", text="Formwork of foundations", unit="m2"),
            ],
        ),
    ),
    (
        "Check the compliance of our bridge with EN 206: deck C35/45, XC4, XD1, XF2, cover 50 mm, w/c 0.45",
        AuditRequest(
            project_name="Bridge",
            description="A road bridge of 24 m over a river, with de-icing salt in winter.",
            specifications=["Deck: C35/45, XC4, XD1, XF2, cover 50 mm, w/c 0.45"],
        ),
    ),
    (
        "Which risks does this building project have? A basement beside a listed building, in groundwater",
        AuditRequest(description="A basement of 300 m2 beside a listed building, 5 m deep, in groundwater."),
    ),
    (
        "Is the concrete of this swimming pool specified well enough? Walls: C30/37, XD2, cover 35 mm",
        AuditRequest(description="An outdoor swimming pool.", specifications=["Walls: C30/37, XD2, cover 35 mm"]),
    ),
)


def register(app: App, audit: CompiledStateGraph[Any, Any, Any, Any] = graph) -> None:
    """Tell an app about this workflow type, with an audit of one's own or the usual one."""
    app.workflow(
        NAME,
        audit,
        description=(
            "Audits construction projects: adds up the quantities of a bill of quantities and finds its gaps, checks "
            "concrete specifications (exposure, strength, cover) against the standards, and rates the risks."
        ),
        input=AuditRequest,
        result=AuditReport,
        progress=AuditProgress,
        examples=EXAMPLES,
        to_input=lambda request: {"request": request},
        to_result=lambda state: state["result"],
    )
