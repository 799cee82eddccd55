"""Watching workflows in a terminal: a model that folds events, renderers of it, and what drives both."""

from stretto.cli._live._bars import bar, branch_bar, branch_line, branch_sign, branch_words, squeezed
from stretto.cli._live._branch import BranchStatus, BranchView
from stretto.cli._live._clock import Clock
from stretto.cli._live._frame import Scene
from stretto.cli._live._lines import line_of
from stretto.cli._live._reader import BranchReader
from stretto.cli._live._render import render
from stretto.cli._live._shows import Picture, Show, patiently, show_for
from stretto.cli._live._step import StepStatus, StepView
from stretto.cli._live._view import Break, WorkflowView
from stretto.cli._live._watch import Watching, follow, follow_all

__all__ = [
    "BranchReader",
    "BranchStatus",
    "BranchView",
    "Break",
    "Clock",
    "Picture",
    "Scene",
    "Show",
    "StepStatus",
    "StepView",
    "Watching",
    "WorkflowView",
    "bar",
    "branch_bar",
    "branch_line",
    "branch_sign",
    "branch_words",
    "follow",
    "follow_all",
    "line_of",
    "patiently",
    "render",
    "show_for",
    "squeezed",
]
