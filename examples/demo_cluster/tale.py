"""What the watcher of one workflow lived through, and when another worker had to begin one of its steps again."""

import time
from dataclasses import dataclass, field

from examples.demo.story import Story
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent


@dataclass(slots=True)
class Tale(Story):
    """A story that tells attempts that follow a failure or a question from those that follow a death."""

    taken_over_at: list[float] = field(default_factory=list)
    """When a step was begun again that had neither failed nor asked, by `time.perf_counter`."""
    _to_run_again: set[str] = field(default_factory=set)

    def take(self, event: ProgressEvent) -> None:
        """The next event that was seen."""
        Story.take(self, event)
        if event.HasField("step_retrying") or event.HasField("interrupt_raised"):
            self._to_run_again.add(event.step)
        elif event.HasField("step_started") and event.attempt > 1:
            if event.step not in self._to_run_again:
                self.taken_over_at.append(time.perf_counter())
            self._to_run_again.discard(event.step)
