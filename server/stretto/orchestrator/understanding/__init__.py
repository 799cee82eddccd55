"""How messages are understood: a port, an offline way that needs no model, and one with a chat model."""

from stretto.orchestrator.understanding.port import Insight, Understanding

__all__ = ["Insight", "Understanding"]
