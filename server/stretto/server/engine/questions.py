"""The interrupts of one workflow, as its executor sees them during a run."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stretto.server.domain.clock import Clock
from stretto.server.domain.codec import Codec
from stretto.server.domain.event import Event, InterruptRaised
from stretto.server.domain.payload import JsonValue
from stretto.server.domain.workflow import Interrupt, InterruptStatus
from stretto.server.domain.workflow_type import Contract
from stretto.server.engine.buffer import RunBuffer


class Questions:
    """Gives each question its own id and raises it once, however often LangGraph comes back to it."""

    def __init__(self, known: tuple[Interrupt, ...], contract: Contract, buffer: RunBuffer, clock: Clock) -> None:
        self._all = list(known)
        self._contract = contract
        self._buffer = buffer
        self._clock = clock

    @property
    def pending(self) -> bool:
        """Whether a question waits for a decision, as far as this run knows."""
        return any(interrupt.status is InterruptStatus.PENDING for interrupt in self._all)

    def answers(self, codec: Codec, convert: Callable[[Any], Any] | None) -> dict[str, Any]:
        """The decisions that the graph has not taken yet, by LangGraph's ids."""
        answers = {}
        for interrupt in self._all:
            if interrupt.status is InterruptStatus.DECIDED and interrupt.decision is not None:
                value = codec.decode(interrupt.decision)
                answers[interrupt.resume_key] = convert(value) if convert else value
        return answers

    def raise_one(self, resume_key: str, question: JsonValue, step: str, step_id: str = "", attempt: int = 0) -> None:
        """Raise a question, unless it is the one that is pending already.

        Some releases of LangGraph give all questions of one node execution the same id, so a new one under an old id
        gets a number.
        """
        same = [interrupt for interrupt in self._all if interrupt.resume_key == resume_key]
        if same and same[-1].status is InterruptStatus.PENDING:
            return
        now = self._clock.now()
        interrupt = Interrupt(
            interrupt_id=f"{resume_key}-{len(same) + 1}" if same else resume_key,
            resume_key=resume_key,
            step=step,
            step_id=step_id,
            question=question,
            decision_type=self._contract.decision_type_of(step),
            raised_at=now,
        )
        self._all.append(interrupt)
        self._buffer.raised.append(interrupt)
        self._buffer.add(Event(now, InterruptRaised(interrupt), step=step, step_id=step_id, attempt=attempt))

    def answered(self, step_id: str) -> None:
        """Note that a step has taken its decisions: its outcome is recorded, or it asks something else."""
        for index, interrupt in enumerate(self._all):
            if interrupt.step_id == step_id and interrupt.status is InterruptStatus.DECIDED:
                self._all[index] = replace(interrupt, status=InterruptStatus.APPLIED)
                self._buffer.applied.append(interrupt.interrupt_id)
