"""Checkpoints as plain data: what LangGraph's serializer wrote, shown without importing any class that it names."""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

import ormsgpack
import structlog
from google.protobuf.struct_pb2 import Struct

from stretto.server.domain.change import Blob, StoredCheckpoint
from stretto.server.rpc._plain import DEPTH_MAX, TOO_DEEP, fill_value, printable

__all__ = ["MARKERS", "SNAPSHOT_BYTES_MAX", "TRUNCATED", "UNREADABLE", "channel_values", "to_snapshot"]

SNAPSHOT_BYTES_MAX: Final = 1024 * 1024
"""Roughly the largest snapshot; what comes after that much is left out."""

TRUNCATED: Final = "__truncated__"
"""Key of a snapshot that tells that something was left out; no channel that is shown has such a name."""

LEFT_OUT: Final = "… (left out: the snapshot is too large)"
UNREADABLE: Final = "… (cannot be shown)"
MASK: Final = "**********"
MARKERS: Final = frozenset({LEFT_OUT, UNREADABLE, MASK, TOO_DEEP})
"""What stands in the place of values that are not shown."""

_HIDDEN: Final = ("__", "branch:to:")
_ENTRY_BYTES: Final = 8
"""What a value costs on the wire beside its text, roughly."""

# The extension types of langgraph.checkpoint.serde.jsonplus.
_SINGLE, _POSITIONAL, _KEYWORDS, _METHOD, _PYDANTIC_V1, _PYDANTIC_V2, _NUMPY, _DELTA = range(8)

_log = structlog.stdlib.get_logger("stretto.rpc")


def to_snapshot(stored: StoredCheckpoint, bytes_max: int = SNAPSHOT_BYTES_MAX) -> Struct:
    """The channel values of a checkpoint. Never fails: a value that cannot be read is a marker, and a log entry."""
    struct = Struct()
    showing = _Showing(bytes_max)
    for name, value in sorted(_channels(stored).items()):
        if not name.startswith(_HIDDEN):
            fill_value(struct.fields[printable(name)], showing.show(value))
    if showing.left < 0:
        struct.fields[TRUNCATED].string_value = f"The snapshot is larger than {bytes_max:,} bytes."
    return struct


def channel_values(stored: StoredCheckpoint, bytes_max: int) -> dict[str, Any]:
    """The channel values of a checkpoint as plain data, those first that come first by name. Never fails, as above."""
    showing = _Showing(bytes_max)
    values = sorted(_channels(stored).items())
    return {name: showing.show(value) for name, value in values if not name.startswith(_HIDDEN)}


def _channels(stored: StoredCheckpoint) -> dict[str, Any]:
    """The values inside the checkpoint, and those that are kept outside of it."""
    body = _load(stored.checkpoint.body, "(checkpoint)")
    inline = body.get("channel_values") if isinstance(body, Mapping) else None
    values = {str(name): value for name, value in inline.items()} if isinstance(inline, Mapping) else {}
    for blob in stored.blobs:
        values[blob.channel] = _load(blob.blob, blob.channel)
    return values


def _load(blob: Blob, channel: str) -> Any:
    """What a blob holds, as plain data or markers."""
    try:
        if blob.tag == "msgpack":
            return _unpack(blob.body, 0)
        if blob.tag == "null":
            return None
        if blob.tag in ("bytes", "bytearray"):
            return blob.body
        raise ValueError(f"unknown tag {blob.tag!r}")  # noqa: TRY301 - The one place that tells of it is below.
    except Exception as error:  # noqa: BLE001 - User data in a foreign format; a state that reads in part is better than none.
        _log.warning("channel cannot be shown", channel=channel, tag=blob.tag, error=type(error).__name__)
        return UNREADABLE


def _unpack(data: bytes, depth: int) -> Any:
    """Decode msgpack; extension types within extension types are bounded, because each is a call within a call."""
    if depth > DEPTH_MAX:
        return TOO_DEEP
    return ormsgpack.unpackb(
        data, ext_hook=lambda code, body: _extension(code, body, depth + 1), option=ormsgpack.OPT_NON_STR_KEYS
    )


