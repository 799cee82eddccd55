from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Claim(_message.Message):
    __slots__ = ("claim_id", "employee", "receipts")
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    EMPLOYEE_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    claim_id: str
    employee: str
    receipts: _containers.RepeatedCompositeFieldContainer[Receipt]
    def __init__(self, claim_id: _Optional[str] = ..., employee: _Optional[str] = ..., receipts: _Optional[_Iterable[_Union[Receipt, _Mapping]]] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("text", "cents")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CENTS_FIELD_NUMBER: _ClassVar[int]
    text: str
    cents: int
    def __init__(self, text: _Optional[str] = ..., cents: _Optional[int] = ...) -> None: ...

class CheckProgress(_message.Message):
    __slots__ = ("receipts", "total_cents")
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_CENTS_FIELD_NUMBER: _ClassVar[int]
    receipts: int
    total_cents: int
    def __init__(self, receipts: _Optional[int] = ..., total_cents: _Optional[int] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("approved", "reason")
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    approved: bool
    reason: str
    def __init__(self, approved: bool = ..., reason: _Optional[str] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("paid", "total_cents", "transfer", "reason")
    PAID_FIELD_NUMBER: _ClassVar[int]
    TOTAL_CENTS_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    paid: bool
    total_cents: int
    transfer: str
    reason: str
    def __init__(self, paid: bool = ..., total_cents: _Optional[int] = ..., transfer: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...
