"""`stretto doctor`."""

from typing import Any, Final

from rich.text import Text

from stretto.cli._doctor import Finding, Verdict, examine
from stretto.cli._exits import Exit
from stretto.cli._options import COMMON, Common
from stretto.cli._output import Output, clean

_SIGNS: Final = {Verdict.OK: ("✓", "green"), Verdict.WARN: ("!", "bold yellow"), Verdict.BAD: ("✗", "bold red")}

_NAME_CELLS: Final = 14

_WAY: Final = frozenset({"address", "connection", "protocol", "answer"})
"""Checks after which, when they are bad, the server counts as out of reach."""


async def doctor(*, common: Common = COMMON) -> Exit:
    """Check this installation and a server, and say what is wrong.

    Looks at the way to the server, its health, version and clock, its store, executors, queue and watchers, and
    measures how long an echo and a durable commit take. With --json: one document. The exit code is 0 when nothing
    is bad, 6 when the server is out of reach, and 1 when something else is bad.
    """
    out = common.output()
    metadata = (("authorization", f"Bearer {common.token}"),) if common.token else ()
    out.show(Text.assemble("Server ", (common.server, "bold")), "")
    findings = []
    async for finding in examine(common.server, tls=common.tls, metadata=metadata, seconds=common.timeout):
        findings.append(finding)
        _show(out, finding)
    out.document(_document(common.server, findings))
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


def _document(server: str, findings: list[Finding]) -> dict[str, Any]:
    return {
        "server": server,
        "exit": _exit(findings).name,
        "findings": [
            {
                "check": finding.check,
                "verdict": finding.verdict.value,
                "measured": finding.measured,
                "advice": finding.advice,
                "values": dict(finding.values),
            }
            for finding in findings
        ],
    }
