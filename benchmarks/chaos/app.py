"""The graphs that are killed, as workflow types."""

from benchmarks.chaos import graphs
from stretto.server import App

app = App()
app.workflow("steps", graphs.steps(), description="Four steps, one after the other.")
app.workflow("approval", graphs.approval(), description="A question between two steps.")
app.workflow("branches", graphs.branches(), description="Three steps side by side.")
app.workflow("talk", graphs.talk(), description="Steps that say how far they are all the time.", recursion_limit=10**6)
