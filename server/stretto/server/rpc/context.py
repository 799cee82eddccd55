"""How the workflows of a session are, in the terms of a conversation: readings, and what fits into a budget of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from stretto.server.domain.clock import Micros
from stretto.server.domain.workflow import Failure, Interrupt, InterruptStatus, Status, Workflow
from stretto.server.rpc._convert import failure_to_proto, interrupt_to_proto, text, timestamp
from stretto.server.rpc._facts import facts_of
from stretto.server.rpc._plain import fill_struct
from stretto.server.rpc.contracts import Contracts
from stretto.server.store.port import WorkflowState
from stretto.session.v1.session_pb2 import WorkflowContext

__all__ = ["Reading", "fit", "reading_of", "to_context"]

CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A workflow at one moment, in the terms of a conversation."""

    workflow: Workflow
    phases: tuple[str, ...]
    open_interrupts: tuple[Interrupt, ...]
    last_error: Failure | None
    facts: Mapping[str, Any]
    shortened: bool = False

    @property
    def rank(self) -> tuple[int, Micros]:
        """Where it stands among others: what waits comes first, then what runs, then what ended; the newest first."""
        workflow = self.workflow
        group = 2 if workflow.status.terminal else 1 - bool(self.open_interrupts)
        return group, -(workflow.ended_at or workflow.created_at)


def reading_of(state: WorkflowState, contracts: Contracts) -> Reading:
    """What a conversation needs to know of a workflow."""
    workflow = state.workflow
    pending = tuple(asked for asked in state.interrupts if asked.status is InterruptStatus.PENDING)
    open_interrupts = () if workflow.status.terminal else pending
    running = tuple(dict.fromkeys(step.step for step in workflow.steps))
    asking = tuple(dict.fromkeys(asked.step for asked in open_interrupts))
    return Reading(
        workflow=workflow,
        phases=asking if workflow.status is Status.WAITING else running,
        open_interrupts=open_interrupts,
        last_error=workflow.failure or workflow.trouble,
        facts=facts_of(state, contracts),
    )


def fit(readings: Sequence[Reading], tokens_max: int) -> tuple[list[Reading], int, int]:
    """As many readings as a budget allows, what they take, and how many were left out.

    Facts go first, those of the last readings before others'; then whole readings, from the last one.
    """
    kept = list(readings)
    sizes = [_tokens(reading) for reading in kept]
    for index in reversed(range(len(kept))):
        if sum(sizes) <= tokens_max:
            break
        if kept[index].facts:
            kept[index] = replace(kept[index], facts={}, shortened=True)
            sizes[index] = _tokens(kept[index])
    while kept and sum(sizes) > tokens_max and not (len(kept) == 1 and kept[0].open_interrupts):
        kept.pop()
        sizes.pop()
    return kept, sum(sizes), len(readings) - len(kept)


def to_context(reading: Reading, age_ms: int) -> WorkflowContext:
    """A reading as callers get it."""
    workflow = reading.workflow
    made = WorkflowContext(
        workflow_id=workflow.workflow_id,
        workflow_type=workflow.workflow_type,
        status=workflow.status.value,  # type: ignore[arg-type]  # The numbers are those of the protos.
        phases=reading.phases,
        fraction=workflow.fraction,
        headline=text(workflow.headline),
        last_error=failure_to_proto(reading.last_error) if reading.last_error else None,
        open_interrupts=[interrupt_to_proto(asked) for asked in reading.open_interrupts],
        as_of_sequence=workflow.last_sequence,
        age_ms=age_ms,
        created_at=timestamp(workflow.created_at),
        updated_at=timestamp(workflow.updated_at),
        shortened=reading.shortened,
    )
    fill_struct(made.facts, reading.facts)
    return made


def _tokens(reading: Reading) -> int:
    """An estimate: what a reading takes in JSON, at so many characters a token."""
    workflow, error = reading.workflow, reading.last_error
    told = {
        "workflow": (workflow.workflow_id, workflow.workflow_type, workflow.status.name, workflow.fraction),
        "phases": reading.phases,
        "headline": workflow.headline,
        "error": error.message if error else "",
        "asks": [(asked.interrupt_id, asked.question) for asked in reading.open_interrupts],
        "facts": reading.facts,
    }
    return len(json.dumps(told, default=str)) // CHARACTERS_PER_TOKEN
