"""`stretto decide ID [DECISION]`."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter
from google.protobuf.descriptor import Descriptor
from rich.text import Text

from stretto.cli._arguments import RequestId, WorkflowId
from stretto.cli._ask import Asker
from stretto.cli._contract import Messages
from stretto.cli._exits import CommandError, Exit
from stretto.cli._input import json_of
from stretto.cli._json import plain, readable
from stretto.cli._options import COMMON, Common
from stretto.cli._output import Output, clean
from stretto.cli._questions import question_of, show_questions
from stretto.cli._tables import cell
from stretto.cli._words import short, status
from stretto.workflow.v1.workflow_pb2 import Interrupt


@dataclass(frozen=True, slots=True)
class _Question:
    """An open question, and the message that an answer must be, if it must be one."""

    interrupt: Interrupt
    wanted: Descriptor | None


def decide(
    workflow_id: WorkflowId,
    decision: Annotated[
        str,
        Parameter(help="The decision as JSON, @FILE, or - for stdin. Left out, it is asked for in the terminal."),
    ] = "",
    /,
    *,
    interrupt: Annotated[str, Parameter(help="Which question, by its id, where several are open.")] = "",
    request_id: RequestId = "",
    common: Common = COMMON,
) -> None:
    """Answer a question that a workflow asks.

    Without DECISION the question is shown, and the answer asked for, field by field where the contract has a message
    for it. A question is decided once: the same answer again is fine, another one is refused. With --json: the
    decided interrupt.
    """
    if decision:
        value = json_of(decision, "DECISION")
        interrupt = interrupt or asyncio.run(_only(common, workflow_id))
        asyncio.run(_send(common, workflow_id, interrupt, value, request_id))
        return
    # Nothing is connected while a person thinks, which may take long; and Ctrl-C must end `input` at once.
    questions = asyncio.run(_questions(common, workflow_id, interrupt))
    if not sys.stdin.isatty():
        raise _refusal(common.output(), workflow_id, questions, "the decision is missing")
    _answer(common, workflow_id, questions, request_id)


async def _only(common: Common, workflow_id: str) -> str:
    """The id of the one open question."""
    questions = await _questions(common, workflow_id, "")
    if len(questions) > 1:
        raise _refusal(common.output(), workflow_id, questions, f"{workflow_id} asks {len(questions)} questions")
    return questions[0].interrupt.interrupt_id


async def _questions(common: Common, workflow_id: str, interrupt_id: str) -> list[_Question]:
    """The open questions, or the one that is asked for."""
    async with common.connected() as (client, _):
        state = await client.handle(workflow_id).state(snapshot=False)
        found = [one for one in state.pending_interrupts if interrupt_id in {"", one.interrupt_id}]
        if not found:
            what = f"does not ask {interrupt_id} now" if interrupt_id else "asks nothing now"
            code = Exit.NOT_FOUND if interrupt_id else Exit.REFUSED
            raise CommandError(f"{workflow_id} {what}; it is {status(state.workflow.status)}", code)
        contract = (await client.describe(state.workflow.workflow_type)).contract
    messages = Messages(contract)
    return [_Question(one, messages.find(one.decision_type)) for one in found]


def _refusal(out: Output, workflow_id: str, questions: Sequence[_Question], what: str) -> CommandError:
    """What is asked, and how to answer it from a script."""
    if not out.json:
        show_questions(out.aside(), [question.interrupt for question in questions])
    ids = [question.interrupt.interrupt_id for question in questions]
    which = f" --interrupt {ids[0]}" if len(ids) > 1 else ""
    text = f"{what}; say: stretto decide {workflow_id} DECISION{which}"
    return CommandError(text, workflow_id=workflow_id, interrupts=ids)


def _answer(common: Common, workflow_id: str, questions: Sequence[_Question], request_id: str) -> None:
    """Ask, send, and ask again as long as the server finds fields wrong."""
    out = common.output().aside()
    asker = Asker(_reader(out), lambda text: out.show(f"  {text}", style="red"))
    several = len(questions) > 1
    show_questions(out, [question.interrupt for question in questions], numbered=several)
    chosen = questions[asker.choose(len(questions)) if several else 0]
    while True:
        value = asker.anything() if chosen.wanted is None else asker.message(chosen.wanted)
        try:
            return asyncio.run(_send(common, workflow_id, chosen.interrupt.interrupt_id, value, request_id))
        except CommandError as error:
            if error.code is not Exit.USAGE:
                raise
            out.fail(error)


def _reader(out: Output) -> Callable[[str], str]:
    def read(prompt: str) -> str:
        out.console.print(f"  {clean(prompt)} ", style="bold", end="", soft_wrap=True)
        try:
            return input()
        except EOFError:
            raise CommandError("no answer was given; nothing is decided", Exit.USAGE) from None

    return read


async def _send(common: Common, workflow_id: str, interrupt_id: str, value: Any, request_id: str) -> None:
    async with common.connected() as (client, out):
        handle = client.handle(workflow_id)
        decided = await handle.decide(value, interrupt_id=interrupt_id, request_id=request_id or None)
        out.document(await readable(decided, client))
        said = short(plain(await client.decode(decided.decision)))
    out.show(Text.assemble("Decided: ", cell(question_of(decided)), " → ", cell(said, "bold")))
