"""What sources that answered have left out, or know nothing of: a sentence each for the report."""

from collections.abc import Iterator
from typing import Final

from stretto.workflows.troubleshooting.diagnosis import sentence
from stretto.workflows.troubleshooting.evidence import KNOWLEDGE, LOGS, METRICS, SOURCES, Case
from stretto.workflows.troubleshooting.sources import Sources

GAPS_MAX: Final = 5
"""Of one source. Whoever sees as many looks at the folder itself."""

_NAMES: Final = {LOGS: "Logs", KNOWLEDGE: "Runbooks"}


def gaps_of(case: Case, sources: Sources) -> tuple[str, ...]:
    """What the answers do not cover."""
    answered = {branch.partition("/")[0] for branch in case.answered}
    told = [gap for name in SOURCES if name in answered for gap in _left_out(name, sources)]
    if METRICS in answered and not case.readings:
        where = case.instance or " or ".join(case.machines)
        told.append(f"The metrics have no readings{f' of {where}' if where else ''}.")
    return tuple(told)


def _left_out(name: str, sources: Sources) -> Iterator[str]:
    tell = sources.left_out.get(name)
    gaps = tell() if tell is not None else ()
    yield from (f"{_NAMES[name]}: {sentence(gap)}" for gap in gaps[:GAPS_MAX])
    if len(gaps) > GAPS_MAX:
        yield f"{_NAMES[name]}: {len(gaps) - GAPS_MAX} more things are left out."
