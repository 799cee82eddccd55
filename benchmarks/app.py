"""The measured graphs as workflow types: `stretto serve benchmarks.app:app`."""

from benchmarks import graphs
from stretto.server import App

app = App()
app.workflow("chain3", graphs.chain3(), description="Three trivial steps.")
app.workflow("fan4", graphs.fan4(), description="Four branches at once.")
app.workflow("ticker", graphs.ticker(), description="A hundred short steps.")
app.workflow("blocker", graphs.blocker(), description="Blocks its event loop for five seconds.")
app.workflow("chatty", graphs.chatty(), description="Writes 1,100 progress events.")
app.workflow("asker", graphs.asker(), description="Asks a question at once.")
app.workflow("pulse", graphs.pulse(), description="Writes a progress event every ten milliseconds.")
app.workflow("agent", graphs.agent(graphs.PATIENT_SECONDS), description="Steps that wait for seconds.")
app.workflow("agent_hasty", graphs.agent(graphs.HASTY_SECONDS), description="Steps that wait for a moment.")
for length in range(2, 9):
    app.workflow(f"steps_{length}", graphs.steps_of(length), description=f"{length} steps that take a while.")
# One at a time: all others of this type stay in the queue, where starting them is all that they cost.
app.workflow("parked", graphs.sleeper(), description="Sleeps for an hour.", concurrency_max=1)
