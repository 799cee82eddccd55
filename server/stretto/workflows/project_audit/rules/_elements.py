"""Elements of a structure: the words that name them, and the exposure classes that are usual where they stand."""

from dataclasses import dataclass
from typing import Final

from stretto.workflows.project_audit.rules._words import mentions, says


@dataclass(frozen=True, slots=True)
class Element:
    """An element. `usual` is empty where its exposure depends on what is around it."""

    name: str
    stems: tuple[str, ...]
    usual: str = ""


ELEMENTS: Final = (
    Element(
        "parking deck",
        (" parking", " car park", " garage", "parkdeck", "parkhaus", "tiefgarage"),
        "XC4 and XD3, outdoors also XF4",
    ),
    Element("bridge", (" bridge", "bruecke"), "XC4, XD1 and XF2, and where salt is splashed XD3 and XF4"),
    Element("swimming pool", (" swimming pool", " pool", "schwimmbecken", "schwimmbad"), "XC4 and XD2"),
    Element(
        "structure at the sea",
        (" quay", " jetty", " sea wall", " seawall", " marine ", " coast", " harbour", "kaimauer", "kueste", " hafen"),
        "XC4 and one of XS1 to XS3",
    ),
    Element("retaining wall", (" retaining wall", "stuetzmauer", "stuetzwand", "winkelstuetz"), "XC4 and XF1"),
    Element("pile", (" pile ", " piles ", " piling", "pfahl", "pfaehl"), "XC2, in aggressive ground also XA1 to XA3"),
    Element(
        "foundation",
        (
            " foundation",
            " footing",
            " base slab",
            " ground slab",
            " raft ",
            " pile cap",
            "fundament",
            "bodenplatte",
            "gruendung",
        ),
        "XC2, in aggressive ground also XA1 to XA3",
    ),
    Element("balcony", (" balcon", "balkon", " terrace", "terrasse"), "XC4 and XF1"),
    Element(
        "outdoor element",
        (" facade", " outdoor", " external wall", " exterior", " outside", "fassade", " aussen"),
        "XC4 and XF1",
    ),
    Element("slab", (" slab", "decke", "platte")),
    Element("wall", (" wall", "wand ", "waende")),
    Element("column", (" column", "stuetze", " pillar")),
    Element("beam", (" beam", "balken ", "unterzug", "unterzueg")),
    Element("stairs", (" stair", "treppe")),
    Element("roof", (" roof", "dach ")),
)
USUAL: Final = {element.name: element.usual for element in ELEMENTS}


def elements_in(words: str) -> frozenset[str]:
    """The elements that a text is about. Where one says how exposed it is, as in `parking slab`, only such count."""
    found = [element for element in ELEMENTS if mentions(words, element.stems)]
    return frozenset(each.name for each in [each for each in found if each.usual] or found)


def exposed_in(words: str) -> list[str]:
    """The elements with a usual exposure that a description says there will be."""
    return [element.name for element in ELEMENTS if element.usual and says(words, element.stems)]
