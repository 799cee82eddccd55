"""The audit of a project by two queries side by side, against six roles one after another: time and tokens.

Both ask the same simulated model, which takes 300 ms for each call, about the same project of 40 positions and 12
specifications, of which both show the model the same. Both ask for the same report, in the same words for its fields,
and get the same one: half of it from each query, all of it from the last role. So what differs is how often the project
is sent, two times or six, and what the first five roles write besides: 250 words each, as roles with an open task do,
which all roles after them read. Roles that wrote less would cost less.

Tokens are those of all prompts and answers, which the model's server says that it counted: words of up to 12 letters,
numbers of up to three digits, and runs of signs. Real ones count much alike.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from google.protobuf import any_pb2

from benchmarks._bench import SHIPPED, Bench
from benchmarks._client import Client
from benchmarks._stats import Figure, at_least, median
from stretto.audit.v1.project_audit_pb2 import AuditReport, AuditRequest, Position
from stretto.workflow.v1.workflow_service_pb2 import StartWorkflowRequest
from tests.simulators.processes import openai_api_process

CALL_SECONDS = 0.3
POSITIONS = 40
HYBRID, STAGED = "project_audit", "project_audit_staged"
_WORKS = (
    ("Excavation of the pit in soil of class 4, with removal to a landfill", "m3", "640"),
    ("Blinding concrete C12/15 below the raft, 10 cm, levelled", "m3", "86.5"),
    ("Concrete C30/37, XC2, XA1 for the raft, 60 cm, placed by pump", "m3", "412"),
    ("Concrete C30/37, XC4, XF1 for outer walls, 30 cm, in two lifts", "m3", "218.75"),
    ("Reinforcement B500B, bars and meshes, cut, bent and placed", "t", "48.2"),
    ("Formwork of walls, smooth, with triangular fillets at edges", "m2", "1460"),
    ("Waterproofing of outer walls below ground, two layers of bitumen", "m2", "730"),
    ("Insulation of the perimeter, XPS 120 mm, glued, joints staggered", "m2", "705"),
)
SPECIFICATIONS = (
    "Raft: C30/37, XC2, XA1, cover 50 mm, w/c 0.50, at least 320 kg of cement per m3",
    "Outer walls below ground: C30/37, XC4, XF1, cover 40 mm, watertight with a crack width of at most 0.20 mm",
    "Inner walls: C25/30, XC1, cover 25 mm, exposed surfaces smooth and of one colour",
    "Columns of the car park: C35/45, XC4, XD3, cover 55 mm, edges chamfered by 15 mm",
    "Slab above the car park: C35/45, XC4, XD1, cover 50 mm, with a slope of 2.5 percent to the drains",
    "Ramp: C25/30, XC4, XD3, XF4, cover 35 mm, brushed surface, heated",
    "Reinforcement: B500B to EN 10080, laps to EN 1992-1-1, spacers of fibre concrete",
    "Joints: water stops of 320 mm in all construction joints below the water table",
    "Curing: at least seven days below film or wet, no stripping below 10 N/mm2",
    "Tests: three cubes for each 50 m3, slump F3, records to be handed over each week",
    "Groundwater: design level 1.20 m below ground, dewatering to be kept up until the slab above is placed",
    "Neighbours: settlements to be measured each week, works between 7 and 18 hours on working days only",
)


async def measure(bench: Bench) -> list[Figure]:
    """In turns, from the call of StartWorkflow to the report."""
    took: dict[str, list[float]] = {HYBRID: [], STAGED: []}
    tokens: dict[str, int] = {}
    with _model():
        async with bench.stretto(apps=(SHIPPED,)) as stretto, Client(stretto.address) as client:
            for name in took:
                await _audit(client, name)
            for _ in range(bench.rounds):
                for name, samples in took.items():
                    began = time.perf_counter()
                    report = await _audit(client, name)
                    samples.append(time.perf_counter() - began)
                    tokens[name] = _tokens(report)
    speedups = [staged / hybrid for hybrid, staged in zip(took[HYBRID], took[STAGED], strict=True)]
    return [
        Figure("audit_hybrid_p50", median(took[HYBRID]), "s"),
        Figure("audit_staged_p50", median(took[STAGED]), "s"),
        Figure("audit_hybrid_speedup", median(speedups), "x", at_least(3)),
        Figure("audit_hybrid_tokens", tokens[HYBRID], ""),
        Figure("audit_staged_tokens", tokens[STAGED], ""),
        Figure("audit_hybrid_tokens_saved", 100 * (1 - tokens[HYBRID] / tokens[STAGED]), "%", at_least(80)),
    ]


@contextmanager
def _model() -> Iterator[None]:
    """A model for the servers that are started meanwhile: they look for one in the environment."""
    with openai_api_process() as api, patch.dict(os.environ, api.environment):
        api.script({"delay_seconds": CALL_SECONDS, "repeat": 0})
        yield


async def _audit(client: Client, name: str) -> AuditReport:
    packed = any_pb2.Any()
    packed.Pack(_project())
    response = await client.stub.StartWorkflow(StartWorkflowRequest(workflow_type=name, input=packed))
    end = await client.finish(response.workflow.workflow_id)
    return AuditReport.FromString(end.completed.result.value)


def _tokens(report: AuditReport) -> int:
    if not report.performance.tokens_counted or report.performance.queries_failed:
        raise RuntimeError(f"the model did not answer, or did not count: {report.performance}")
    return report.performance.prompt_tokens + report.performance.answer_tokens


def _project() -> AuditRequest:
    works = [_WORKS[number % len(_WORKS)] for number in range(POSITIONS)]
    return AuditRequest(
        project_name="Underground car park and offices",
        description=(
            "An underground car park of two levels for 80 cars with offices of four storeys above it, in reinforced "
            "concrete on a raft foundation. The lower level stands in groundwater. The works border on a listed "
            "building that stays in use, and are to be finished before the winter after next."
        ),
        positions=[
            Position(number=f"01.{number + 1:02}.0010", text=text, quantity=quantity, unit=unit)
            for number, (text, unit, quantity) in enumerate(works)
        ],
        specifications=SPECIFICATIONS,
    )
