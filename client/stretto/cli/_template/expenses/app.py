"""What `stretto serve expenses.app:app` serves."""

from stretto.server import App

from expenses.graph import graph
from expenses.v1.expenses_pb2 import CheckProgress, Claim, Outcome, Receipt, Verdict

app = App()
app.workflow(
    "expenses",
    graph,
    description="Checks the receipts of a claim, asks a person, and pays.",
    input=Claim,
    result=Outcome,
    progress=CheckProgress,
    decision={"approve": Verdict},
    examples=[
        (
            "I took the train to Bern for 52 francs.",
            Claim(
                claim_id="EXP-17",
                employee="ada@example.com",
                receipts=[Receipt(text="Train to Bern", cents=5200)],
            ),
        ),
    ],
)
