"""Counts broken promises in three ledgers. It shares no code with the server, only the protos."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import groupby

from benchmarks.chaos.ledgers import Ledgers, Row
from benchmarks.chaos.ownership import mixed_outcomes, repeated_steps, stale_writes, unrecorded_starts
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus

TERMINAL = {
    "completed": WorkflowStatus.WORKFLOW_STATUS_SUCCEEDED,
    "failed": WorkflowStatus.WORKFLOW_STATUS_FAILED,
    "cancelled": WorkflowStatus.WORKFLOW_STATUS_CANCELLED,
    "quarantined": WorkflowStatus.WORKFLOW_STATUS_QUARANTINED,
    "timed_out": WorkflowStatus.WORKFLOW_STATUS_TIMED_OUT,
}


def check(ledgers: Ledgers) -> dict[str, list[str]]:
    """What is wrong, by promise; an empty list for each that was kept."""
    return {name: list(rule(ledgers)) for name, rule in RULES.items()}


def lost_starts(ledgers: Ledgers) -> Iterator[str]:
    """P1: an acknowledged start is in the store, and its journal begins with its acceptance."""
    rows = {row.workflow_id: row for row in ledgers.rows}
    for start in ledgers.client.acknowledged:
        row = rows.get(start.workflow_id)
        if row is None or not row.events or row.events[0].WhichOneof("kind") != "accepted":
            yield f"{start.workflow_id} of {start.request_id}"


def duplicate_workflows(ledgers: Ledgers) -> Iterator[str]:
    """P2: one request id, one workflow, as the store has it and as callers were told."""
    made = defaultdict(set)
    for row in ledgers.rows:
        made[row.request_id].add(row.workflow_id)
    for start in ledgers.client.acknowledged:
        made[start.request_id].add(start.workflow_id)
    for request_id, workflow_ids in made.items():
        if len(workflow_ids) > 1:
            yield f"{request_id}: {sorted(workflow_ids)}"


def broken_journals(ledgers: Ledgers) -> Iterator[str]:
    """P4: a journal is 1, 2, 3 … without gaps, and the workflow's row knows its end."""
    for row in ledgers.rows:
        sequences = [event.sequence for event in row.events]
        if sequences != list(range(1, row.last_sequence + 1)):
            yield f"{row.workflow_id}: {sequences}, last_sequence {row.last_sequence}"


def broken_streams(ledgers: Ledgers) -> Iterator[str]:
    """P4: a watcher that resumes after its last sequence sees each event once, in order."""
    last: Counter[str] = Counter()
    for seen in ledgers.client.seen:
        if seen.event.sequence != last[seen.watcher] + 1:
            yield f"{seen.watcher}: {seen.event.sequence} after {last[seen.watcher]}"
        last[seen.watcher] = seen.event.sequence


def unlike_events(ledgers: Ledgers) -> Iterator[str]:
    """P4: what a watcher saw is durable, and the same for every watcher."""
    stored = {(row.workflow_id, event.sequence): _bytes(event) for row in ledgers.rows for event in row.events}
    for seen in ledgers.client.seen:
        if stored.get((seen.event.workflow_id, seen.event.sequence)) != _bytes(seen.event):
            yield f"{seen.watcher}: event {seen.event.sequence} of {seen.event.workflow_id}"


def wrong_ends(ledgers: Ledgers) -> Iterator[str]:
    """P4, P10: exactly one terminal event, last, and the status says the same."""
    for row in ledgers.rows:
        kinds = [event.WhichOneof("kind") or "" for event in row.events]
        ends = [kind for kind in kinds if kind in TERMINAL]
        if len(ends) != 1 or kinds[-1] != ends[0] or TERMINAL[ends[0]] != row.status:
            yield f"{row.workflow_id}: {ends}, last {kinds[-1:]}, status {row.status}"


