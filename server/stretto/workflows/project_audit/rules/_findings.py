"""Findings: each statement about concrete against the standards, and what cannot be told."""

from collections.abc import Sequence
from typing import Final

from stretto.workflows.project_audit.answers import FINDINGS_MAX, ComplianceFinding, ComplianceStatus, compliance_of
from stretto.workflows.project_audit.rules._elements import USUAL, exposed_in
from stretto.workflows.project_audit.rules._project import Project
from stretto.workflows.project_audit.rules._standards import DEVIATION_MM, Demand, demand_of, rank
from stretto.workflows.project_audit.rules._statements import Known, Statement
from stretto.workflows.project_audit.rules._words import shown, words_of

COMPLIANT, VIOLATED, INCOMPLETE = ComplianceStatus.COMPLIANT, ComplianceStatus.VIOLATED, ComplianceStatus.INCOMPLETE
_STANDARDS: Final = "EN 206 Table F.1, EN 1992-1-1 Table 4.4N"
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
    requirement = f"{_STANDARDS}, {', '.join(concrete.exposures)}: {_asked(demand)}"
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
    for name in exposed_in(words_of(project.description)):
        if not known.says("exposures", [name]):
            subjects.setdefault(name, [])
    return [_unexposed(name, found) for name, found in subjects.items()]


def _unexposed(element: str, subjects: Sequence[str]) -> ComplianceFinding:
    more = f" and {len(subjects) - _SUBJECTS_MAX} more" if len(subjects) > _SUBJECTS_MAX else ""
    named = f" ({'; '.join(subjects[:_SUBJECTS_MAX])}{more})" if subjects else ""
    usual = f"; usual is {USUAL[element]}" if USUAL.get(element) else ""
    return _finding(
        f"{element.capitalize()}{named}", _EXPOSURE_NEEDED, INCOMPLETE, f"No exposure class is named for it{usual}."
    )


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
    found = [] if concrete.strength or concrete.strengths_unknown else ["the strength class is not said"]
    if not statement.reinforced:
        return found
    if demand.cover_min is None:
        found.append("the cover cannot be told without one of XC, XD or XS beside it")
    elif concrete.cover is None and demand.cover_min.exposure != "X0":
        found.append("the cover is not said")
    return found


def _asked(demand: Demand) -> str:
    asked = [f"at least {demand.strength}"]
    if demand.cover_min:
        asked.append(f"nominal cover {demand.cover_min.value + DEVIATION_MM} mm")
    if demand.ratio_max:
        asked.append(f"water-cement ratio at most {demand.ratio_max.value}")
    if demand.cement_min:
        asked.append(f"at least {demand.cement_min.value} kg/m3 of cement")
    return ", ".join(asked)


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _finding(subject: str, requirement: str, status: ComplianceStatus, explanation: str) -> ComplianceFinding:
    return ComplianceFinding(subject=subject, requirement=requirement, status=status, explanation=explanation)
