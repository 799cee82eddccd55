"""The workflow types that this server can start."""

from collections.abc import Iterable, Iterator

from stretto.server.domain.errors import UnknownWorkflowType
from stretto.server.domain.workflow_type import RESERVED, WorkflowType


class Catalog:
    """Workflow types by name. Those of the server's own have reserved names, and nobody else sees or starts them."""

    def __init__(self, types: Iterable[WorkflowType] = ()) -> None:
        self._types = {workflow_type.name: workflow_type for workflow_type in types}

    def __iter__(self) -> Iterator[WorkflowType]:
        return iter(self._types[name] for name in sorted(self._types) if not name.startswith(RESERVED))

    def __contains__(self, name: str) -> bool:
        return name in self._types

    def get(self, name: str) -> WorkflowType:
        """The workflow type of that name, or UnknownWorkflowType."""
        return self._types[name] if name in self._types else self.public(name)

    def public(self, name: str) -> WorkflowType:
        """The workflow type of that name that callers may start, or UnknownWorkflowType with those that there are."""
        if name in self._types and not name.startswith(RESERVED):
            return self._types[name]
        known = ", ".join([info.name for info in self][:20]) or "none"
        raise UnknownWorkflowType(f"No workflow type {name!r} is registered; there are: {known}.")
