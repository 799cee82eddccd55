"""The checker's rules about owners: what a run wrote that had lost its workflow, as the ledgers tell of it.

Each execution of a step has a mark, which begins with the epoch of its run. The step leaves the mark in the effect
file before all else, says it as progress, and returns it into the graph's state.
"""

from collections import Counter
from collections.abc import Iterator

from google.protobuf import any_pb2, struct_pb2

from benchmarks.chaos.ledgers import Effect, Ledgers, Row, epoch_of
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

AWAKE_SECONDS = 5.0
"""After a pause, a process needs a moment to learn what it has lost; on a busy machine, a long one."""

Step = tuple[str, str]
"""Request id and name of a step."""


def stale_writes(ledgers: Ledgers) -> Iterator[str]:
    """P7: once a journal has something of a later epoch, nothing of an earlier one is accepted."""
    for row in ledgers.rows:
        newest = 0
        for event in row.events:
            for mark in marks_of(event):
                if epoch_of(mark) < newest:
                    yield f"{row.workflow_id}: event {event.sequence} is of {mark}, after epoch {newest}"
                newest = max(newest, epoch_of(mark))


def mixed_outcomes(ledgers: Ledgers) -> Iterator[str]:
    """P6, P7: the result is made of the recorded executions, each of them once, and of no other one's state."""
    for row in ledgers.rows:
        if not row.events or row.events[-1].WhichOneof("kind") != "completed":
            continue
        recorded = Counter(mark for mark in _outcomes(row).values() if mark)
        result = Counter(_ran(row.events[-1].completed.result))
        if recorded != result:
            yield f"{row.workflow_id}: recorded {sorted(recorded)}, in the result {sorted(result.elements())}"


def unrecorded_starts(ledgers: Ledgers) -> Iterator[str]:
    """P6, P7: a step runs only after the store has taken its start, so not for somebody who has lost the workflow."""
    started = Counter(
        (row.request_id, event.step)
        for row in ledgers.rows
        for event in row.events
        if event.WhichOneof("kind") == "step_started"
    )
    for (request_id, step), times in Counter(_step_of(effect) for effect in ledgers.effects).items():
        if times > started[request_id, step]:
            yield f"{request_id}: {step} ran {times} times, {started[request_id, step]} starts are recorded"


def repeated_steps(ledgers: Ledgers) -> Iterator[str]:
    """P6: a step whose completion is recorded never runs again, but where `belated_steps` tells why."""
    belated = set(belated_steps(ledgers))
    for effect in _after_completion(ledgers):
        if effect not in belated:
            yield f"{effect.request_id}: {effect.step} at {effect.at} by {effect.mark}"


def belated_steps(ledgers: Ledgers) -> Iterator[Effect]:
    """What no fence can stop: a process stood still between the accepted start of a step and the step itself."""
    done = _completions(ledgers)
    for effect in _after_completion(ledgers):
        at, epoch = done[_step_of(effect)]
        if effect.epoch < epoch and any(
            pause.group == effect.group and pause.began < at and effect.at < pause.ended + AWAKE_SECONDS
            for pause in ledgers.pauses
        ):
            yield effect


def marks_of(event: ProgressEvent) -> list[str]:
    """The marks that an event tells of."""
    kind = event.WhichOneof("kind")
    if kind == "step_progress" and event.step_progress.message:
        return [event.step_progress.message]
    return _ran(event.step_completed.update.struct_value) if kind == "step_completed" else []


def _outcomes(row: Row) -> dict[str, str]:
    """The mark of the recorded outcome of each step, by step id; questions have none."""
    done = [event for event in row.events if event.WhichOneof("kind") == "step_completed"]
    return {event.step_id: next(iter(marks_of(event)), "") for event in done}


def _ran(holder: object) -> list[str]:
    """The marks in a state or an update, packed or not."""
    struct = struct_pb2.Struct()
    if isinstance(holder, any_pb2.Any):
        holder.Unpack(struct)
    elif isinstance(holder, struct_pb2.Struct):
        struct = holder
    return [value.string_value for value in struct.fields["ran"].list_value.values] if "ran" in struct.fields else []


def _completions(ledgers: Ledgers) -> dict[Step, tuple[float, int]]:
    """When each completed step was completed last, and under which epoch."""
    return {
        (row.request_id, event.step): (
            event.occurred_at.ToMicroseconds() / 1e6,
            max(map(epoch_of, marks_of(event)), default=0),
        )
        for row in ledgers.rows
        for event in row.events
        if event.WhichOneof("kind") == "step_completed"
    }


def _after_completion(ledgers: Ledgers) -> Iterator[Effect]:
    done = _completions(ledgers)
    for effect in ledgers.effects:
        if effect.at > done.get(_step_of(effect), (float("inf"), 0))[0]:
            yield effect


def _step_of(effect: Effect) -> Step:
    return effect.request_id, effect.step
