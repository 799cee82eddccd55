"""What a fan-out raises."""


class FanOutMisconfigured(ValueError):
    """A fan-out or one of its sources was declared wrongly, or asked to leave out a source that it does not have."""


class SourcesFailed(Exception):
    """Too few sources answered, or one that is required did not. The message says which, and why."""
