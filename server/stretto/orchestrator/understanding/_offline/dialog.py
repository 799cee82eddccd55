"""What was said before in a session, as far as it matters for the message at hand."""

from dataclasses import dataclass
from typing import Final

from stretto.orchestrator.brief import Brief, Said

__all__ = ["Exchange", "exchange_of", "memory_of"]

MEMORY_MAX: Final = 12
"""Earlier messages of the user that are looked through for what the message at hand leaves open."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question back that waits for its answer, and what the user has said to it so far, the newest first."""

    about: str
    said: tuple[str, ...]


def exchange_of(brief: Brief) -> Exchange | None:
    """The question back that the message may answer: the last thing that the assistant said."""
    turns = [said for said in brief.history if said.role != "notice"]
    if not turns or not _asks_back(turns[-1]):
        return None
    about = turns[-1].asks_about
    said: list[str] = []
    place = len(turns) - 1
    types = {"", *(each.name for each in brief.types)}
    # A request for two things is asked back for one after the other; an interrupt's exchange is its own.
    subjects = types if about in types else {about}
    while place >= 1 and _asks_back(turns[place]) and turns[place].asks_about in subjects:
        if turns[place - 1].role != "user":
            break
        said.append(turns[place - 1].text)
        place -= 2
    return Exchange(about, tuple(said))


def memory_of(brief: Brief, exchange: Exchange | None) -> tuple[str, ...]:
    """What the user has said before that exchange, the newest first."""
    mine = [said.text for said in brief.history if said.role == "user"]
    skipped = len(exchange.said) if exchange else 0
    return tuple(reversed(mine[: len(mine) - skipped]))[:MEMORY_MAX]


def _asks_back(said: Said) -> bool:
    return said.role == "assistant" and said.kind == "ask_back"
