from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class RefundRequest(_message.Message):
    __slots__ = ("order", "cents")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    CENTS_FIELD_NUMBER: _ClassVar[int]
    order: str
    cents: int
    def __init__(self, order: _Optional[str] = ..., cents: _Optional[int] = ...) -> None: ...

class RefundVerdict(_message.Message):
    __slots__ = ("approved", "reason")
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    approved: bool
    reason: str
    def __init__(self, approved: bool = ..., reason: _Optional[str] = ...) -> None: ...

class Refund(_message.Message):
    __slots__ = ("cents", "reason")
    CENTS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    cents: int
    reason: str
    def __init__(self, cents: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...
