"""The chaos checker must see every kind of damage: a checker that cannot fail proves nothing."""

import copy
import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from google.protobuf import struct_pb2

from benchmarks.chaos.checker import RULES, check
from benchmarks.chaos.ledgers import (
    Acknowledged,
    ClientLog,
    Decided,
    Effect,
    Ledgers,
    Pause,
    Row,
    Seen,
    read_effects,
    read_rows,
)
from benchmarks.chaos.ownership import belated_steps
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import WORKFLOW_STATUS_FAILED, WORKFLOW_STATUS_SUCCEEDED

KINDS = ("accepted", "started", "step_started", "step_completed", "completed")
MARK = "2-a"


def event(sequence: int, kind: str) -> ProgressEvent:
    made = ProgressEvent(sequence=sequence, workflow_id="wf_1")
    made.occurred_at.FromMicroseconds(sequence * 1_000_000)
    if kind.startswith("step_"):
        made.step, made.step_id, made.attempt = "one", "s1", 1
    getattr(made, kind).SetInParent()
    if kind == "step_completed":
        made.step_completed.update.struct_value.update({"ran": [MARK]})
    elif kind == "completed":
        made.completed.result.Pack(with_marks(MARK))
    return made


def with_marks(*marks: str) -> struct_pb2.Struct:
    state = struct_pb2.Struct()
    state.update({"ran": list(marks)})
    return state


def progress(sequence: int, mark: str) -> ProgressEvent:
    made = event(sequence, "step_progress")
    made.step_progress.message = mark
    return made


EFFECT = Effect("r1", "one", 3.5, "yes", "wf_1", MARK, group=7)
LATE = replace(EFFECT, at=4.5, mark="1-b")
PAUSE = Pause(7, 3.7, 4.4)


def intact() -> Ledgers:
    """One workflow of one step, watched by two."""
    events = tuple(event(number, kind) for number, kind in enumerate(KINDS, 1))
    client = ClientLog(
        acknowledged=[Acknowledged("r1", "wf_1"), Acknowledged("r1", "wf_1")],
        seen=[Seen(watcher, copy.deepcopy(each)) for watcher in ("wf_1 first", "wf_1 second") for each in events],
        decided=[Decided("wf_1", "i1", "yes")],
    )
    row = Row("wf_1", "r1", WORKFLOW_STATUS_SUCCEEDED, len(events), events)
    return Ledgers(client, (EFFECT,), (row,))


def with_row(ledgers: Ledgers, **changes: object) -> Ledgers:
    return replace(ledgers, rows=(replace(ledgers.rows[0], **changes), *ledgers.rows[1:]))


def with_kinds(ledgers: Ledgers, *kinds: str) -> Ledgers:
    events = tuple(event(number, kind) for number, kind in enumerate(kinds, 1))
    return with_row(ledgers, events=events, last_sequence=len(events))


def with_events(ledgers: Ledgers, *events: ProgressEvent) -> Ledgers:
    for sequence, each in enumerate(events, 1):
        each.sequence = sequence
    return with_row(ledgers, events=events, last_sequence=len(events))


def with_result(ledgers: Ledgers, *marks: str) -> Ledgers:
    ledgers.rows[0].events[-1].completed.result.Pack(with_marks(*marks))
    return ledgers


def with_effects(ledgers: Ledgers, *effects: Effect, pauses: tuple[Pause, ...] = ()) -> Ledgers:
    """Some more steps that ran, their starts recorded."""
    head, tail = ledgers.rows[0].events[:2], ledgers.rows[0].events[2:]
    starts = [event(3, "step_started") for _ in effects]
    more = replace(ledgers, effects=(*ledgers.effects, *effects), pauses=pauses)
    return with_events(more, *head, *starts, *tail)


def with_seen(ledgers: Ledgers, change: Callable[[list[Seen]], object]) -> Ledgers:
    change(ledgers.client.seen)
    return ledgers


def with_client(ledgers: Ledgers, **additions: list[object]) -> Ledgers:
    for name, entries in additions.items():
        getattr(ledgers.client, name).extend(entries)
    return ledgers


def forge(seen: list[Seen]) -> None:
    seen[2].event.step = "two"


