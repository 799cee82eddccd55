"""The steps that are under way, and which of them are nested in which."""

from collections import Counter
from collections.abc import Iterator

from stretto.cli._live._step import StepView

__all__ = ["UnderWay"]


class UnderWay:
    """Steps by id, in the order in which they began."""

    def __init__(self) -> None:
        self.steps: dict[str, StepView] = {}
        self._executions: Counter[str] = Counter()
        self._inside: dict[str, set[str]] = {}
        """What is nested in a step, by its id; where several could be it, by their path and a slash."""

    def around(self, path: str) -> str:
        """The step that one of this path is nested in; nobody where there are several: an event does not say which."""
        outer = path.rpartition("/")[0]
        if self._executions[outer] != 1:
            return ""
        return next(step.step_id for step in reversed(self.steps.values()) if step.path == outer)

    def leaves(self) -> Iterator[StepView]:
        """Those that no other one is nested in: the ones around a question only wait for it."""
        outer = {step.path.rpartition("/")[0] for step in self.steps.values()}
        return (step for step in self.steps.values() if step.path not in outer)

    def put(self, step: StepView) -> None:
        """Add a step, or what is new of it."""
        if step.step_id not in self.steps:
            self._executions[step.path] += 1
            if place := _place(step):
                self._inside.setdefault(place, set()).add(step.step_id)
        self.steps[step.step_id] = step

    def pop(self, step_id: str) -> StepView | None:
        """Take out a step that is over."""
        step = self.steps.pop(step_id, None)
        if step is None:
            return None
        self._executions[step.path] -= 1
        if not self._executions[step.path]:
            del self._executions[step.path]
        place = _place(step)
        if (beside := self._inside.get(place)) is not None:
            beside.discard(step_id)
            if not beside:
                del self._inside[place]
        return step

    def pop_inside(self, outer: StepView) -> Iterator[StepView]:
        """Take out the steps that are nested in one that is over, the innermost first."""
        inside = self._inside.get(outer.step_id, set())
        if not self._executions[outer.path]:
            inside = inside | self._inside.get(f"{outer.path}/", set())
        for step_id in tuple(inside):
            step = self.pop(step_id)
            if step is not None:
                yield from self.pop_inside(step)
                yield step

    def clear(self) -> None:
        """Take out all."""
        self.steps.clear()
        self._executions.clear()
        self._inside.clear()


def _place(step: StepView) -> str:
    outer, slash, _ = step.path.rpartition("/")
    return step.parent or outer + slash
