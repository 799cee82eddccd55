"""Dates: each task gets a working day that is not before those of the tasks that it depends on."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.hr_onboarding.checklist import Owner, Template
from stretto.workflows.hr_onboarding.days import distance, shifted, working_day_from
from stretto.workflows.hr_onboarding.hire import Department, Hire

MILESTONES: Final = (30, 60, 90)


class Task(BaseModel):
    """One task of the checklist, with its date, in the contract's words."""

    model_config = ConfigDict(frozen=True)

    key: str
    title: str
    owner: Owner
    owner_name: str
    due_date: dt.date
    working_days_from_start: int
    depends_on: tuple[str, ...]


class Milestone(BaseModel):
    """What shall be reached by a day."""

    model_config = ConfigDict(frozen=True)

    day: int
    date: dt.date
    goals: tuple[str, ...]


def schedule(templates: Sequence[Template], hire: Hire) -> tuple[Task, ...]:
    """All tasks by due date. A dependency that this start does not need is no dependency."""
    rows = {template.key: template for template in templates}
    due: dict[str, dt.date] = {}
    for template in templates:
        _settle(template, rows, hire.first_day, due)
    tasks = (_task(template, rows, due[template.key], hire) for template in templates)
    order = {template.key: place for place, template in enumerate(templates)}
    return tuple(sorted(tasks, key=lambda task: (task.due_date, order[task.key])))


def _settle(template: Template, rows: dict[str, Template], first_day: dt.date, due: dict[str, dt.date]) -> dt.date:
    """The due date of a task, once those before it have theirs."""
    if template.key not in due:
        before = [_settle(rows[key], rows, first_day, due) for key in template.after if key in rows]
        due[template.key] = max([shifted(first_day, template.offset), *before])
    return due[template.key]


def _task(template: Template, rows: dict[str, Template], due: dt.date, hire: Hire) -> Task:
    names = {Owner.MANAGER: hire.manager, Owner.BUDDY: hire.buddy, Owner.NEWCOMER: hire.name}
    return Task(
        key=template.key,
        title=template.title,
        owner=template.owner,
        owner_name=names.get(template.owner, ""),
        due_date=due,
        working_days_from_start=distance(hire.first_day, due),
        depends_on=tuple(key for key in template.after if key in rows),
    )


_GOALS: Final[dict[Department, tuple[str, str, str]]] = {
    Department.ENGINEERING: (
        "Ship a small feature with help",
        "Own a component",
        "Lead a change from idea to production",
    ),
    Department.SALES: ("Know the product by heart", "Run calls alone", "Close a first deal"),
    Department.MARKETING: (
        "Know the audience and the brand",
        "Run a campaign with help",
        "Show what a campaign brought",
    ),
    Department.FINANCE: ("Know the chart of accounts", "Close a month with help", "Close a month alone"),
    Department.HUMAN_RESOURCES: ("Know the policies", "Run a hiring with help", "Improve one process"),
    Department.SUPPORT: ("Answer simple tickets", "Take a full shift", "Write down three answers that were missing"),
    Department.DESIGN: ("Know the design system", "Design a feature with help", "Test a design with users"),
    Department.OPERATIONS: ("Know each process", "Take over a process", "Make a process cheaper or faster"),
    Department.LEGAL: ("Know the standard contracts", "Negotiate a contract with help", "Own a matter"),
    Department.GENERAL: ("Know the team and its work", "Own a first topic", "Show a result that others use"),
}


def milestones(hire: Hire) -> tuple[Milestone, ...]:
    """What shall be reached after 30, 60 and 90 days, each looked at on a working day."""
    leading = ("Know each member of the team", "Agree on goals with the team", "Report what the team achieved")
    return tuple(
        Milestone(
            day=day,
            date=working_day_from(hire.first_day + dt.timedelta(days=day)),
            goals=(goal, *([lead] if hire.leads else [])),
        )
        for day, goal, lead in zip(MILESTONES, _GOALS[hire.department], leading, strict=True)
    )
