"""What is printed when the play is over: the figures of this run, and what to try next."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from examples.demo.moments import ENDS, Conversation, Moment
from examples.demo.play import Outcome
from examples.demo.story import Verdict
from stretto.cli._tables import table

NEXT = """
Try next. In one terminal, a server with these workflows:

  make run

In another one:

  .venv/bin/stretto types
  .venv/bin/stretto start digest '{"text": "One. Two. Three."}' --watch
  .venv/bin/stretto start refund '{"order": "A-1701", "cents": 4200}'
  .venv/bin/stretto decide ID '{"approved": true}'    # the id that start told
  .venv/bin/stretto watch ID
  .venv/bin/stretto graph refund
  .venv/bin/stretto start refund '{"order": "17"}'    # refused at the door
  .venv/bin/stretto doctor

Or stop that server, and talk:

  .venv/bin/stretto serve --pace 1 stretto.workflows:app
  .venv/bin/stretto chat
  .venv/bin/stretto start project_audit '{"description": "A pool"}' --watch"""


def closing(outcome: Outcome) -> Group:
    """The figures of this run."""
    return Group(_table(outcome.verdicts), Text(), *_sentences(outcome))


def closing_words(told: Conversation) -> Group:
    """The figures of the conversation."""
    return Group(_timeline(told.moments), Text(), *_facts(told))


def _timeline(moments: list[Moment]) -> Table:
    """When each moment came, beside when it should have."""
    made = table("target", "came", "", "what", gives_way="what")
    for column in made.columns[:2]:
        column.justify = "right"
    for moment in moments:
        target = "" if moment.target is None else f"{moment.target:.2f} s"
        mark = Text() if moment.target is None else Text("missed", "bold red") if moment.late else Text("met", "green")
        made.add_row(target, f"{moment.seconds:.2f} s", mark, moment.what)
    return made


def _facts(told: Conversation) -> list[Text]:
    ends = ", ".join(f"{name} {told.ends.get(name, 'is missing')}" for name in ENDS)
    plan = told.plan
    return [
        Text(f"The live context was {told.context_ms} ms old when the question had been answered from it."),
        Text(f"The session's workflows: {ends}."),
        Text(f"Approved in the conversation: a {plan.DESCRIPTOR.full_name} of {plan.sessions} sessions."),
        Text(f"{told.events} events were pushed, {told.messages} of them messages, and the session's journal was read"),
        Text(f"again and compared byte for byte: {told.missed} missed, {told.surplus} seen twice."),
    ]


def _table(verdicts: tuple[Verdict, ...]) -> Table:
    """What each watcher lived through."""
    made = table("workflow", "ack", "first event", "took", "events", "seen", "missed", "twice", "breaks")
    for column in made.columns[1:]:
        column.justify = "right"
    for verdict in verdicts:
        story, wrong = verdict.story, "bold red"
        made.add_row(
            Text.assemble(("✓ ", "green") if verdict.good else ("✗ ", wrong), story.name),
            f"{story.acknowledged_ms:.1f} ms",
            f"{story.first_event_ms:.1f} ms",
            f"{story.seconds:.1f} s",
            str(verdict.events),
            str(len(story.seen)),
            Text(str(verdict.missed), wrong if verdict.missed else "bold green"),
            Text(str(verdict.surplus), wrong if verdict.surplus else "bold green"),
            str(story.breaks),
        )
    return made


def _sentences(outcome: Outcome) -> list[Text]:
    verdicts = outcome.verdicts
    good = [verdict for verdict in verdicts if verdict.end == "completed"]
    missed, twice = sum(verdict.missed for verdict in verdicts), sum(verdict.surplus for verdict in verdicts)
    events = sum(verdict.events for verdict in verdicts)
    refund = outcome.refund
    return [
        Text(f"{len(verdicts)} workflows were acknowledged, {len(good)} completed, {outcome.lost} are lost."),
        Text(f"{events} events were compared byte for byte: {missed} missed, {twice} seen twice."),
        Text(f"The server was killed with kill -9, and was back after {outcome.away_seconds:.1f} s."),
        Text(f"The refund ended with a {refund.DESCRIPTOR.full_name}: cents {refund.cents}, reason {refund.reason!r}."),
    ]
