"""Contracts, asked for when they are needed and remembered.

Written by tools/make_sync.py from `_async/_catalog.py`; `make proto` writes it again.
"""

from collections.abc import Iterator
from typing import Any

from google.protobuf import any_pb2
from google.protobuf.message import Message

from stretto.catalog.v1.catalog_service_pb2 import DescribeWorkflowTypeRequest, ListWorkflowTypesRequest
from stretto.catalog.v1.workflow_type_pb2 import Contract, WorkflowType
from stretto.client._backoff import Until
from stretto.client._contracts import Contracts, required, types_of
from stretto.client._payloads import DYNAMIC, Payload, pack, parse, read, type_name, unpack
from stretto.client._sync._calls import Calls
from stretto.client.errors import InvalidInput


class Catalog:
    """A server's workflow types."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._contracts = Contracts()

    def types(self, page_size: int, timeout: float | None) -> Iterator[WorkflowType]:
        """All types by name, page after page."""
        request = ListWorkflowTypesRequest(page_size=page_size)
        while True:
            page = self._calls.unary(lambda stubs: stubs.catalog.ListWorkflowTypes, request, timeout)
            for workflow_type in page.workflow_types:
                yield workflow_type
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def describe(self, name: str, timeout: float | None) -> WorkflowType:
        """One type, whole."""
        request = DescribeWorkflowTypeRequest(name=name)
        response = self._calls.unary(lambda stubs: stubs.catalog.DescribeWorkflowType, request, timeout)
        self._contracts.learn(response.workflow_type)
        return response.workflow_type

    def contract(self, name: str, until: Until) -> Contract:
        """A type's contract."""
        return self._contracts.of(name) or (self.describe(name, until.left())).contract

    def input(self, payload: Payload, workflow_type: str, until: Until) -> any_pb2.Any | None:
        """The input of a workflow; a contract that has changed since it was asked for is asked for again."""
        if payload is None or isinstance(payload, Message):
            return None if payload is None else pack(payload)
        known = self._contracts.of(workflow_type)
        try:
            wanted = (self.contract(workflow_type, until)).input_type
            return self.packed(payload, wanted, workflow_type, until)
        except InvalidInput:
            if known is None:
                raise
            self._contracts.forget(workflow_type)
            wanted = (self.contract(workflow_type, until)).input_type
            return self.packed(payload, wanted, workflow_type, until)

    def repacked(self, payload: Payload, refused: InvalidInput, workflow_type: str, until: Until) -> any_pb2.Any:
        """Plain values as what the server expects instead; the refusal itself where that is not the matter."""
        expected = refused.metadata.get("expected", "")
        if refused.reason != "WRONG_PAYLOAD_TYPE" or isinstance(payload, Message) or not expected:
            raise refused
        self._contracts.forget(workflow_type)
        return self.packed(payload, expected, workflow_type, until) or any_pb2.Any()

    def packed(self, payload: Payload, full_name: str, workflow_type: str, until: Until) -> any_pb2.Any | None:
        """A payload as it travels: plain values become the contract's message where it asks for one."""
        if payload is None and full_name not in DYNAMIC:
            return None
        if isinstance(payload, Message) or full_name in DYNAMIC:
            return pack(payload)
        return pack(parse(payload, self._class_of(full_name, workflow_type, until)))

    def decode(self, payload: any_pb2.Any, kind: type[Message] | None, workflow_type: str, until: Until) -> Any:
        """What an Any holds: a message of `kind`, or of the class that its name says; plain values for a Struct."""
        name = type_name(payload)
        if kind is not None or not name:
            return unpack(payload, kind) if name else None
        return read(payload, self._class_of(name, workflow_type, until))

    def _class_of(self, full_name: str, workflow_type: str, until: Until) -> type[Message]:
        """The message class of a name: imported, known, or asked for."""
        found = self._contracts.class_of(full_name)
        if found is None and workflow_type:
            self.describe(workflow_type, until.left())
            found = self._contracts.class_of(full_name)
        if found is None:
            for known in self.types(0, until.left()):
                if full_name in types_of(known.contract):
                    self.describe(known.name, until.left())
                    break
            found = self._contracts.class_of(full_name)
        return required(found, full_name)