def _extension(code: int, data: bytes, depth: int) -> Any:
    """An object as the plain data that it was made of."""
    packed = _unpack(data, depth)
    if code == _DELTA or packed is TOO_DEEP:
        return packed
    if code == _NUMPY:
        dtype, shape, *_ = packed
        return {"dtype": dtype, "shape": list(shape)}
    module, name, content, *_ = packed
    if code in (_PYDANTIC_V1, _PYDANTIC_V2) and str(module).startswith("langchain_core.messages"):
        return _message(content)
    render = _RENDER.get((module, name))
    return render(content) if render else content


def _message(content: Mapping[str, Any]) -> dict[str, Any]:
    """A LangChain message without its empty fields."""
    first = {"type": content.get("type"), "content": content.get("content")}
    rest = {key: value for key, value in content.items() if key not in first and value not in (None, "", False)}
    return first | {key: value for key, value in rest.items() if value not in ([], {})}


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _date(parts: list[int]) -> str:
    year, month, day = parts
    return f"{year:04d}-{month:02d}-{day:02d}"


def _time(parts: Mapping[str, Any]) -> str:
    micros = parts.get("microsecond", 0)
    return f"{parts['hour']:02d}:{parts['minute']:02d}:{parts['second']:02d}" + (f".{micros:06d}" if micros else "")


def _timedelta(parts: list[int]) -> str:
    days, seconds, micros = parts
    total = (days * 86_400 + seconds) * 1_000_000 + micros
    whole, part = divmod(abs(total), 1_000_000)
    return ("-" if total < 0 else "") + f"PT{whole}" + (f".{part:06d}" if part else "") + "S"


def _send(parts: list[Any]) -> dict[str, Any]:
    return {"node": parts[0], "arg": parts[1]}


_RENDER: Final[dict[tuple[str, str], Callable[[Any], Any]]] = {
    ("uuid", "UUID"): _uuid,
    ("datetime", "date"): _date,
    ("datetime", "time"): _time,
    ("datetime", "timedelta"): _timedelta,
    ("datetime", "timezone"): lambda parts: parts[0],
    ("pathlib", "PosixPath"): lambda parts: str(PurePosixPath(*parts)),
    ("pathlib._local", "PosixPath"): lambda parts: str(PurePosixPath(*parts)),
    ("re", "compile"): lambda parts: parts[0],
    ("langgraph.types", "Send"): _send,
    ("pydantic.types", "SecretStr"): lambda _: MASK,
    ("pydantic.types", "SecretBytes"): lambda _: MASK,
    ("pydantic.v1.types", "SecretStr"): lambda _: MASK,
    ("pydantic.v1.types", "SecretBytes"): lambda _: MASK,
}


class _Showing:
    """Makes values small and flat enough to show: one budget for a whole snapshot."""

    def __init__(self, bytes_max: int) -> None:
        self.left = bytes_max

    def show(self, value: Any, depth: int = 1) -> Any:
        """The value in JSON's terms; strings stand for what JSON or a double cannot say."""
        self.left -= _ENTRY_BYTES
        if self.left < 0:
            return LEFT_OUT
        if value is None or isinstance(value, bool | int | float):
            return value  # Numbers beyond a double become their digits when they are written.
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return TOO_DEEP if depth >= DEPTH_MAX else self._container(value, depth)
        if isinstance(value, bytes | bytearray):
            return self._text(f"… ({len(value):,} bytes)")
        return self._text(str(value))

    def _container(self, value: Any, depth: int) -> Any:
        return self._mapping(value, depth) if isinstance(value, Mapping) else self._list(value, depth)

    def _text(self, text: str) -> str:
        size = len(text.encode("utf-8", "replace")) if len(text) <= self.left else self.left + 1
        self.left -= size
        return text if self.left >= 0 else LEFT_OUT

    def _mapping(self, values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for key, value in values.items():
            if self.left < 0:
                break
            shown[self._text(str(key))] = self.show(value, depth + 1)
        return shown

    def _list(self, values: Any, depth: int) -> list[Any]:
        shown = []
        for value in values:
            if self.left < 0:
                break
            shown.append(self.show(value, depth + 1))
        return shown
