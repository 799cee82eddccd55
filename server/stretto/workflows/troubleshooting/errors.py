"""What a source of evidence says when it cannot be asked, and a query when there is none to ask."""


class SourceUnavailable(Exception):
    """A source of evidence cannot be asked; the message says which one, and why."""


class NothingToAsk(Exception):
    """No source can be asked about a query; the message says what is missing."""
