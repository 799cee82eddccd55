"""`stretto describe TYPE`."""

import json
import shlex
from collections.abc import Iterator
from typing import Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from stretto.catalog.v1.workflow_type_pb2 import Contract, RetryPolicy, StepType, WorkflowType
from stretto.cli._contract import DYNAMIC, Messages, rows, skeleton
from stretto.cli._json import plain, readable
from stretto.cli._options import COMMON, Common
from stretto.cli._output import Output
from stretto.cli._rules import sentences
from stretto.cli._tables import cell, indented, pairs, table
from stretto.cli._words import length
from stretto.client import Client

_ANY_JSON = "any JSON"


async def describe(
    name: Annotated[str, Parameter(name="TYPE", help="Name of a workflow type; `stretto types` lists them.")],
    /,
    *,
    mermaid: Annotated[bool, Parameter(help="Print only the drawing of the graph, in Mermaid's language.")] = False,
    common: Common = COMMON,
) -> None:
    """Show a workflow type: its messages, steps, policies and examples.

    The examples are commands to paste. With --json: one document, without the descriptors' bytes.
    """
    async with common.connected(name) as (client, out):
        found = await client.describe(name)
        if mermaid:
            out.raw(found.mermaid)
            out.document({"mermaid": found.mermaid})
            return
        examples = [(example.title, await client.decode(example.input)) for example in found.examples]
        out.document(await _document(found, client))
    out.show(Text.assemble((found.name, "bold"), f"  version {found.version}"))
    if found.description:
        out.show(cell(found.description))
    _show_contract(out, found.contract)
    _show_steps(out, found)
    _show_examples(out, found, examples, common.again)


async def _document(found: WorkflowType, client: Client) -> dict[str, Any]:
    document = await readable(found, client)
    document["contract"].pop("file_descriptor_set", None)
    return document


def _show_contract(out: Output, contract: Contract) -> None:
    messages = Messages(contract)
    for title, full_name in _messages(contract):
        _heading(out, title, _ANY_JSON if full_name in DYNAMIC else full_name)
        message = messages.find(full_name)
        if message is None:
            continue
        shown = table("field", "type", "rules", gives_way="rules", head=False)
        for row in rows(message):
            shown.add_row("  " * row.depth + row.name, cell(row.type, "cyan"), cell(row.hints, "dim"))
        out.show(indented(shown))
        for sentence in sentences(message):
            out.show(indented(cell(sentence, "dim")))


def _messages(contract: Contract) -> Iterator[tuple[str, str]]:
    """What goes in and comes out, each with its title; what anything will do for is said for the first two only."""
    yield "Input", contract.input_type
    yield "Result", contract.result_type
    if contract.progress_type not in DYNAMIC:
        yield "Progress", contract.progress_type
    if contract.decision_type not in DYNAMIC:
        yield "Decision", contract.decision_type
    for step, full_name in sorted(contract.decision_types.items()):
        yield f"Decision at {step}", full_name


def _show_steps(out: Output, found: WorkflowType) -> None:
    if found.steps:
        _heading(out, "Steps")
        out.show(pairs((one.step, _policies(one)) for one in found.steps))
    policies = []
    if found.policies.HasField("total_timeout"):
        policies.append(("ends within", length(found.policies.total_timeout)))
    if found.policies.concurrency_max:
        policies.append(("runs at once", f"at most {found.policies.concurrency_max} on one server"))
    if policies:
        _heading(out, "Policies")
        out.show(pairs(policies))


def _policies(step: StepType) -> str:
    parts = [_retry(policy) for policy in step.retry_policies]
    if step.HasField("timeout"):
        parts.append(f"an attempt takes at most {length(step.timeout)}")
    return "; ".join(parts) or "no retries"


def _retry(policy: RetryPolicy) -> str:
    on = f" on {', '.join(policy.retry_on)}" if policy.retry_on else ""
    factor = f", each x{policy.backoff_factor:g}" if policy.backoff_factor != 1 else ""
    most = f", at most {length(policy.interval_max)}" if policy.HasField("interval_max") else ""
    return f"up to {policy.attempts_max} attempts{on}, after {length(policy.initial_interval)}{factor}{most}"


def _show_examples(out: Output, found: WorkflowType, examples: list[tuple[str, Any]], again: str) -> None:
    _heading(out, "Examples" if examples else "To start one")
    for title, value in examples or [("", _first_input(found.contract))]:
        if title:
            out.show(Text(f"  # {' '.join(title.split())}", style="dim"))
        given = shlex.quote(json.dumps(plain(value, defaults=False), ensure_ascii=False))
        out.show(f"  stretto start {found.name} {given}{again}")


def _first_input(contract: Contract) -> dict[str, Any]:
    """An input to write one's own from, where the author gave no example."""
    message = Messages(contract).find(contract.input_type)
    return {} if message is None else skeleton(message)


def _heading(out: Output, title: str, more: str = "") -> None:
    out.show("", Text.assemble((title, "bold"), f"  {more}" if more else ""))
