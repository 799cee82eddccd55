"""What a source of evidence says when it cannot be asked."""


class SourceUnavailable(Exception):
    """A source of evidence cannot be asked; the message says which one, and why."""
