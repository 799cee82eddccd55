"""Ask several sources side by side, and go on with what those that answer have to say.

A fan-out is a plain LangGraph graph, to be used as a node of any other one, with Stretto's server or without it:

    fan_out = FanOut([Source("metrics", ask_metrics), Source("logs", search_logs, seconds_max=2)], seconds_max=10)
    builder.add_node("asking", fan_out.compile())

It reads `query`, `kind` and `without` from the state, and writes `results`, `errors` and `figures`.
"""

from stretto.workflows.fan_out._fan_out import FanOut
from stretto.workflows.fan_out._figures import BranchFigures, Figures
from stretto.workflows.fan_out._outcome import Failure, FailureReason
from stretto.workflows.fan_out._source import Source
from stretto.workflows.fan_out._state import FanOutState, by_item, merged
from stretto.workflows.fan_out._telling import advance
from stretto.workflows.fan_out.errors import FanOutMisconfigured, SourcesFailed

__all__ = [
    "BranchFigures",
    "Failure",
    "FailureReason",
    "FanOut",
    "FanOutMisconfigured",
    "FanOutState",
    "Figures",
    "Source",
    "SourcesFailed",
    "advance",
    "by_item",
    "merged",
]