def failed_workflows(ledgers: Ledgers) -> Iterator[str]:
    """P12: these graphs never fail, and no fault of a service is a failure of a workflow."""
    for row in ledgers.rows:
        for event in row.events:
            if event.WhichOneof("kind") in ("failed", "timed_out", "step_failed"):
                yield f"{row.workflow_id}: {event}"


def repeated_outcomes(ledgers: Ledgers) -> Iterator[str]:
    """P6, P7: a step's completion is recorded at most once, whoever wrote it."""
    for row in ledgers.rows:
        done = Counter(event.step_id for event in row.events if event.WhichOneof("kind") == "step_completed")
        for step_id, times in done.items():
            if times > 1:
                yield f"{row.workflow_id}: step {step_id} completed {times} times"


def unrecorded_steps(ledgers: Ledgers) -> Iterator[str]:
    """P6: a completion is recorded of steps only that have run."""
    ran = {(effect.request_id, effect.step) for effect in ledgers.effects}
    for row in ledgers.rows:
        for event in row.events:
            completed = event.WhichOneof("kind") == "step_completed" and event.step != "ask"
            if completed and (row.request_id, event.step) not in ran:
                yield f"{row.workflow_id}: {event.step}"


def wrong_decisions(ledgers: Ledgers) -> Iterator[str]:
    """P8: one decision is accepted for each interrupt, and it is the one that the graph acts on."""
    accepted = defaultdict(set)
    for decided in ledgers.client.decided:
        accepted[decided.workflow_id, decided.interrupt_id].add(decided.decision)
    for interrupt, decisions in accepted.items():
        if len(decisions) > 1:
            yield f"{interrupt}: {sorted(decisions)}"
    told = {workflow_id: decisions for (workflow_id, _), decisions in accepted.items()}
    requests = {row.request_id: row.workflow_id for row in ledgers.rows}
    for effect in ledgers.effects:
        if effect.decision and effect.decision not in told.get(requests.get(effect.request_id, ""), {effect.decision}):
            yield f"{effect.request_id}: acted on {effect.decision}"


def starts_after_cancel(ledgers: Ledgers) -> Iterator[str]:
    """P9: no step starts after a cancel was accepted, and an acknowledged cancel is in the journal."""
    journals = {row.workflow_id: _kinds(row) for row in ledgers.rows}
    for workflow_id, kinds in journals.items():
        if "cancel_requested" in kinds and "step_started" in kinds[kinds.index("cancel_requested") :]:
            yield f"{workflow_id}: {kinds}"
    for workflow_id in ledgers.client.cancelled:
        if "cancel_requested" not in journals.get(workflow_id, []):
            yield f"{workflow_id}: the cancel is lost"


def unwatched_ends(ledgers: Ledgers) -> Iterator[str]:
    """P4: every watcher came to the terminal event."""
    by_watcher = sorted(ledgers.client.seen, key=lambda seen: seen.watcher)
    for watcher, seen in groupby(by_watcher, key=lambda seen: seen.watcher):
        *_, last = seen
        if last.event.WhichOneof("kind") not in TERMINAL:
            yield f"{watcher}: last {last.event.WhichOneof('kind')}"


def unexpected_answers(ledgers: Ledgers) -> Iterator[str]:
    """P3: a kill shows as UNAVAILABLE or a broken call; anything else would be a lie."""
    yield from ledgers.client.refused


RULES: dict[str, Callable[[Ledgers], Iterator[str]]] = {
    rule.__name__: rule
    for rule in (
        lost_starts,
        duplicate_workflows,
        broken_journals,
        broken_streams,
        unlike_events,
        unwatched_ends,
        wrong_ends,
        failed_workflows,
        repeated_outcomes,
        repeated_steps,
        unrecorded_steps,
        unrecorded_starts,
        stale_writes,
        mixed_outcomes,
        wrong_decisions,
        starts_after_cancel,
        unexpected_answers,
    )
}


def _kinds(row: Row) -> list[str]:
    return [event.WhichOneof("kind") or "" for event in row.events]


def _bytes(event: ProgressEvent) -> bytes:
    return event.SerializeToString(deterministic=True)
