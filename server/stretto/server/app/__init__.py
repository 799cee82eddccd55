"""The composition roots: the only places where parts are put together."""
