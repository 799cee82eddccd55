"""Findings: each statement about concrete against the standards, and what cannot be told."""

from collections.abc import Sequence
from typing import Final

from stretto.workflows.project_audit.answers import FINDINGS_MAX, ComplianceFinding, ComplianceStatus, compliance_of
from stretto.workflows.project_audit.rules._concrete import Concrete
from stretto.workflows.project_audit.rules._elements import USUAL, exposed_in
from stretto.workflows.project_audit.rules._known import Known
from stretto.workflows.project_audit.rules._project import Project
from stretto.workflows.project_audit.rules._standards import AIR_PERCENT_MIN, DEVIATION_MM, Demand, demand_of, rank
from stretto.workflows.project_audit.rules._statements import Statement
from stretto.workflows.project_audit.rules._words import shown, words_of

COMPLIANT, VIOLATED, INCOMPLETE = ComplianceStatus.COMPLIANT, ComplianceStatus.VIOLATED, ComplianceStatus.INCOMPLETE
_STANDARDS: Final = "EN 206 Table F.1, EN 1992-1-1 Table 4.4N (recommended values for 50 years)"
_SPECIFIED_ONCE: Final = "One specification for each element"
_EXPOSURE_NEEDED: Final = "EN 206: an exposure class for each element of concrete"
_SUBJECTS_MAX: Final = 3


def bounded(findings: Sequence[ComplianceFinding]) -> tuple[ComplianceFinding, ...]:
    """The worst findings, as many as an answer may have; the last one says how many there are besides."""
    ordered = compliance_of(findings).findings
    if len(ordered) <= FINDINGS_MAX:
        return ordered
    more = ordered[FINDINGS_MAX - 1 :]
    told = _finding(f"{len(more)} more", _STANDARDS, more[0].status, "They were checked too, and are not listed here.")
    return (*ordered[: FINDINGS_MAX - 1], told)


def nothing() -> ComplianceFinding:
    """Where nothing was checked, nothing complies."""
    told = "Nothing names an exposure class, so there was nothing to check."
    return _finding("The project", _EXPOSURE_NEEDED, INCOMPLETE, told)


def finding_of(statement: Statement) -> ComplianceFinding:
    """One statement that has an exposure class, checked."""
    concrete = statement.concrete
    missing = [f"{name} is no exposure class of EN 206" for name in concrete.exposures_unknown]
    missing += [f"{name} is no strength class of EN 206" for name in concrete.strengths_unknown]
    if not concrete.exposures:
        return _finding(statement.subject, _EXPOSURE_NEEDED, INCOMPLETE, _sentence(missing))
    demand = demand_of(concrete.exposures)
    faults = _faults(statement, demand)
    missing += _missing(statement, demand)
    requirement = f"{_STANDARDS}, {', '.join(concrete.exposures)}: {_asked(demand, statement)}"
    taken = f" Taken from what else is said of it: {', '.join(statement.taken)}." if statement.taken else ""
    if faults or missing:
        status = VIOLATED if faults else INCOMPLETE
        return _finding(statement.subject, requirement, status, f"{_sentence(faults + missing)}{taken}")
    return _finding(statement.subject, requirement, COMPLIANT, f"All that is said satisfies the requirement.{taken}")


def unexposed(project: Project, statements: Sequence[Statement], known: Known) -> list[ComplianceFinding]:
    """Concrete of which nothing says what it is exposed to: a finding for each element."""
    subjects: dict[str, list[str]] = {}
    for each in statements:
        if each.reinforced and not each.names_exposure and not known.says("exposures", each.elements):
            # What names no element is said of all concrete; only a position needs a class for that.
            names = sorted(each.elements) or (["concrete"] if each.position else [])
            for name in names:
                subjects.setdefault(name, []).append(each.subject)
    exposed = [each for each in statements if each.names_exposure and each.reinforced]
    # What has a class and no name that is known here may be the bridge that is described.
    if all(USUAL.keys() & each.elements for each in exposed):
        named = {element for each in exposed for element in each.elements}
        for name in exposed_in(words_of(project.description)):
            if name not in named:
                subjects.setdefault(name, [])
    return [_unexposed(name, found) for name, found in subjects.items()]


def undecided(statements: Sequence[Statement], known: Known) -> list[ComplianceFinding]:
    """Concrete that names no exposure class, where what is said of its element differs: a finding for each element."""
    subjects: dict[frozenset[str], list[str]] = {}
    for each in statements:
        needs_one = each.position or each.concrete.strength or each.concrete.cover
        if needs_one and not each.names_exposure and "exposure" in known.completed(each).disputed:
            subjects.setdefault(each.elements, []).append(each.subject)
    return [_undecided(elements, found, known) for elements, found in subjects.items()]


def contradictions(statements: Sequence[Statement]) -> list[ComplianceFinding]:
    """What is specified more than once by the same name, and not alike."""
    alike: dict[str, list[Statement]] = {}
    for each in statements:
        if each.label:
            alike.setdefault(each.label, []).append(each)
    found = [(same, _differences([each.concrete for each in same])) for same in alike.values()]
    return [
        _finding(
            _listed([each.subject for each in same]),
            _SPECIFIED_ONCE,
            INCOMPLETE,
            f"The same is specified more than once, and not alike: {differ}.",
        )
        for same, differ in found
        if differ
    ]


