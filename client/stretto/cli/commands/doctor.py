"""`stretto doctor`."""

from typing import Any, Final

from rich.text import Text

from stretto.cli._doctor import Finding, Verdict, examine, installation
from stretto.cli._exits import Exit
from stretto.cli._options import COMMON, Common
from stretto.cli._output import Output, clean

_SIGNS: Final = {Verdict.OK: ("✓", "green"), Verdict.WARN: ("!", "bold yellow"), Verdict.BAD: ("✗", "bold red")}

_NAME_CELLS: Final = 14

_WAY: Final = frozenset({"address", "connection", "protocol", "answer"})
"""Checks after which, when they are bad, the server counts as out of reach."""


async def doctor(*, common: Common = COMMON) -> Exit:
    """Check this installation and a server, or each of several, and say what is wrong.

    Looks at the way to the server, its health, version and clock, its store, executors, queue and watchers, and
    measures how long an echo and a durable commit take. With --json: one document. The exit code is 0 when nothing
    is bad, 6 when the server is out of reach, and 1 when something else is bad.
    """
    out = common.output()
    metadata = (("authorization", f"Bearer {common.token}"),) if common.token else ()
    found = [("", installation())]
    for number, server in enumerate(common.servers):
        out.show(*[""] * bool(number), Text.assemble("Server ", (server, "bold")), "")
        if not number:
            _show(out, found[0][1])
        async for finding in examine(server, tls=common.tls, metadata=metadata, seconds=common.timeout):
            found.append((server, finding))
            _show(out, finding)
    findings = [finding for _, finding in found]
    out.document(_document(common.server, found))
    out.show("", _sum(findings))
    return _exit(findings)


def _show(out: Output, finding: Finding) -> None:
    sign, colour = _SIGNS[finding.verdict]
    line = Text.assemble((f"{sign} ", colour), (finding.check.ljust(_NAME_CELLS), "bold"), clean(finding.measured))
    out.show(line)
    if finding.advice:
        out.show(Text(" " * (_NAME_CELLS + 2) + f"→ {finding.advice}", colour))


def _sum(findings: list[Finding]) -> Text:
    bad = sum(finding.verdict is Verdict.BAD for finding in findings)
    warned = sum(finding.verdict is Verdict.WARN for finding in findings)
    if bad:
        return Text(f"{bad} bad" + f", {warned} to look at" * bool(warned) + ".", "bold red")
    return Text(f"{warned} to look at, nothing bad.", "bold yellow") if warned else Text("All is well.", "bold green")


def _exit(findings: list[Finding]) -> Exit:
    bad = {finding.check for finding in findings if finding.verdict is Verdict.BAD}
    if bad & _WAY:
        return Exit.UNREACHABLE
    return Exit.FAULT if bad else Exit.OK


def _document(asked: str, found: list[tuple[str, Finding]]) -> dict[str, Any]:
    """Each finding with its server, which is empty for what holds for all."""
    return {
        "server": asked,
        "exit": _exit([finding for _, finding in found]).name,
        "findings": [
            {
                "server": server,
                "check": finding.check,
                "verdict": finding.verdict.value,
                "measured": finding.measured,
                "advice": finding.advice,
                "values": dict(finding.values),
            }
            for server, finding in found
        ],
    }
