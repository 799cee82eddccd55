"""Talking in a terminal or a pipe: a model that folds a session's events, faces that show it, and what drives both."""

from stretto.cli._chat._face import Face, Piped, face_for
from stretto.cli._chat._story import Story
from stretto.cli._chat._talk import Talk

__all__ = ["Face", "Piped", "Story", "Talk", "face_for"]
