"""What the catalog said of workflow types: their message classes, and which types of message they take."""

from collections.abc import Iterator

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message

from stretto.catalog.v1.workflow_type_pb2 import Contract, WorkflowType
from stretto.client._payloads import class_of
from stretto.client.errors import StrettoError

TYPES_MAX = 1_000
"""Workflow types that are remembered; beyond that all are forgotten and asked for again."""


class Contracts:
    """A memory of contracts. Generated classes that are imported come first, so results are of the caller's classes."""

    def __init__(self) -> None:
        self._contracts: dict[str, Contract] = {}
        self._pools: dict[str, descriptor_pool.DescriptorPool] = {}

    def learn(self, workflow_type: WorkflowType) -> None:
        """Remember a described type."""
        if len(self._contracts) >= TYPES_MAX:
            self._contracts.clear()
            self._pools.clear()
        contract = workflow_type.contract
        pool = descriptor_pool.DescriptorPool()
        for file in FileDescriptorSet.FromString(contract.file_descriptor_set).file:
            pool.Add(file)
        self._contracts[workflow_type.name] = contract
        self._pools[workflow_type.name] = pool

    def forget(self, name: str) -> None:
        """Forget a type, whose contract may have changed."""
        self._contracts.pop(name, None)
        self._pools.pop(name, None)

    def of(self, name: str) -> Contract | None:
        """A type's contract, if it is known."""
        return self._contracts.get(name)

    def class_of(self, full_name: str) -> type[Message] | None:
        """The message class of a name, if it is imported or known from a contract."""
        found = class_of(full_name)
        pools = iter(list(self._pools.values()))  # A copy: another thread may learn a type meanwhile.
        while found is None and (pool := next(pools, None)) is not None:
            found = class_of(full_name, pool)
        return found


def types_of(contract: Contract) -> Iterator[str]:
    """All messages that a contract names."""
    yield from (contract.input_type, contract.result_type, contract.progress_type, contract.decision_type)
    yield from contract.decision_types.values()


def required(kind: type[Message] | None, full_name: str) -> type[Message]:
    """The class, or an error that says what is missing."""
    if kind is None:
        raise StrettoError(f"{full_name} is neither an imported class nor in a contract of this server.")
    return kind
