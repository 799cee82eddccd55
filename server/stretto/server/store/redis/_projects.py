"""All projects, and which of them have something in an index: few have, of the thousands that there may be."""

from stretto.server.store.redis._keys import PROJECTS, prefix_of
from stretto.server.store.redis._link import Call, Link

TOGETHER = 1_000
"""Projects that one call asks for, so that others do not wait for long behind it."""


def with_some(link: Link, *indexes: str, upto: str = "") -> list[str]:
    """The projects that have anything in one of the indexes, in order; or entries up to a score."""
    names = _all(link)
    return [name for name, counts in zip(names, _counts(link, names, indexes, upto), strict=True) if any(counts)]


def sizes(link: Link, *indexes: str) -> list[int]:
    """How many entries each of the indexes has in all projects."""
    counts = _counts(link, _all(link), indexes, "+inf")
    return [sum(of_project[place] for of_project in counts) for place in range(len(indexes))]


def _all(link: Link) -> list[str]:
    return sorted(name.decode() for name in link.command("SMEMBERS", PROJECTS))


def _counts(link: Link, names: list[str], indexes: tuple[str, ...], upto: str) -> list[list[int]]:
    """For each project what each of the indexes has: entries up to a score, or whether there is one at all."""
    parts = [names[start : start + TOGETHER] for start in range(0, len(names), TOGETHER)]
    calls = [Call("counts", PROJECTS, (upto, len(indexes), *indexes, *map(prefix_of, part))) for part in parts]
    return [counts for answer in link.ask_all(calls) for counts in answer]
