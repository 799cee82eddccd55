"""Orders to stop workflows."""

from collections.abc import Sequence
from typing import Final

from stretto.orchestrator.brief import Brief, KnownWorkflow
from stretto.orchestrator.plan import Plan
from stretto.orchestrator.understanding._offline.asking import joined
from stretto.orchestrator.understanding._offline.ranking import Index
from stretto.orchestrator.understanding._offline.selecting import label_of, means_all, select, title_of
from stretto.orchestrator.understanding._offline.stems import stem, stems
from stretto.orchestrator.understanding._offline.text import Text, parts_of, read

__all__ = ["cancel"]

_POINTING: Final = stems(
    "it that this them one workflow job task run process everything all both please now the my running current latest "
    "immediately"
)


def cancel(brief: Brief, index: Index, what: str) -> Plan:
    """Stop the workflows that the words mean, or ask which."""
    live = [workflow for workflow in brief.workflows if not workflow.ended]
    if not live:
        return Plan(kind="answer")
    text = read(what)
    chosen = _chosen(text, live, index)
    if len(chosen) == 1 or means_all(text):
        return Plan(kind="cancel", cancels=tuple(each.workflow_id for each in chosen or live))
    if not chosen:
        running = joined(label_of(each, live) for each in live)
        return Plan(kind="ask_back", text=f"That is not running. What runs is {running}. Shall I stop that?")
    return Plan(kind="ask_back", text=f"Which shall I stop: {joined((label_of(each, live) for each in chosen), 'or')}?")


def _chosen(text: Text, live: Sequence[KnownWorkflow], index: Index) -> list[KnownWorkflow]:
    """The workflows that are meant; all that run, when the words only point."""
    if not any(token.content and token.stem not in _POINTING for token in text.tokens) and not _counts(text):
        return list(live)
    words = [
        title_of(each.workflow_type) | frozenset(stem(p) for phase in each.phases for p in parts_of(phase))
        for each in live
    ]
    if picked := select(text, live, words):
        return picked
    meant = {each.known.type.name for each in index.meant(text)[:1]}
    by_id = [each for each in live if each.workflow_id[-6:] in text.raw]
    return by_id or [each for each in live if each.workflow_type in meant]


def _counts(text: Text) -> bool:
    return bool({"first", "second", "third", "last"} & set(text.words)) or any(token.number for token in text.tokens)
