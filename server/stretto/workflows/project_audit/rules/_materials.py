"""Materials: which words name them, and the units that they are usually measured in."""

from dataclasses import dataclass
from typing import Final

from stretto.workflows.project_audit.rules._units import Unit

CONCRETE: Final = "concrete"
REINFORCEMENT: Final = "reinforcement"
FORMWORK: Final = "formwork"
MASONRY: Final = "masonry"
INSULATION: Final = "insulation"
STEEL: Final = "structural steel"
TIMBER: Final = "timber"
PIPING: Final = "piping"
OTHER: Final = "other"

PLAIN_CONCRETE: Final = (
    *(" blinding", " lean ", " unreinforced", " plain concrete"),
    *("sauberkeitsschicht", "unbewehrt", "magerbeton"),
)
"""Words of concrete without reinforcement: it needs no cover, and no steel goes with it."""


@dataclass(frozen=True, slots=True)
class Material:
    """A material, its words, and its usual units."""

    name: str
    stems: tuple[str, ...]
    units: tuple[Unit, ...]


MATERIALS: Final = (
    Material(
        CONCRETE,
        ("concrete", "beton", " reinforced concrete", " stahlbeton", " waterproof concrete", " wu beton"),
        (Unit.M3, Unit.M2),
    ),
    Material(
        REINFORCEMENT,
        (
            "reinforcement",
            " reinforcing",
            " rebar",
            " concrete reinforcement",
            "bewehrung",
            "betonstahl",
            "betonstabstahl",
            "betonstahlmatte",
            "baustahlgewebe",
            " stabstahl",
            " b500",
            " bst 500",
        ),
        (Unit.KG,),
    ),
    Material(
        FORMWORK,
        (
            "formwork",
            " shuttering",
            "schalung",
            " concrete formwork",
            " timber formwork",
            "betonschalung",
            "holzschalung",
        ),
        (Unit.M2,),
    ),
    Material(
        MASONRY,
        (
            " masonry",
            " brick",
            " blockwork",
            " concrete block",
            " aerated concrete",
            " clay block",
            "mauerwerk",
            " ziegel",
            " kalksandstein",
            " porenbeton",
            " betonstein",
            " schalungsstein",
        ),
        (Unit.M2, Unit.M3),
    ),
    Material("excavation", ("excavat", " earthwork", " trench", "aushub", "baugrube", " erdarbeit"), (Unit.M3,)),
    Material("backfill", ("backfill", " refill", "verfuell", "hinterfuell", "auffuell"), (Unit.M3,)),
    Material(
        INSULATION,
        ("insulat", "daemm", " eps ", " xps ", " mineral wool", "mineralwolle", " wdvs"),
        (Unit.M2, Unit.M3, Unit.M),
    ),
    Material(
        "waterproofing",
        ("waterproof", " damp proof", " dpc ", " dpm ", " tanking", "abdichtung", " bitumenbahn", " bitumen sheet"),
        (Unit.M2, Unit.M),
    ),
    Material(
        STEEL,
        (
            " structural steel",
            " steelwork",
            " steel beam",
            " steel column",
            " steel frame",
            " steel girder",
            " stahlbau",
            " stahltraeger",
            " stahlkonstruktion",
            " stahlprofil",
            " s235",
            " s355",
            " ipe",
            " heb ",
            " hea ",
        ),
        (Unit.KG,),
    ),
    Material(
        TIMBER,
        (" timber", " wood", " glulam", " plywood", " clt ", "holz", " rafter", " sparren"),
        (Unit.M3, Unit.M2, Unit.M),
    ),
    Material("plaster", ("plaster", " render", " stucco", "putz"), (Unit.M2,)),
    Material("screed", (" screed", "estrich"), (Unit.M2, Unit.M3)),
    Material("asphalt", ("asphalt", " bituminous", " tarmac", " macadam"), (Unit.M2, Unit.KG, Unit.M3)),
    Material(PIPING, (" pipe", " piping", " drain ", " drainage", " sewer", "rohr"), (Unit.M,)),
    # Words that look like one of the above and name none of them.
    Material(OTHER, (" plasterboard", "gipskarton", "dachziegel", " roof tile"), tuple(Unit)),
)
NAMES: Final = tuple(material.name for material in MATERIALS)


def material_of(words: str, unit: Unit | None) -> str:
    """The material of a position: what is named first, and of two names that begin alike the longer one.

    `Formwork to concrete walls` is formwork, and `Concrete wall incl. formwork` in m3 is concrete: materials that are
    usually measured in the position's unit come before all others.
    """
    found = [(unit not in material.units, *_place(words, material), material.name) for material in MATERIALS]
    named = [each for each in found if each[2]]
    return min(named)[-1] if named else OTHER


def _place(words: str, material: Material) -> tuple[int, int]:
    """Where a material is named first, and the length of its name there as a negative number; 0 where nowhere."""
    places = [(words.find(stem) + stem.startswith(" "), -len(stem.strip())) for stem in material.stems if stem in words]
    return min(places, default=(0, 0))
