"""The port through which the engine meets contracts; `rpc.contracts` implements it with protobuf."""

from typing import Protocol

from stretto.server.domain.event import Event
from stretto.server.domain.payload import JsonValue, Payload


class Codec(Protocol):
    """Turns typed payloads into plain Python values and back, and events into their public form."""

    def encode_event(self, workflow_id: str, event: Event) -> bytes:
        """The event as a serialized ProgressEvent, all but its sequence."""
        ...

    def decode(self, payload: Payload) -> JsonValue:
        """A payload as plain values: a message's fields by their proto names, a Struct as a dict, a Value as it is."""
        ...

    def encode(self, type_name: str, value: JsonValue) -> Payload:
        """Plain values as a payload of that type, checked against its rules, or ContractViolation.

        Keys of a dict that the message has no field for are left out: a graph's state holds more than its result.
        For `google.protobuf.Struct`, anything but a dict becomes a `google.protobuf.Value`.
        """
        ...
