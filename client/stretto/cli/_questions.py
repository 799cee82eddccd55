"""Open questions, as people see them."""

from collections.abc import Iterable

from google.protobuf.json_format import MessageToDict
from rich.text import Text

from stretto.cli._contract import DYNAMIC
from stretto.cli._json import whole
from stretto.cli._output import Output, clean
from stretto.cli._tables import cell, indented
from stretto.cli._words import ago, short
from stretto.workflow.v1.workflow_pb2 import Interrupt

__all__ = ["ask_text", "question_of", "show_questions"]


def show_questions(out: Output, interrupts: Iterable[Interrupt], *, numbered: bool = False) -> None:
    """Print each question with its id, who asks, and what an answer must be."""
    for number, interrupt in enumerate(interrupts, 1):
        head = Text.assemble(
            f"{number}) " if numbered else "",
            (interrupt.interrupt_id, "bold"),
            "  at ",
            cell(interrupt.step),
            f"  {ago(interrupt.raised_at)}",
        )
        out.show(indented(head))
        out.show(indented(Text(clean(question_of(interrupt)), style="yellow"), depth=2))
        if interrupt.decision_type not in DYNAMIC:
            out.show(indented(Text(f"wants {interrupt.decision_type}", style="dim"), depth=2))


def question_of(interrupt: Interrupt) -> str:
    """What is asked: a text, the fields of an object, or other JSON."""
    question = whole(MessageToDict(interrupt.question))
    if isinstance(question, dict):
        return "\n".join(f"{name}: {short(value)}" for name, value in question.items())
    return short(question)


def ask_text(workflow_id: str, again: str) -> str:
    """The command that answers."""
    return f"stretto decide {workflow_id}{again}"
