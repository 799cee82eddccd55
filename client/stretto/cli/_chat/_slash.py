"""What is typed with a slash: commands for what words are too vague for, or too slow."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from stretto.cli._chat._decisions import chosen, decision
from stretto.cli._chat._face import Face
from stretto.cli._chat._story import Story
from stretto.cli._contract import Messages
from stretto.cli._exits import CommandError
from stretto.cli._json import plain
from stretto.cli._sessions import context_table, last_messages, message_lines
from stretto.cli._tables import cell, pairs, table
from stretto.cli._words import age, short, status
from stretto.client import Client, Session

__all__ = ["LEAVE", "Slash"]

LEAVE: Final = frozenset({"/quit", "/exit"})
NOTHING: Final = "nothing was started in this session yet"


@dataclass(frozen=True, slots=True)
class _Command:
    """One command: how it is typed, what it is for, and what does it."""

    usage: str
    help: str
    run: Callable[["Slash", str], Awaitable[None]]


class Slash:
    """Does what is typed with a slash."""

    def __init__(self, client: Client, session: Session, story: Story, face: Face) -> None:
        self._client = client
        self._session = session
        self._story = story
        self._face = face

    async def do(self, line: str) -> None:
        """Do one of them; raises CommandError for what is none, or cannot be done."""
        name, _, rest = line.partition(" ")
        command = _COMMANDS.get(name)
        if command is None:
            raise CommandError(f"there is no {name}; /help shows what there is")
        await command.run(self, rest.strip())

    async def _help(self, _: str) -> None:
        known = [(command.usage, command.help) for command in _COMMANDS.values()]
        await self._face.show(pairs([*known, ("/quit", "Leave, as Ctrl-D does. Workflows go on.")]))

    async def _status(self, _: str) -> None:
        found = await self._session.context()
        if not found.workflows:
            raise CommandError(NOTHING)
        await self._face.show(context_table(found))
        if found.left_out_count:
            await self._face.note(f"{found.left_out_count} more were left out; /workflows shows all")

    async def _workflows(self, _: str) -> None:
        shown = table("workflow", "type", "status", "age")
        async for one in self._client.workflows(session_id=self._session.id):
            shown.add_row(
                cell(one.workflow_id, "bold"), cell(one.workflow_type), status(one.status), cell(age(one.created_at))
            )
        if not shown.row_count:
            raise CommandError(NOTHING)
        await self._face.show(shown)

    async def _decide(self, words: str) -> None:
        asked, answer = chosen(self._story.views.values(), words)
        contract = (await self._client.describe(asked.workflow_type)).contract
        value = decision(answer, Messages(contract).find(asked.interrupt.decision_type))
        handle = self._client.handle(asked.workflow_id)
        decided = await handle.decide(value, interrupt_id=asked.interrupt.interrupt_id)
        said = short(plain(await self._client.decode(decided.decision), defaults=False))
        await self._face.show(Text.assemble(f"Decided {asked.workflow_type}: ", cell(said, "bold")))

    async def _cancel(self, word: str) -> None:
        active = self._story.views.values()
        if not active:
            raise CommandError("nothing runs now")
        meant = [view.workflow_id for view in active if word in {view.workflow_id, view.workflow_type}]
        if len(meant) != 1:
            known = ", ".join(meant) or ", ".join(dict.fromkeys(view.workflow_type for view in active))
            raise CommandError(f"say which: /cancel WORKFLOW ({known})")
        await self._client.handle(meant[0]).cancel("by /cancel in a chat")
        await self._face.show(f"{meant[0]} is being cancelled")

    async def _history(self, _: str) -> None:
        for said in await last_messages(self._session):
            await self._face.show(*message_lines(said))


_COMMANDS: Final = {
    "/help": _Command("/help", "Show this.", Slash._help),  # noqa: SLF001 - The class's own table.
    "/status": _Command("/status", "Show how the workflows are, as the orchestrator reads it.", Slash._status),  # noqa: SLF001
    "/workflows": _Command("/workflows", "List all workflows of this session.", Slash._workflows),  # noqa: SLF001
    "/decide": _Command(
        "/decide [WORKFLOW] yes | no [REASON] | JSON",
        "Answer a question exactly. Where several are open, WORKFLOW says which: an id, or a type.",
        Slash._decide,  # noqa: SLF001
    ),
    "/cancel": _Command("/cancel WORKFLOW", "Cancel a workflow, by its id or its type.", Slash._cancel),  # noqa: SLF001
    "/history": _Command("/history", "Show the last messages again.", Slash._history),  # noqa: SLF001
}
