"""What is printed in the end: who is left, the figures of this run, and what was not as it should be."""

from rich.console import Group
from rich.text import Text

from examples.demo_cluster.members import LEASE_SECONDS
from examples.demo_cluster.play import Findings
from stretto.cli._members import member_table, standing

TAKEOVER_SECONDS_MAX = LEASE_SECONDS + 5.0
"""What is promised. A machine that has much else to do may miss it, which loses nothing."""


def closing(found: Findings) -> Group:
    """The members that are listed in the end, and the figures."""
    return Group(member_table(found.members), Text(), *map(Text, _sentences(found)))


def faults(found: Findings) -> list[str]:
    """What was lost, doubled or not seen; nothing when all is well. How fast it was does not count."""
    counts = {
        "workflows not listed": len(found.verdicts) - found.listed,
        "workflows that did not complete": sum(verdict.end != "completed" for verdict in found.verdicts),
        "events missed": sum(verdict.missed for verdict in found.verdicts),
        "events seen twice": sum(verdict.surplus for verdict in found.verdicts),
        "workflows to take over that nobody took over": int(not found.takeovers),
        "watches to move that did not move": int(not found.moves),
        "drained workers that did not end with 0": int(found.drain_exit != 0),
        "members that should be silent and are not": abs(_silent(found) - 2),
    }
    return [f"{count} {what}" for what, count in counts.items() if count]


def _silent(found: Findings) -> int:
    return sum(standing(member) == "silent" for member in found.members)


def _sentences(found: Findings) -> list[str]:
    verdicts, longest = found.verdicts, max(found.takeovers, default=0.0)
    ended = sum(verdict.end == "completed" for verdict in verdicts)
    events = sum(verdict.events for verdict in verdicts)
    missed, twice = sum(verdict.missed for verdict in verdicts), sum(verdict.surplus for verdict in verdicts)
    met = "met" if longest <= TAKEOVER_SECONDS_MAX else "missed"
    return [
        f"{len(verdicts)} workflows were acknowledged, {found.listed} are in the store, {ended} completed.",
        f"{events} events were compared byte for byte: {missed} missed, {twice} seen twice.",
        f"The worker's death: {len(found.takeovers)} steps were begun again elsewhere.",
        f"The last one was after {longest:.1f} s, the target of {TAKEOVER_SECONDS_MAX:g} s was {met}.",
        f"The server's death: {found.moves} watches moved, and were back after {found.back_seconds:.1f} s.",
        f"The drain: {found.drain_seconds:.1f} s, exit code {found.drain_exit}.",
        f"Memory: {_mebibytes(found.server_bytes)} for a server, {_mebibytes(found.worker_bytes)} for a worker.",
    ]


def _mebibytes(count: int) -> str:
    return f"{count / (1 << 20):.0f} MiB"
