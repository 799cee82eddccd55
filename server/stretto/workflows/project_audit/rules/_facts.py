"""Facts of a project that are a risk wherever they stand: ground, neighbours, season, what is there already."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stretto.workflows.project_audit.answers import Risk, RiskSeverity
from stretto.workflows.project_audit.rules._project import Project
from stretto.workflows.project_audit.rules._words import number, plain, says

DEPTH_METRES_MAX: Final = 4
"""From there on a pit needs shoring that somebody designs."""
LOW, MEDIUM, HIGH = RiskSeverity.LOW, RiskSeverity.MEDIUM, RiskSeverity.HIGH
_DEPTH: Final = re.compile(
    r"(?<![\w.,])([0-9]{1,3}(?:[.,][0-9]{1,2})?) ?m(?:etres|eters)? (?:deep|tief)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Fact:
    """Words of a fact, and the risk that it is."""

    stems: tuple[str, ...]
    severity: RiskSeverity
    title: str
    explanation: str
    measure: str


_DEEP: Final = Fact(
    (" deep excavation", " deep pit", "tiefe baugrube", "tiefen baugrube"),
    HIGH,
    "Deep excavation",
    "A deep pit can fail, and move the ground around it.",
    "Have the shoring designed and checked, and monitor movements.",
)
FACTS: Final = (
    Fact(
        (" groundwater", " ground water", " high water table", "grundwasser"),
        MEDIUM,
        "Groundwater",
        "Groundwater can flood the pit, lift the structure and attack its concrete.",
        "Have levels and chemistry surveyed; plan dewatering, uplift and waterproofing.",
    ),
    _DEEP,
    Fact(
        ("asbest",),
        HIGH,
        "Asbestos",
        "Asbestos endangers everybody on the site, and stops the work when it is found late.",
        "Have a survey made and a licensed contractor remove it first.",
    ),
    Fact(
        (" contaminated", " contamination", "kontaminiert", "altlast"),
        HIGH,
        "Contaminated soil",
        "Contaminated soil costs more to dispose of, and needs permits.",
        "Have the soil sampled and classified, and agree on who pays.",
    ),
    Fact(
        (" underpin", "unterfang"),
        HIGH,
        "Underpinning",
        "Underpinning can make the structure above settle or crack.",
        "Design it in short sections, record the present state, and monitor settlements.",
    ),
    Fact(
        (" unexploded", " uxo ", "kampfmittel"),
        HIGH,
        "Unexploded ordnance",
        "Ordnance in the ground endangers lives and stops the work.",
        "Have the ground cleared before anybody digs.",
    ),
    Fact(
        (
            " existing building",
            " existing structure",
            " refurbish",
            " conversion of",
            "bestandsgebaeude",
            "bestand ",
            "umbau",
        ),
        MEDIUM,
        "Existing structure",
        "What is there differs from its drawings more often than not.",
        "Survey the structure and open it up where loads change.",
    ),
    Fact(
        (
            " neighbouring",
            " neighboring",
            " adjacent building",
            " adjoining",
            " party wall",
            "nachbargebaeude",
            "nachbarbebau",
        ),
        MEDIUM,
        "Neighbouring building",
        "Vibration and settlement can damage what stands beside the site.",
        "Record the neighbour's state before work begins, and monitor it.",
    ),
    Fact(
        (" heritage", " listed building", " monument", "denkmal"),
        MEDIUM,
        "Heritage",
        "Protected fabric needs consents, which take time and forbid some methods.",
        "Agree on methods with the authority before tendering.",
    ),
    Fact(
        (" winter ", " winterbau", " frost period", " freezing weather"),
        MEDIUM,
        "Winter",
        "Concrete that is placed in winter can freeze while it is fresh, and loses its strength then.",
        "Plan heating, curing and breaks in frost where work goes on, and price them.",
    ),
    Fact(
        (
            " tight schedule",
            " tight programme",
            " tight deadline",
            " short deadline",
            " fast track",
            " enger zeitplan",
            " engen zeitplan",
            " termindruck",
            " kurze bauzeit",
        ),
        MEDIUM,
        "Tight schedule",
        "A tight schedule leaves no time for curing, tests and corrections.",
        "Have the critical path checked, and agree on buffers.",
    ),
    Fact(
        (" flood ", " floods ", " flooding", " flood plain", "hochwasser", "ueberschwemm"),
        MEDIUM,
        "Flooding",
        "A flood damages the site and what is built below its level.",
        "Set levels above the design flood, and make a plan for an alarm.",
    ),
    Fact(
        (" steep slope", " landslide", " hillside", "hanglage", "hangrutsch"),
        MEDIUM,
        "Slope",
        "A slope that is cut into can slide.",
        "Have its stability checked for all stages of the work.",
    ),
    Fact(
        (" service life", " working life", " design life", "nutzungsdauer"),
        MEDIUM,
        "Service life",
        "Strength and cover were checked for 50 years; a longer life needs more cover.",
        "Have the structural class of EN 1992-1-1 told, and the cover that it needs.",
    ),
)

_CHLORIDES: Final = (
    (
        (" coast", " marine ", " seawater", " sea water", " offshore", " quay", "kueste", "meerwasser"),
        "XS",
        "Coast without an XS class",
        "Salt from the sea corrodes reinforcement, and no XS class is specified.",
    ),
    (
        (
            " de icing",
            " deicing",
            " road salt",
            "tausalz",
            "tausalzen",
            " parking",
            " car park",
            "parkhaus",
            "tiefgarage",
        ),
        "XD",
        "De-icing salt without an XD class",
        "De-icing salt corrodes reinforcement, and no XD class is specified.",
    ),
)


def facts_in(project: Project, exposures: frozenset[str]) -> Iterator[Risk]:
    """The risks that a project's words tell of; salt is one unless an exposure class deals with it."""
    for fact in FACTS:
        if says(project.words, fact.stems):
            yield _risk(fact)
    if any(number(metres) >= DEPTH_METRES_MAX for metres in _DEPTH.findall(plain(project.description))):
        yield _risk(_DEEP)
    for stems, family, title, explanation in _CHLORIDES:
        if says(project.words, stems) and not any(name.startswith(family) for name in exposures):
            measure = f"Specify the {family} class, and the strength and cover that it needs."
            yield Risk(severity=HIGH, title=title, explanation=explanation, measure=measure)


def _risk(fact: Fact) -> Risk:
    return Risk(severity=fact.severity, title=fact.title, explanation=fact.explanation, measure=fact.measure)
