"""The commands: the one list that help, the command line, completion and the reference are made from."""

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["COMMANDS", "GROUPS", "Command", "find"]

GROUPS: Final = ("Look around", "Run workflows", "Serve and build", "Operate", "Help")


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its name, its line in the help, where its function is, and the extra that it needs.

    `native` commands get the rest of the command line as it is and read it themselves.
    """

    name: str
    help: str
    group: str
    needs: Literal["cli", "server", "cluster"] = "cli"
    target: str = ""
    native: bool = False

    @property
    def path(self) -> str:
        """Where its function is, as module:name."""
        return self.target or f"stretto.cli.commands.{self.name}:{self.name}"


def _commands(group: str, *commands: tuple[str, str]) -> tuple[Command, ...]:
    return tuple(Command(name, text, group) for name, text in commands)


COMMANDS: Final = (
    *_commands(
        "Look around",
        ("types", "List what can be started."),
        ("describe", "Show a workflow type: its messages, steps, policies and examples."),
        ("graph", "Draw a workflow type's graph, or where a workflow stands in it."),
        ("list", "List workflows, newest first."),
        ("state", "Show where a workflow stands, and its open questions."),
        ("history", "Print a workflow's journal, or its checkpoints."),
        ("sessions", "List sessions, show one, or delete it."),
    ),
    *_commands(
        "Run workflows",
        ("chat", "Talk to your workflows: start, ask, decide and cancel in your own words."),
        ("start", "Start a workflow."),
        ("watch", "Follow a workflow live until it ends."),
        ("decide", "Answer a question that a workflow asks."),
        ("cancel", "Cancel a workflow."),
        ("retry", "Go on with a failed workflow from its last checkpoint."),
        ("fork", "Go on from any checkpoint of a workflow, with other values."),
    ),
    Command(
        "serve",
        "Serve workflow types: stretto serve MODULE:NAME ...",
        "Serve and build",
        "server",
        "stretto.server.__main__:main",
        native=True,
    ),
    Command(
        "worker",
        "Run workflows for servers that share a store: stretto worker MODULE:NAME ...",
        "Serve and build",
        "cluster",
        "stretto.server.__main__:worker",
        native=True,
    ),
    *_commands(
        "Serve and build",
        ("init", "Make a new project with a workflow, a contract and a test."),
        ("compile", "Write Python classes for the messages of your .proto files."),
    ),
    *_commands(
        "Operate",
        ("doctor", "Check this installation and a server, and say what is wrong."),
        ("members", "List the servers and workers that share the store."),
        ("drain", "Have a server or worker finish its steps and end."),
    ),
    *_commands("Help", ("completion", "Print a completion script for bash, zsh or fish.")),
)


def find(name: str) -> Command | None:
    """The command of a name."""
    return next((command for command in COMMANDS if command.name == name), None)
