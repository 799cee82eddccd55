"""How far each step of a workflow is, as a drawing shows it."""

import enum
from dataclasses import dataclass


class Mark(enum.Enum):
    """What a step last did."""

    NONE = ""
    RUNNING = "running"
    RETRYING = "retrying"
    WAITING = "waiting"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"


SIGNS = {
    Mark.NONE: "",
    Mark.RUNNING: "▸",
    Mark.RETRYING: "↻",
    Mark.WAITING: "?",
    Mark.FINISHED: "✓",
    Mark.FAILED: "✗",
    Mark.STOPPED: "■",
}
"""The sign of each mark, for eyes and terminals without colours."""

COLOURS = {
    Mark.NONE: "",
    Mark.RUNNING: "bold cyan",
    Mark.RETRYING: "bold yellow",
    Mark.WAITING: "bold yellow",
    Mark.FINISHED: "green",
    Mark.FAILED: "bold red",
    Mark.STOPPED: "magenta",
}
"""The colour of each mark, in rich's words."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A step's mark, and how many of its executions finished."""

    mark: Mark = Mark.NONE
    finished: int = 0
