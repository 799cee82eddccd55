"""What `stretto serve examples.app:app` hosts: a few lines for each graph."""

from examples import digest, refund, reply, shipment
from examples.generated.shop.v1.refund_pb2 import Refund, RefundRequest, RefundVerdict
from stretto.server import App

app = App()
app.workflow(
    "digest",
    digest.graph,
    description="Sums up a text.",
    examples=[("Sum this up", {"text": "One section. And another one."})],
)
app.workflow(
    "refund",
    refund.graph,
    description="Pays money back once a person has approved it.",
    input=RefundRequest,
    result=Refund,
    decision={"approve": RefundVerdict},
    examples=[("Give them 42 back for A-1701", RefundRequest(order="A-1701", cents=4200))],
)
app.workflow(
    "reply",
    reply.graph,
    description="Answers a letter.",
    examples=[("Answer this", {"letter": "Where is my parcel?!"})],
)
app.workflow(
    "shipment",
    shipment.graph,
    description="Packs a parcel and books a carrier.",
    examples=[("Ship A-1701", {"order": "A-1701"})],
)
