"""Topics: what a description can mention, and the words of a position that deals with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stretto.workflows.project_audit.rules._project import Project
from stretto.workflows.project_audit.rules._words import mentions, says, words_of


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that a description mentions; a position deals with it by the same words or by others."""

    name: str
    stems: tuple[str, ...]
    others: tuple[str, ...] = ()


TOPICS: Final = (
    Topic(
        "a basement",
        (" basement", " cellar", "keller", "untergeschoss"),
        (" excavat", "aushub", "baugrube", "waterproof"),
    ),
    Topic("piles", (" pile ", " piles ", " piling", " piled", "pfahl", "pfaehl")),
    Topic("groundwater", (" groundwater", " ground water", "grundwasser"), (" dewater", "wasserhaltung", " pump")),
    Topic("a facade", (" facade", "fassade"), (" cladding", " curtain wall", " wdvs", " render", "aussenputz")),
    Topic("a roof", (" roof", "dach"), ()),
    Topic("a lift", (" lift ", " lifts ", " elevator", "aufzug", "aufzueg")),
    Topic("a retaining wall", (" retaining wall", "stuetzmauer", "stuetzwand"), ("winkelstuetz",)),
    Topic("demolition", (" demolition", " demolish", "abbruch", "abriss"), (" break out", " strip out", "rueckbau")),
    Topic("balconies", (" balcon", "balkon")),
    Topic("stairs", (" stair", "treppe")),
    Topic("underpinning", (" underpin", "unterfang")),
    Topic("asbestos", ("asbest",), (" hazardous", "schadstoff")),
    Topic("contaminated soil", (" contaminated", "kontaminiert", "altlast"), (" disposal", "entsorg", "deponie")),
)


def topics_without_position(project: Project) -> Iterator[str]:
    """What the description mentions and no position deals with, where there are positions at all."""
    if not project.positions:
        return
    described, billed = words_of(project.description), "".join(position.words for position in project.positions)
    for topic in TOPICS:
        if says(described, topic.stems) and not mentions(billed, (*topic.stems, *topic.others)):
            yield topic.name