def _differences(concretes: Sequence[Concrete]) -> str:
    """What is said in more than one way, such as `cover 25 mm or 40 mm`."""
    said = {
        "exposure": [", ".join(each.exposures) for each in concretes],
        "strength": [each.strength or "" for each in concretes],
        "cover": [f"{shown(each.cover.millimetres)} mm" if each.cover else "" for each in concretes],
    }
    distinct = {name: list(dict.fromkeys(filter(None, values))) for name, values in said.items()}
    return "; ".join(f"{name} {' or '.join(values)}" for name, values in distinct.items() if len(values) > 1)


def _unexposed(element: str, subjects: Sequence[str]) -> ComplianceFinding:
    usual = f"; usual is {USUAL[element]}" if USUAL.get(element) else ""
    told = f"No exposure class is named for it{usual}."
    return _finding(_subject(element, subjects), _EXPOSURE_NEEDED, INCOMPLETE, told)


def _undecided(elements: frozenset[str], subjects: Sequence[str], known: Known) -> ComplianceFinding:
    classes = sorted(", ".join(each) for each in known.values("exposures", elements))
    told = f"No exposure class is named for it here, and what else is said of it differs: {' or '.join(classes)}."
    return _finding(
        _subject(" and ".join(sorted(elements)) or "concrete", subjects), _EXPOSURE_NEEDED, INCOMPLETE, told
    )


def _subject(element: str, subjects: Sequence[str]) -> str:
    named = f" ({_listed(subjects)})" if subjects else ""
    return f"{element.capitalize()}{named}"


def _listed(subjects: Sequence[str]) -> str:
    more = f" and {len(subjects) - _SUBJECTS_MAX} more" if len(subjects) > _SUBJECTS_MAX else ""
    return f"{'; '.join(subjects[:_SUBJECTS_MAX])}{more}"


def _faults(statement: Statement, demand: Demand) -> list[str]:
    """What breaks a bound."""
    concrete, found = statement.concrete, []
    if concrete.strength and rank(concrete.strength) < rank(demand.strength):
        found.append(f"{concrete.strength} is below {demand.strength}, which {demand.strength_by} needs")
    if concrete.cover and demand.cover_min and statement.reinforced:
        least = demand.cover_min.value + (0 if concrete.cover.least else DEVIATION_MM)
        if concrete.cover.millimetres < least:
            told = f"the cover of {shown(concrete.cover.millimetres)} mm is below {least} mm"
            found.append(f"{told}, which {demand.cover_min.exposure} needs")
    if concrete.ratio is not None and demand.ratio_max and concrete.ratio > demand.ratio_max.value:
        told = f"the water-cement ratio of {concrete.ratio} is above {demand.ratio_max.value}"
        found.append(f"{told}, which {demand.ratio_max.exposure} allows")
    if concrete.cement is not None and demand.cement_min and concrete.cement < demand.cement_min.value:
        told = f"{concrete.cement} kg/m3 of cement are below {demand.cement_min.value}"
        found.append(f"{told}, which {demand.cement_min.exposure} needs")
    return found


def _missing(statement: Statement, demand: Demand) -> list[str]:
    """What is needed to tell, and is not said. Ratio and cement are the supplier's: they are checked where given."""
    concrete = statement.concrete
    found = (
        [] if concrete.strength or concrete.strengths_unknown else [_unsaid(statement, "strength", "strength class")]
    )
    if not statement.reinforced:
        return found
    if demand.cover_min is None:
        found.append("the cover cannot be told without one of XC, XD or XS beside it")
    elif concrete.cover is None and demand.cover_min.exposure != "X0":
        found.append(_unsaid(statement, "cover", "cover"))
    if statement.prestressed:
        found.append("prestressing steel needs more cover (Table 4.5N), which is not checked here")
    return found


def _unsaid(statement: Statement, field: str, name: str) -> str:
    differs = field in statement.disputed
    return f"the {name} is not said here, and elsewhere differs" if differs else f"the {name} is not said"


def _asked(demand: Demand, statement: Statement) -> str:
    asked = [f"at least {demand.strength}"]
    if demand.cover_min and statement.reinforced:
        asked.append(f"nominal cover {demand.cover_min.value + DEVIATION_MM} mm")
    if demand.ratio_max:
        asked.append(f"water-cement ratio at most {demand.ratio_max.value}")
    if demand.cement_min:
        asked.append(f"at least {demand.cement_min.value} kg/m3 of cement")
    if demand.air_by:
        asked.append(f"at least {AIR_PERCENT_MIN} percent of air for {demand.air_by}")
    return ", ".join(asked)


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _finding(subject: str, requirement: str, status: ComplianceStatus, explanation: str) -> ComplianceFinding:
    return ComplianceFinding(subject=subject, requirement=requirement, status=status, explanation=explanation)
