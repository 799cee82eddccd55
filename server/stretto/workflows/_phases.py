"""How far a workflow is: the share of its work that is done. It never goes back, also when an edit adds work."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langgraph.config import get_stream_writer

from stretto.workflows._pace import pace, spend


@dataclass(frozen=True, slots=True)
class Phases:
    """The phases of a workflow in order, each with the milliseconds that it takes at pace 1.

    Whole numbers, because the rounding of sums of floats would make shares go back by a hair.
    """

    milliseconds: Mapping[str, int]
    repeated: tuple[str, ...]
    """Those that an edit repeats; the last of them asks."""

    def share(self, phase: str, part: float, edits: int = 0) -> float:
        """The share of the whole when a part of a phase is done, after a number of edits.

        An edit adds work, so the share would fall: it stays where the question was asked until the work catches up.
        """
        if not edits:
            return self._share(phase, part, edits)
        return max(self._share(self.repeated[-1], 1, edits - 1), self._share(phase, part, edits))

    def _share(self, phase: str, part: float, edits: int) -> float:
        names = list(self.milliseconds)
        repeated = edits * sum(self.milliseconds[name] for name in self.repeated)
        before = sum(self.milliseconds[name] for name in names[: names.index(phase)])
        done = before + repeated + part * self.milliseconds[phase]
        return done / (sum(self.milliseconds.values()) + repeated)


class Report:
    """Tells watchers how far one phase is, from inside of its node."""

    def __init__(self, phases: Phases, phase: str, edits: int = 0) -> None:
        self._phases, self._phase, self._edits = phases, phase, edits
        self._tell = get_stream_writer()
        self._part = 0.0

    def say(self, message: str, **detail: Any) -> None:
        """Tell what is being done, at the point that was reached last."""
        known = {"phase": self._phase, "edits": self._edits, **detail}
        self._tell({"fraction": self._fraction(self._part), "message": message, "detail": known})

    async def reach(self, part: float, message: str, **detail: Any) -> None:
        """Tell what is done now, once the time for it has passed."""
        start = self._part
        await spend(
            self._phases.milliseconds[self._phase] / 1000 * (part - start) * pace(),
            lambda share: self._tell({"fraction": self._fraction(start + share * (part - start))}),
        )
        self._part = part
        self.say(message, **detail)

    def _fraction(self, part: float) -> float:
        return self._phases.share(self._phase, part, self._edits)
