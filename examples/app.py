"""What `stretto serve examples.app:app` hosts: one line for each graph."""

from examples import digest, refund, shipment
from stretto.server import App

app = App()
app.workflow(
    "digest",
    digest.graph,
    description="Sums up a text.",
    examples=[("Sum this up", {"text": "One section. And another one."})],
)
app.workflow("refund", refund.graph, description="Pays money back once a person has approved it.")
app.workflow("shipment", shipment.graph, description="Packs a parcel and books a carrier.")
