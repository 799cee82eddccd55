"""The checklist: which tasks somebody's start takes, by department, role and place."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stretto.workflows.hr_onboarding.hire import Department, Hire


class Owner(StrEnum):
    """Whose task something is, as the contract names it."""

    HUMAN_RESOURCES = "OWNER_HUMAN_RESOURCES"
    IT = "OWNER_IT"
    FACILITIES = "OWNER_FACILITIES"
    MANAGER = "OWNER_MANAGER"
    BUDDY = "OWNER_BUDDY"
    NEWCOMER = "OWNER_NEWCOMER"


class Case(StrEnum):
    """When a task is needed at all."""

    ALWAYS = "always"
    REMOTE = "remote"
    OFFICE = "office"
    LEADING = "leading"
    WITHOUT_BUDDY = "without a buddy"


@dataclass(frozen=True, slots=True)
class Template:
    """A task as it is for everybody: working days from the first day, and what must be done before."""

    key: str
    title: str
    owner: Owner
    offset: int
    after: tuple[str, ...]
    case: Case
    department: Department | None


HR, IT, FACILITIES, MANAGER = Owner.HUMAN_RESOURCES, Owner.IT, Owner.FACILITIES, Owner.MANAGER
BUDDY, NEWCOMER = Owner.BUDDY, Owner.NEWCOMER


def _task(
    key: str,
    title: str,
    owner: Owner,
    offset: int,
    *after: str,
    case: Case = Case.ALWAYS,
    department: Department | None = None,
) -> Template:
    return Template(key, title, owner, offset, after, case, department)


_EVERYBODY: Final = (
    _task("sign_contract", "Get the contract signed", HR, -15),
    _task("order_laptop", "Order a laptop", IT, -12, "sign_contract"),
    _task("enter_payroll", "Enter into payroll", HR, -10, "sign_contract"),
    _task("find_buddy", "Find a buddy", MANAGER, -8, case=Case.WITHOUT_BUDDY),
    _task("brief_buddy", "Tell the buddy what the first weeks look like", MANAGER, -5, "find_buddy"),
    _task("send_welcome", "Send the welcome letter", HR, -5, "sign_contract"),
    _task("prepare_laptop", "Prepare the laptop", IT, -5, "order_laptop"),
    _task("ship_laptop", "Ship the laptop home", IT, -4, "prepare_laptop", case=Case.REMOTE),
    _task("set_up_desk", "Set up a desk", FACILITIES, -3, "prepare_laptop", case=Case.OFFICE),
    _task("create_accounts", "Create accounts", IT, -3, "enter_payroll"),
    _task("make_badge", "Make a badge for the building", FACILITIES, -2, "sign_contract", case=Case.OFFICE),
    _task("hand_over_accounts", "Hand over accounts", IT, 0, "create_accounts", "ship_laptop", "set_up_desk"),
    _task("welcome_meeting", "Meet to agree on the first weeks", MANAGER, 0, "hand_over_accounts"),
    _task("tour_office", "Show the office", BUDDY, 0, "make_badge", "brief_buddy", case=Case.OFFICE),
    _task(
        "meet_by_video", "Introduce the team by video", BUDDY, 1, "hand_over_accounts", "brief_buddy", case=Case.REMOTE
    ),
    _task("security_training", "Do the security training", NEWCOMER, 3, "hand_over_accounts"),
    _task("week_review", "Talk about the first week", MANAGER, 4, "welcome_meeting"),
    _task("meet_reports", "Talk to each member of the team", NEWCOMER, 8, "welcome_meeting", case=Case.LEADING),
    _task(
        "leadership_induction", "Give the induction for those who lead", HR, 10, "welcome_meeting", case=Case.LEADING
    ),
)
_OF_DEPARTMENTS: Final[tuple[tuple[Department, str, str, Owner, int, tuple[str, ...]], ...]] = (
    (Department.ENGINEERING, "grant_code", "Give access to the code", IT, 1, ("hand_over_accounts",)),
    (Department.ENGINEERING, "set_up_tools", "Set up the development environment", NEWCOMER, 2, ("grant_code",)),
    (
        Department.ENGINEERING,
        "first_change",
        "Bring a first small change to production",
        NEWCOMER,
        5,
        ("set_up_tools",),
    ),
    (Department.SALES, "grant_crm", "Give access to the customer database", IT, 1, ("hand_over_accounts",)),
    (Department.SALES, "listen_to_calls", "Listen to three customer calls", NEWCOMER, 5, ("grant_crm",)),
    (Department.SALES, "learn_product", "Do the product training", NEWCOMER, 8, ("hand_over_accounts",)),
    (Department.MARKETING, "grant_campaigns", "Give access to the campaign tools", IT, 1, ("hand_over_accounts",)),
    (Department.MARKETING, "learn_brand", "Read the brand guide", NEWCOMER, 3, ("hand_over_accounts",)),
    (Department.FINANCE, "grant_ledger", "Give access to the accounting system", IT, 1, ("hand_over_accounts",)),
    (Department.FINANCE, "learn_controls", "Do the training on financial controls", NEWCOMER, 4, ("grant_ledger",)),
    (
        Department.HUMAN_RESOURCES,
        "learn_privacy",
        "Do the data protection training",
        NEWCOMER,
        3,
        ("hand_over_accounts",),
    ),
    (Department.HUMAN_RESOURCES, "grant_records", "Give access to personnel records", IT, 4, ("learn_privacy",)),
    (Department.SUPPORT, "grant_tickets", "Give access to the ticket system", IT, 1, ("hand_over_accounts",)),
    (Department.SUPPORT, "sit_in", "Sit in on a support shift", NEWCOMER, 4, ("grant_tickets",)),
    (Department.DESIGN, "grant_design", "Give access to the design tools", IT, 1, ("hand_over_accounts",)),
    (Department.DESIGN, "walk_through", "Walk through the design system", BUDDY, 3, ("grant_design",)),
    (Department.OPERATIONS, "safety_briefing", "Give the safety briefing", FACILITIES, 1, ("welcome_meeting",)),
    (Department.OPERATIONS, "learn_processes", "Read the handbook of processes", NEWCOMER, 4, ("hand_over_accounts",)),
    (Department.LEGAL, "grant_archive", "Give access to the contract archive", IT, 1, ("hand_over_accounts",)),
    (Department.LEGAL, "open_matters", "Walk through the open matters", MANAGER, 3, ("grant_archive",)),
)

TABLE: Final = (
    *_EVERYBODY,
    *(
        _task(key, title, owner, offset, *after, department=where)
        for where, key, title, owner, offset, after in _OF_DEPARTMENTS
    ),
)


BY_KEY: Final = {task.key: task for task in TABLE}


def checklist(hire: Hire) -> tuple[Template, ...]:
    """The tasks that this start takes."""
    return tuple(task for task in TABLE if _is_needed(task, hire))


def _is_needed(task: Template, hire: Hire) -> bool:
    needed = {
        Case.ALWAYS: True,
        Case.REMOTE: hire.remote,
        Case.OFFICE: not hire.remote,
        Case.LEADING: hire.leads,
        Case.WITHOUT_BUDDY: not hire.buddy,
    }
    return needed[task.case] and task.department in (None, hire.department)
