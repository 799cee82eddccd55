"""Who joins: the request with its defaults, and how an edit changes it."""

import datetime as dt
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.hr_onboarding.days import working_day_from


class Department(StrEnum):
    """A part of a company, as the contract names it."""

    ENGINEERING = "DEPARTMENT_ENGINEERING"
    SALES = "DEPARTMENT_SALES"
    MARKETING = "DEPARTMENT_MARKETING"
    FINANCE = "DEPARTMENT_FINANCE"
    HUMAN_RESOURCES = "DEPARTMENT_HUMAN_RESOURCES"
    SUPPORT = "DEPARTMENT_SUPPORT"
    DESIGN = "DEPARTMENT_DESIGN"
    OPERATIONS = "DEPARTMENT_OPERATIONS"
    LEGAL = "DEPARTMENT_LEGAL"
    GENERAL = "DEPARTMENT_GENERAL"

    @property
    def words(self) -> str:
        """As people say it."""
        return self.name.lower().replace("_", " ")


_ROLE_WORDS: Final[Mapping[Department, str]] = {
    Department.DESIGN: "design|designer|ux|ui",
    Department.SALES: "sales|account executive|account manager|business development",
    Department.SUPPORT: "support|customer success|helpdesk|help desk",
    Department.MARKETING: "marketing|content|brand|communications|seo",
    Department.FINANCE: "finance|financial|accountant|accounting|controller|payroll",
    Department.HUMAN_RESOURCES: "hr|human resources|people|recruiter|recruiting|talent",
    Department.LEGAL: "legal|lawyer|counsel|paralegal|compliance",
    Department.OPERATIONS: "operations|logistics|office|facilities|warehouse|supply chain",
    Department.ENGINEERING: (
        "engineer|engineering|developer|programmer|devops|architect|data scientist|data analyst|sre|qa"
    ),
}
"""What roles are called in a department. The earlier one wins: a sales engineer is hired by sales."""
_LEADERSHIP: Final = re.compile(
    r"\b(lead|leader|head|director|chief|vp|team manager|engineering manager)\b", re.IGNORECASE
)


class Hire(BaseModel):
    """Somebody who joins, with nothing left open."""

    model_config = ConfigDict(frozen=True)

    name: str
    role: str
    start_date: dt.date
    department: Department
    manager: str = ""
    buddy: str = ""
    remote: bool = False
    today: dt.date | None = None

    @property
    def first_day(self) -> dt.date:
        """The first working day."""
        return working_day_from(self.start_date)

    @property
    def leads(self) -> bool:
        """Whether the role is one that leads others."""
        return bool(_LEADERSHIP.search(self.role))


def hire_of(request: Mapping[str, Any]) -> Hire:
    """Who joins, by the fields of a request; the role tells the department where the request does not."""
    said = {name: value for name, value in request.items() if value not in (None, "DEPARTMENT_UNSPECIFIED")}
    return Hire.model_validate({"department": department_of(said["role"]), **said})


def changed(hire: Hire, changes: Mapping[str, Any]) -> Hire:
    """Who joins after an edit. A new role brings its department along, where it tells one."""
    merged = {**hire.model_dump(), **changes}
    if "role" in changes and "department" not in changes:
        found = department_of(changes["role"])
        merged["department"] = hire.department if found is Department.GENERAL else found
    return Hire.model_validate(merged)


def department_of(role: str) -> Department:
    """The department by the words of a role."""
    for department, words in _ROLE_WORDS.items():
        if re.search(rf"\b({words})s?\b", role, re.IGNORECASE):
            return department
    return Department.GENERAL
