"""Watching workflows in a terminal: a model that folds events, renderers of it, and what drives both."""

from stretto.cli._live._lines import line_of
from stretto.cli._live._render import Scene, render
from stretto.cli._live._step import StepStatus, StepView
from stretto.cli._live._view import Break, WorkflowView
from stretto.cli._live._watch import follow, follow_all

__all__ = ["Break", "Scene", "StepStatus", "StepView", "WorkflowView", "follow", "follow_all", "line_of", "render"]
