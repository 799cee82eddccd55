"""Snapshots of what LangGraph's own serializer writes, read without any of the classes that it names."""

import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import re
import uuid
from collections import deque
from typing import NamedTuple

import ormsgpack
import pytest
from google.protobuf import json_format
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Send
from pydantic import BaseModel, SecretStr
from structlog.testing import capture_logs

from stretto.server.domain.change import Blob, ChannelBlob, Checkpoint, StoredCheckpoint
from stretto.server.rpc.snapshot import TRUNCATED, UNREADABLE, to_snapshot

SERDE = JsonPlusSerializer()


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: float


class Pair(NamedTuple):
    left: int
    right: str


class Person(BaseModel):
    name: str
    born: dt.date
    password: SecretStr = SecretStr("hunter2")


def stored(inline: object = None, **values: object) -> StoredCheckpoint:
    body = {"id": "c1", "channel_values": {} if inline is None else inline}
    checkpoint = Checkpoint(
        namespace="",
        checkpoint_id="c1",
        parent_id="",
        superstep=1,
        source="loop",
        created_at=1,
        body=Blob(*SERDE.dumps_typed(body)),
        metadata=Blob("null", b""),
    )
    blobs = tuple(
        ChannelBlob("", name, "1", value if isinstance(value, Blob) else Blob(*SERDE.dumps_typed(value)))
        for name, value in values.items()
    )
    return StoredCheckpoint(checkpoint, blobs, ())


def shown(**values: object) -> dict:
    return json_format.MessageToDict(to_snapshot(stored(**values)))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2**60, str(2**60)),
        (-(2**60), str(-(2**60))),
        (0.5, 0.5),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ("text", "text"),
        (b"\x00\xff", "… (2 bytes)"),
        (bytearray(b"\x00"), "… (1 bytes)"),
        ([1, [2, {"a": None}]], [1, [2, {"a": None}]]),
        ((1, 2), [1, 2]),
        ({1: "int", None: "none"}, {"1": "int", "None": "none"}),
        ({3}, [3]),
        (frozenset({3}), [3]),
        (deque([1, 2]), [1, 2]),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Colour.RED, "red"),
        (Point(1, 2.5), {"x": 1, "y": 2.5}),
        (Pair(1, "r"), {"left": 1, "right": "r"}),
        (dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC), "2026-01-31T12:00:00+00:00"),
        (dt.date(2026, 1, 31), "2026-01-31"),
        (dt.time(12, 30, 1, 5), "12:30:01.000005"),
        (dt.timedelta(days=1, microseconds=-1), "PT86399.999999S"),
        (-dt.timedelta(seconds=90), "-PT90S"),
        (dt.timezone(dt.timedelta(hours=2)), "PT7200S"),
        (pathlib.Path("/a/b"), "/a/b"),
        (re.compile("a+"), "a+"),
        (Send("node", {"a": 1}), {"node": "node", "arg": {"a": 1}}),
        (
            Person(name="Ada", born=dt.date(1815, 12, 10)),
            {"name": "Ada", "born": "1815-12-10", "password": "**********"},
        ),
        (ValueError("no"), "ValueError('no')"),
    ],
)
def test_what_the_serializer_writes_is_shown_as_plain_data(value: object, plain: object) -> None:
    assert shown(channel=value) == {"channel": plain}


def test_messages_are_shown_without_their_empty_fields() -> None:
    called = AIMessage("", tool_calls=[{"name": "add", "args": {"a": 1}, "id": "t1"}], id="m2")
    messages = shown(messages=[HumanMessage("Hello", id="m1"), called])["messages"]
    assert messages[0] == {"type": "human", "content": "Hello", "id": "m1"}
    assert messages[1]["type"] == "ai"
    assert messages[1]["tool_calls"][0]["args"] == {"a": 1}


def test_values_inside_the_checkpoint_and_outside_of_it_are_shown_and_internal_channels_are_not() -> None:
    inline = {"a": 1, "__start__": {"x": 1}, "branch:to:node": None}
    assert shown(inline=inline, b=[2], __pregel_tasks=[3]) == {"a": 1, "b": [2]}


@pytest.mark.parametrize(
    "blob",
    [
        Blob("msgpack", b"\xc1"),
        Blob("pickle", b"\x80\x04."),
        Blob("json", b"{}"),
        Blob("msgpack", ormsgpack.packb(ormsgpack.Ext(0, b"\xc1"))),
        Blob("msgpack", ormsgpack.packb(ormsgpack.Ext(2, ormsgpack.packb([])))),
        Blob("msgpack", ormsgpack.packb(ormsgpack.Ext(0, ormsgpack.packb(["uuid", "UUID", 7])))),
    ],
)
def test_a_value_that_cannot_be_read_is_a_marker_and_a_log_entry(blob: Blob) -> None:
    with capture_logs() as logs:
        assert shown(bad=blob, good=1) == {"bad": UNREADABLE, "good": 1}
    assert [entry["channel"] for entry in logs] == ["bad"]


def test_a_checkpoint_that_cannot_be_read_still_shows_its_blobs() -> None:
    broken = dataclasses.replace(
        stored(good=1), checkpoint=dataclasses.replace(stored().checkpoint, body=Blob("x", b""))
    )
    with capture_logs():
        assert json_format.MessageToDict(to_snapshot(broken)) == {"good": 1}


def test_a_large_state_is_cut_and_says_so() -> None:
    struct = to_snapshot(stored(a="small", b=["x" * 1_000] * 100, c="y" * 10_000), bytes_max=20_000)
    assert TRUNCATED in struct.fields
    assert struct.fields["a"].string_value == "small"
    assert struct.ByteSize() < 25_000


def test_many_small_values_are_bounded_too() -> None:
    struct = to_snapshot(stored(numbers=[0] * 100_000), bytes_max=10_000)
    assert TRUNCATED in struct.fields
    assert struct.ByteSize() < 20_000


def test_a_deep_state_is_cut_and_can_be_read_by_everybody() -> None:
    deep: object = 1
    for _ in range(60):
        deep = {"a": deep}
    struct = to_snapshot(stored(deep=deep))
    assert "nested too deeply" in str(struct)
    assert type(struct).FromString(struct.SerializeToString()) == struct


def test_extension_types_within_each_other_are_bounded() -> None:
    data = ormsgpack.packb(1)
    for _ in range(500):
        data = ormsgpack.packb(ormsgpack.Ext(7, data))
    assert "nested too deeply" in shown(bomb=Blob("msgpack", data))["bomb"]


def test_nothing_that_a_blob_names_is_imported() -> None:
    evil = ormsgpack.packb(ormsgpack.Ext(0, ormsgpack.packb(["os", "system", "touch /tmp/stretto-was-here"])))
    pathlib.Path("/tmp/stretto-was-here").unlink(missing_ok=True)
    assert shown(evil=Blob("msgpack", evil)) == {"evil": "touch /tmp/stretto-was-here"}
    assert not pathlib.Path("/tmp/stretto-was-here").exists()
