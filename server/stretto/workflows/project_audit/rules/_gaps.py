"""Gaps: what the documents leave open, a sentence for each kind, with the positions that it is about."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from stretto.workflows._words import count
from stretto.workflows.project_audit.answers import RiskSeverity
from stretto.workflows.project_audit.rules._known import Known
from stretto.workflows.project_audit.rules._materials import CONCRETE, REINFORCEMENT
from stretto.workflows.project_audit.rules._project import Position, Project
from stretto.workflows.project_audit.rules._quantities import unlikely_ratios
from stretto.workflows.project_audit.rules._statements import Statement
from stretto.workflows.project_audit.rules._topics import topics_without_position
from stretto.workflows.project_audit.rules._units import Unit
from stretto.workflows.project_audit.rules._words import mentions, words_of

DEVIATION_PERCENT_MAX: Final = 5
LABELS_MAX: Final = 5
_OPEN: Final = (
    " n a ",
    " tbd ",
    " tbc ",
    " tba ",
    " to be confirmed",
    " to be determined",
    " to be clarified",
    " to be agreed",
    " by others",
    " by client",
    " as required",
    " as necessary",
    " if required",
    " provisional",
    " zu klaeren",
    " noch offen",
    " nach bedarf",
    " nach erfordernis",
    " bauseits",
    " bauseitig",
    " bedarfsposition",
    " eventualposition",
)
_LUMP_SUM: Final = (" lump sum", " psch ", " pauschal")
_GRADE: Final = (
    *(" b500", " b 500", " b450", " b 450", " bst 500", " bst500", " grade 500", " grade 60 ", " b500b"),
    *(" fe500", " fe 500", " grade b", " s500", " s 500"),
)
_BILL: Final = "Add positions for it, or say who does it."
LOW, MEDIUM = RiskSeverity.LOW, RiskSeverity.MEDIUM


@dataclass(frozen=True, slots=True)
class Gap:
    """What is left open, how often, and what to do. Without a severity it is no risk of its own."""

    title: str
    text: str
    severity: RiskSeverity | None
    measure: str
    number: int = 1


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of gap that positions have."""

    title: str
    told: str
    severity: RiskSeverity | None
    measure: str
    has: Callable[[Position], bool]


def gaps_of(project: Project, statements: Sequence[Statement], known: Known) -> list[Gap]:
    """All gaps: what is missing as a whole, what positions leave open, and what does not go together."""
    return [
        *_missing(project),
        *_of_positions(project, _kinds(project, statements, known)),
        *_twice(project),
        *(
            Gap("Amounts do not go together", text, MEDIUM, "Check the quantities of these materials.")
            for text in unlikely_ratios(project.positions)
        ),
        *(
            Gap(f"No position for {topic}", f"The description mentions {topic}, and no position does.", MEDIUM, _BILL)
            for topic in topics_without_position(project)
        ),
    ]


def _missing(project: Project) -> Iterator[Gap]:
    if not project.positions:
        yield Gap("No positions", "There are no positions, so there are no quantities.", MEDIUM, "Ask for a bill.")
    if not project.specifications:
        told = "Nothing is specified: no strength classes, no exposure classes, no cover."
        yield Gap("No specifications", told, MEDIUM, "Ask for the specifications.")
    left_open = sum(mentions(words_of(text), _OPEN) for text in project.specifications)
    if left_open:
        told = f"{count(left_open, 'specification')} leaving open what is to be done."
        yield Gap("Specifications left open", told, MEDIUM, "Have them completed.", left_open)


def _of_positions(project: Project, kinds: Sequence[_Kind]) -> Iterator[Gap]:
    for kind in kinds:
        found = [position.label for position in project.positions if kind.has(position)]
        if found:
            told = f"{count(len(found), 'position')} {kind.told}: {_listed(found)}."
            yield Gap(kind.title, told, kind.severity, kind.measure, len(found))


