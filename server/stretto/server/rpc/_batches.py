"""Cutting what is ready into responses that fit into one gRPC message."""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol, TypeVar

BATCH_BYTES_MAX: Final = 1024 * 1024
"""A batch of events ends when it gets this large."""


class _Stored(Protocol):
    @property
    def body(self) -> bytes: ...


Entry = TypeVar("Entry", bound=_Stored)


def pieces(batch: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """The entries in pieces that are as long as they may be; a piece has at least one."""
    start = 0
    while start < len(batch):
        end, size = start + 1, len(batch[start].body)
        while end < len(batch) and size + len(batch[end].body) <= BATCH_BYTES_MAX:
            size += len(batch[end].body)
            end += 1
        yield batch[start:end]
        start = end
