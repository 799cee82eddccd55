"""The contracts of all workflow types: checks, reads and writes their messages. Imported without grpc by executors."""

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf import struct_pb2
from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal import api_implementation
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from stretto.catalog.v1 import catalog_service_pb2
from stretto.operations.v1 import operations_service_pb2
from stretto.server.domain.errors import (
    ContractViolation,
    InvalidPayload,
    RegistrationError,
    TooLarge,
    WrongPayloadType,
)
from stretto.server.domain.event import Event
from stretto.server.domain.payload import STRUCT, VALUE, JsonValue, Payload, Violation
from stretto.server.domain.workflow_type import Contract, WorkflowType
from stretto.server.rpc._descriptors import add_file, add_set, contract_of, new_pool
from stretto.server.rpc._plain import fill_struct, fill_value, too_deep
from stretto.server.rpc._read import Reader, Unreadable
from stretto.server.rpc._rules import VIOLATIONS_MAX, violations_of, warm_up
from stretto.server.rpc._write import TYPE_RULE, write
from stretto.server.rpc.events import encode_event
from stretto.session.v1 import session_service_pb2
from stretto.workflow.v1 import error_reason_pb2, workflow_service_pb2

__all__ = ["NULL", "PAYLOAD_BYTES_MAX", "Contracts", "contract_of"]

PAYLOAD_BYTES_MAX: Final = 2 * 1024 * 1024
"""Largest serialized payload: two of them and a snapshot still fit into one gRPC message of 4 MiB."""

NULL: Final = Payload(VALUE, struct_pb2.Value(null_value=struct_pb2.NULL_VALUE).SerializeToString())
"""No value, as a payload."""

_OURS: Final = (
    catalog_service_pb2,
    operations_service_pb2,
    session_service_pb2,
    workflow_service_pb2,
    error_reason_pb2,
)
_DYNAMIC: Final[dict[str, type[Message]]] = {STRUCT: struct_pb2.Struct, VALUE: struct_pb2.Value}


