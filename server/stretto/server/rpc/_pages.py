"""Pages and their tokens: opaque to callers, good for one filter only, and never trusted."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from google.protobuf.message import Message

from stretto.server.domain.errors import InvalidPageToken

PAGE_SIZE: Final = 50
"""Entries of a page when the caller does not say."""

PAGE_BYTES_MAX: Final = 2 * 1024 * 1024
"""A page ends early when it gets this large, so that it fits into one gRPC message."""

_VERSION: Final = b"\x01"
_DIGEST_BYTES: Final = 12

Row = TypeVar("Row")
Entry = TypeVar("Entry", bound=Message)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is asked for, apart from the page: a token of one filter is of no use with another."""

    digest: bytes

    @classmethod
    def of(cls, project: str, request: Message) -> "Filter":
        """The filter of a list request."""
        plain = type(request)()
        plain.CopyFrom(request)
        plain.ClearField("page_size")
        plain.ClearField("page_token")
        told = f"{project}\0{request.DESCRIPTOR.full_name}\0".encode() + plain.SerializeToString(deterministic=True)
        return cls(hashlib.sha256(told).digest()[:_DIGEST_BYTES])

    def token(self, cursor: str) -> str:
        """The token of the page after a cursor."""
        return base64.urlsafe_b64encode(_VERSION + self.digest + cursor.encode()).decode().rstrip("=")

    def cursor(self, token: str) -> str:
        """The cursor in a token; empty for the first page."""
        if not token:
            return ""
        try:
            data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            head, cursor = data[: 1 + _DIGEST_BYTES], data[1 + _DIGEST_BYTES :].decode()
        except ValueError:
            raise InvalidPageToken from None
        if head != _VERSION + self.digest or not cursor:
            raise InvalidPageToken
        return cursor


def page(
    rows: Sequence[Row], size: int, convert: Callable[[Row], Entry], cursor_of: Callable[[Row], str]
) -> tuple[list[Entry], str]:
    """The entries of a page, and the cursor of the next one; empty when `rows`, one more than the size, are all."""
    entries: list[Entry] = []
    used = 0
    for index, row in enumerate(rows):
        if index < size:
            entry = convert(row)
            used += entry.ByteSize()
        if index == size or (entries and used > PAGE_BYTES_MAX):
            return entries, cursor_of(rows[index - 1])
        entries.append(entry)
    return entries, ""


def after(rows: Iterable[Row], cursor: str, key: Callable[[Row], str]) -> list[Row]:
    """The rows whose keys sort after a cursor."""
    return [row for row in rows if key(row) > cursor]