DAMAGE: list[tuple[str, Callable[[Ledgers], Ledgers]]] = [
    ("lost_starts", lambda whole: replace(whole, rows=())),
    ("lost_starts", lambda whole: with_row(whole, events=())),
    ("lost_starts", lambda whole: with_client(whole, acknowledged=[Acknowledged("r2", "wf_2")])),
    (
        "duplicate_workflows",
        lambda whole: replace(whole, rows=(*whole.rows, replace(whole.rows[0], workflow_id="wf_2"))),
    ),
    ("duplicate_workflows", lambda whole: with_client(whole, acknowledged=[Acknowledged("r1", "wf_2")])),
    ("broken_journals", lambda whole: with_row(whole, events=whole.rows[0].events[:2] + whole.rows[0].events[3:])),
    ("broken_journals", lambda whole: with_row(whole, last_sequence=6)),
    ("broken_streams", lambda whole: with_seen(whole, lambda seen: seen.pop(1))),
    ("broken_streams", lambda whole: with_seen(whole, lambda seen: seen.insert(2, seen[1]))),
    ("broken_streams", lambda whole: with_seen(whole, lambda seen: seen.insert(1, seen.pop(2)))),
    ("unlike_events", lambda whole: with_seen(whole, forge)),
    ("unlike_events", lambda whole: replace(whole, rows=())),
    ("unwatched_ends", lambda whole: with_seen(whole, lambda seen: seen.pop())),
    ("wrong_ends", lambda whole: with_row(whole, events=whole.rows[0].events[:-1])),
    ("wrong_ends", lambda whole: with_row(whole, status=WORKFLOW_STATUS_FAILED)),
    ("wrong_ends", lambda whole: with_kinds(whole, *KINDS, "completed")),
    ("wrong_ends", lambda whole: with_kinds(whole, *KINDS, "step_started")),
    ("failed_workflows", lambda whole: with_kinds(whole, "accepted", "failed")),
    ("failed_workflows", lambda whole: with_kinds(whole, "accepted", "timed_out")),
    ("repeated_outcomes", lambda whole: with_kinds(whole, *KINDS[:4], "step_completed", "completed")),
    ("repeated_steps", lambda whole: with_effects(whole, LATE)),
    ("repeated_steps", lambda whole: with_effects(whole, replace(LATE, group=8), pauses=(PAUSE,))),
    ("repeated_steps", lambda whole: with_effects(whole, replace(LATE, mark="3-b"), pauses=(PAUSE,))),
    ("repeated_steps", lambda whole: with_effects(whole, LATE, pauses=(Pause(7, 4.1, 4.4),))),
    ("unrecorded_starts", lambda whole: replace(whole, effects=(*whole.effects, replace(EFFECT, at=3.6)))),
    ("stale_writes", lambda whole: with_events(whole, *whole.rows[0].events[:4], progress(5, "1-b"))),
    ("stale_writes", lambda whole: with_events(whole, progress(1, "3-b"), *whole.rows[0].events)),
    ("mixed_outcomes", lambda whole: with_result(whole, MARK, "1-b")),
    ("mixed_outcomes", lambda whole: with_result(whole, MARK, MARK)),
    ("mixed_outcomes", with_result),
    ("unrecorded_steps", lambda whole: replace(whole, effects=())),
    ("wrong_decisions", lambda whole: with_client(whole, decided=[Decided("wf_1", "i1", "no")])),
    ("wrong_decisions", lambda whole: replace(whole, effects=(replace(whole.effects[0], decision="no"),))),
    (
        "starts_after_cancel",
        lambda whole: with_kinds(whole, "accepted", "cancel_requested", "step_started", "cancelled"),
    ),
    ("starts_after_cancel", lambda whole: with_client(whole, cancelled=["wf_1"])),
    ("unexpected_answers", lambda whole: with_client(whole, refused=["StartWorkflowRequest: INTERNAL"])),
]


def test_intact_ledgers_break_no_promise() -> None:
    assert check(intact()) == {rule: [] for rule in RULES}


@pytest.mark.parametrize(("rule", "damage"), DAMAGE, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(DAMAGE)])
def test_damage_is_seen(rule: str, damage: Callable[[Ledgers], Ledgers]) -> None:
    assert check(damage(intact()))[rule]


def test_a_step_that_a_pause_held_back_is_not_counted() -> None:
    ledgers = with_effects(intact(), LATE, pauses=(PAUSE,))
    assert check(ledgers)["repeated_steps"] == []
    assert list(belated_steps(ledgers)) == [LATE]


def test_every_rule_has_a_damage_that_it_sees() -> None:
    assert {rule for rule, _ in DAMAGE} == set(RULES)


def test_ledgers_are_read_from_plain_files(tmp_path: Path) -> None:
    effects = tmp_path / "effects.jsonl"
    effects.write_text(json.dumps(asdict(EFFECT)) + "\n")
    connection = sqlite3.connect(tmp_path / "store.db")
    connection.executescript(
        "CREATE TABLE workflow (project, workflow_id, request_id);"
        "CREATE TABLE workflow_state (project, workflow_id, status, last_sequence);"
        "CREATE TABLE event (project, workflow_id, sequence, body);"
        "INSERT INTO workflow VALUES ('default', 'wf_1', 'r1');"
        "INSERT INTO workflow_state VALUES ('default', 'wf_1', 4, 5);"
    )
    for each in reversed(intact().rows[0].events):
        body = ProgressEvent.FromString(each.SerializeToString())
        body.ClearField("sequence")
        row = (each.sequence, body.SerializeToString())
        connection.execute("INSERT INTO event VALUES ('default', 'wf_1', ?, ?)", row)
    connection.commit()
    connection.close()
    assert read_effects(effects) == intact().effects
    assert read_rows(tmp_path / "store.db") == intact().rows