class Contracts:
    """Implements `Codec` for the messages of these workflow types.

    Message nesting is bounded by protobuf's own parser, which stops at a hundred levels.
    """

    def __init__(self, types: Iterable[WorkflowType] = (), *, payload_bytes_max: int = PAYLOAD_BYTES_MAX) -> None:
        # The pure Python parser recurses without a bound (CVE-2025-4565).
        assert api_implementation.Type() == "upb", "Stretto needs protobuf's compiled parser (upb)."
        self._payload_bytes_max = payload_bytes_max
        self._pool = new_pool()
        for module in _OURS:
            add_file(self._pool, module.DESCRIPTOR)
        self._classes: dict[str, type[Message]] = dict(_DYNAMIC)
        self._reader = Reader()
        self._speaker = Reader(spoken=True)
        for workflow_type in types:
            self._register(workflow_type)

    @property
    def pool(self) -> DescriptorPool:
        """The descriptors of Stretto's services and of all contracts."""
        return self._pool

    def check(self, type_name: str, packed: AnyProto | None) -> Payload:
        """A caller's payload, found right: of the type, within its rules, in one canonical serialization.

        None is an empty message of the type. For a Struct, a Value will do too.
        """
        if packed is None or not (packed.type_url or packed.value):
            got, body = type_name, b""
        else:
            got, body = packed.type_url.rpartition("/")[2], packed.value
        if got != type_name and not {got, type_name} <= _DYNAMIC.keys():
            raise WrongPayloadType(
                f"The payload is of type {got or '(none)'}; the contract asks for {type_name}.",
                violations=(Violation("", f"must be a {type_name}", TYPE_RULE),),
                got=got,
                expected=type_name,
            )
        self._check_size(body)
        return Payload(got, self._canonical(self._parse(got, body)))

    def decode(self, payload: Payload) -> JsonValue:
        """A payload as plain values; `_read.Reader` says how each type looks."""
        return self._reader.read(self._parse(payload.type_name, payload.value))

    def spoken(self, payload: Payload) -> JsonValue:
        """A payload as plain values for people: as `decode` has them, with enums and durations in words."""
        return self._speaker.read(self._parse(payload.type_name, payload.value))

    def encode(self, type_name: str, value: JsonValue) -> Payload:
        """Plain values as a payload of that type, checked against its rules, or ContractViolation."""
        if type_name in _DYNAMIC:
            return self._within(_dynamic(value))
        message = self._class(type_name)()
        faults = tuple(write(message, value)[:VIOLATIONS_MAX]) or violations_of(message)
        if faults:
            raise ContractViolation(_told(type_name, faults), violations=faults)
        return self._within(Payload(type_name, message.SerializeToString(deterministic=True)))

    def encode_event(self, workflow_id: str, event: Event) -> bytes:
        """The event as a serialized ProgressEvent, all but its sequence."""
        return encode_event(workflow_id, event)

    def _register(self, workflow_type: WorkflowType) -> None:
        """Take a workflow type's messages in and compile their rules."""
        owner = f"Workflow type {workflow_type.name!r}"
        contract = workflow_type.contract
        add_set(self._pool, contract.file_descriptor_set, owner)
        for name in _messages(contract):
            try:
                found = GetMessageClass(self._pool.FindMessageTypeByName(name))
            except KeyError:
                raise RegistrationError(f"{owner} names the message {name}, which its descriptors lack.") from None
            warm_up(self._classes.setdefault(name, found)(), owner)

    def _class(self, type_name: str) -> type[Message]:
        try:
            return self._classes[type_name]
        except KeyError:
            raise RegistrationError(f"No registered contract has the message {type_name}.") from None

    def _parse(self, type_name: str, body: bytes) -> Any:
        try:
            return self._class(type_name).FromString(body)
        except DecodeError:
            fault = Violation("", f"must be a serialized {type_name}, nested at most 100 messages deep", "parse")
            told = f"The payload's bytes do not parse as {type_name}."
            raise InvalidPayload(told, violations=(fault,)) from None

    def _canonical(self, message: Any) -> bytes:
        """The one serialization of a message, when it keeps its rules and can be read."""
        if isinstance(message, struct_pb2.Value) and message.WhichOneof("kind") is None:
            return NULL.value
        faults = violations_of(message)
        if not faults and not isinstance(message, struct_pb2.Struct | struct_pb2.Value):
            try:
                self._reader.read(message)
            except Unreadable as error:
                faults = (Violation(error.field, error.description, TYPE_RULE),)
        if faults:
            raise InvalidPayload(_told(message.DESCRIPTOR.full_name, faults), violations=faults)
        return message.SerializeToString(deterministic=True)  # type: ignore[no-any-return]

    def _check_size(self, body: bytes) -> None:
        if len(body) > self._payload_bytes_max:
            raise TooLarge(f"The payload has {len(body):,} bytes; at most {self._payload_bytes_max:,} are taken.")

    def _within(self, payload: Payload) -> Payload:
        """The payload, when it is not too large."""
        size = len(payload.value)
        if size <= self._payload_bytes_max:
            return payload
        fault = Violation("", f"must have at most {self._payload_bytes_max:,} bytes", "size")
        raise ContractViolation(f"The {payload.type_name} has {size:,} bytes, which is too much.", violations=(fault,))


def _messages(contract: Contract) -> list[str]:
    """The message names of a contract, without the dynamic ones."""
    named = (contract.input_type, contract.result_type, contract.progress_type, contract.decision_type)
    return [name for name in (*named, *(name for _, name in contract.decision_types)) if name not in _DYNAMIC]


def _dynamic(value: JsonValue) -> Payload:
    """A dict as a Struct, anything else as a Value."""
    if too_deep(value):
        fault = Violation("", "must not be nested so deeply", TYPE_RULE)
        raise ContractViolation("The value is nested too deeply.", violations=(fault,))
    if isinstance(value, dict):
        struct = struct_pb2.Struct()
        fill_struct(struct, value)
        return Payload(STRUCT, struct.SerializeToString(deterministic=True))
    made = struct_pb2.Value()
    fill_value(made, value)
    return Payload(VALUE, made.SerializeToString(deterministic=True))


def _told(type_name: str, faults: tuple[Violation, ...]) -> str:
    """One sentence that names the first faults."""
    shown = "; ".join(map(_fault, faults[:3]))
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""  # noqa: PLR2004 - As many as are shown.
    return f"The {type_name} breaks its contract: {shown}{more}."


def _fault(fault: Violation) -> str:
    """What is wrong, and where. A rule of a whole message comes with a sentence of its author, which says it all."""
    if fault.field or fault.description.startswith("must "):
        return f"{fault.field or 'the message'} {fault.description}"
    return fault.description
