"""Words for people."""


def count(number: int, noun: str) -> str:
    """A number of things: `1 week`, `3 weeks`, `2 categories`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("ry") else f"{number} {noun}s"
