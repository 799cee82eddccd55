"""What a workflow's row shows of its steps, as far as the events of a commit go."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from stretto.server.domain.event import Event, StepCompleted, StepFailed, StepProgress, StepStarted
from stretto.server.domain.workflow import Step


@dataclass(frozen=True, slots=True)
class Shown:
    """Running steps, and the newest progress of any step."""

    steps: Mapping[str, Step] = field(default_factory=dict)
    fraction: float | None = None
    headline: str | None = None

    def after(self, events: Iterable[Event]) -> "Shown":
        """What it is once these have happened too.

        The row of a commit that carries a part of the news must not run ahead of its journal: whoever reads a state
        as of a sequence reads what the events up to there say.
        """
        steps, fraction, headline = dict(self.steps), self.fraction, self.headline
        for event in events:
            what = event.what
            if isinstance(what, StepStarted):
                steps[event.step_id] = Step(event.step_id, event.step, event.attempt, event.occurred_at)
            elif isinstance(what, StepCompleted | StepFailed):
                steps.pop(event.step_id, None)
            elif isinstance(what, StepProgress):
                fraction = fraction if what.fraction is None else what.fraction
                headline = what.message or headline
                if event.step_id in steps:
                    steps[event.step_id] = _told(steps[event.step_id], what)
        return Shown(steps, fraction, headline)


def _told(step: Step, what: StepProgress) -> Step:
    return replace(
        step,
        fraction=step.fraction if what.fraction is None else what.fraction,
        message=what.message or step.message,
    )
