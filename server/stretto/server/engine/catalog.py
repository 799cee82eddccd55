"""The workflow types that this server can start."""

from collections.abc import Iterable, Iterator

from stretto.server.domain.errors import UnknownWorkflowType
from stretto.server.domain.workflow_type import WorkflowType


class Catalog:
    """Workflow types by name."""

    def __init__(self, types: Iterable[WorkflowType] = ()) -> None:
        self._types = {workflow_type.name: workflow_type for workflow_type in types}

    def __iter__(self) -> Iterator[WorkflowType]:
        return iter(sorted(self._types.values(), key=lambda workflow_type: workflow_type.name))

    def __len__(self) -> int:
        return len(self._types)

    def __contains__(self, name: str) -> bool:
        return name in self._types

    def get(self, name: str) -> WorkflowType:
        """The workflow type of that name, or UnknownWorkflowType with the names that there are."""
        if name in self._types:
            return self._types[name]
        known = ", ".join(sorted(self._types)[:20]) or "none"
        raise UnknownWorkflowType(f"No workflow type {name!r} is registered; there are: {known}.")