def _kinds(project: Project, statements: Sequence[Statement], known: Known) -> tuple[_Kind, ...]:
    classes = _Classes(project, statements, known)
    return (
        _Kind("Quantities missing", "without a quantity", MEDIUM, "Measure them.", _without_quantity),
        _Kind("Units missing", "without a unit", LOW, "Add the units.", _without_unit),
        _Kind(
            "Units not known",
            "with a unit that is not known, so they are in no sum",
            LOW,
            "Use a usual unit.",
            lambda position: bool(position.unit_text) and position.unit is None,
        ),
        _Kind(
            "Quantities do not match dimensions",
            f"with dimensions that differ from the quantity by more than {DEVIATION_PERCENT_MAX} percent",
            MEDIUM,
            "Measure them again.",
            _deviates,
        ),
        _Kind("Left open", "leaving open what is to be done", MEDIUM, "Have them decided.", _is_open),
        _Kind("Lump sums", "with a lump sum", LOW, "Say what is in them.", _is_lump_sum),
        _Kind(
            "Concrete without a strength class",
            "of concrete without a strength class",
            MEDIUM,
            "Specify the strength class.",
            classes.without_strength,
        ),
        _Kind(
            "Concrete without an exposure class",
            "of concrete without an exposure class",
            None,
            "Specify the exposure class.",
            classes.without_exposure,
        ),
        _Kind(
            "Reinforcement without a grade",
            "of reinforcement without a grade of steel",
            LOW,
            "Specify the grade, such as B500B.",
            classes.without_grade,
        ),
    )


def _without_quantity(position: Position) -> bool:
    return position.quantity is None and position.measure is None and not _is_lump_sum(position)


def _without_unit(position: Position) -> bool:
    return not position.unit_text and not (position.quantity is None and position.measure)


def _deviates(position: Position) -> bool:
    dimensions = position.dimensions
    if dimensions is None or position.quantity is None or position.unit is not dimensions.unit:
        return False
    return not dimensions.explains(position.quantity, DEVIATION_PERCENT_MAX)


def _is_open(position: Position) -> bool:
    return mentions(position.words, _OPEN)


def _is_lump_sum(position: Position) -> bool:
    return position.unit is Unit.LUMP_SUM or mentions(position.words, _LUMP_SUM)


class _Classes:
    """Which positions have no class or grade: neither they nor a specification of the same says it."""

    def __init__(self, project: Project, statements: Sequence[Statement], known: Known) -> None:
        self._known = known
        self._billed = {each.position: each for each in statements if each.position}
        self._graded = mentions(project.words, _GRADE)

    def without_strength(self, position: Position) -> bool:
        """Whether it is concrete of unknown strength."""
        statement = self._billed.get(position)
        if statement is None or position.material != CONCRETE or statement.concrete.strengths_unknown:
            return False
        return not statement.concrete.strength and not self._known.says("strength", statement.elements)

    def without_exposure(self, position: Position) -> bool:
        """Whether it is reinforced concrete of unknown exposure."""
        statement = self._billed.get(position)
        if statement is None or position.material != CONCRETE or not statement.reinforced:
            return False
        return not statement.names_exposure and not self._known.says("exposures", statement.elements)

    def without_grade(self, position: Position) -> bool:
        """Whether it is reinforcement of unknown steel."""
        return position.material == REINFORCEMENT and not self._graded and not mentions(position.words, _GRADE)


def _twice(project: Project) -> Iterator[Gap]:
    counted = Counter(position.number for position in project.positions if position.number)
    found = [number for number, times in counted.items() if times > 1]
    if found:
        told = f"{count(len(found), 'number')} used by more than one position: {_listed(found)}."
        yield Gap("Numbers used twice", told, LOW, "Number them anew; one may be there by mistake.", len(found))


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - LABELS_MAX} more" if len(labels) > LABELS_MAX else ""
    return f"{', '.join(labels[:LABELS_MAX])}{more}"
