import datetime as dt
from dataclasses import replace

import protovalidate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.onboarding.v1.onboarding_plan_pb2 import OnboardingDecision, OnboardingRequest
from stretto.workflows.hr_onboarding.checklist import BY_KEY, TABLE, Case, Owner, checklist
from stretto.workflows.hr_onboarding.conflicts import conflicts_of, warnings_of
from stretto.workflows.hr_onboarding.days import distance, is_working_day, shifted, working_day_from
from stretto.workflows.hr_onboarding.hire import Department, Hire, changed, department_of, hire_of
from stretto.workflows.hr_onboarding.note import template
from stretto.workflows.hr_onboarding.schedule import milestones, schedule

DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2099, 12, 31))
HIRES = st.builds(
    Hire,
    name=st.just("Ana Lopez"),
    role=st.sampled_from(["engineer", "team lead", "accountant", "clown"]),
    start_date=DAYS,
    department=st.sampled_from(Department),
    manager=st.sampled_from(["", "Mary Jones"]),
    buddy=st.sampled_from(["", "Eva Lind"]),
    remote=st.booleans(),
    today=st.none() | DAYS,
)


def ana(**fields):
    known = {"name": "Ana Lopez", "role": "backend engineer", "start_date": "2026-12-07", "manager": "Mary Jones"}
    return hire_of({**known, **fields})


def planned(hire):
    return schedule(checklist(hire), hire)


@given(HIRES)
def test_each_date_is_a_working_day_and_after_what_it_depends_on(hire):
    tasks = planned(hire)
    due = {task.key: task.due_date for task in tasks}
    for task in tasks:
        assert is_working_day(task.due_date)
        assert all(due[key] <= task.due_date for key in task.depends_on)
        assert shifted(hire.first_day, task.working_days_from_start) == task.due_date
        assert task.working_days_from_start >= BY_KEY[task.key].offset
    assert [task.due_date for task in tasks] == sorted(due.values())


@given(HIRES)
def test_milestones_are_on_working_days_after_the_start(hire):
    found = milestones(hire)
    assert [each.day for each in found] == [30, 60, 90]
    for each in found:
        assert is_working_day(each.date)
        assert each.day <= (each.date - hire.first_day).days <= each.day + 2
        assert each.goals


@given(HIRES)
def test_the_same_hire_gives_the_same_plan(hire):
    assert planned(hire) == planned(hire)
    assert template(hire, planned(hire), milestones(hire)) == template(hire, planned(hire), milestones(hire))


@given(DAYS.filter(is_working_day), st.integers(-300, 300))
def test_shifting_and_distance_are_inverse(day, working_days):
    assert is_working_day(shifted(day, working_days))
    assert distance(day, shifted(day, working_days)) == working_days
    assert shifted(shifted(day, working_days), -working_days) == day


@given(DAYS)
def test_a_weekend_moves_to_monday(day):
    moved = working_day_from(day)
    assert moved == day if is_working_day(day) else (moved.weekday() == 0 and 1 <= (moved - day).days <= 2)


def test_the_table_names_tasks_once_and_depends_on_what_is_there():
    assert len(BY_KEY) == len(TABLE)
    assert {key for task in TABLE for key in task.after} <= set(BY_KEY)
    assert {task.department for task in TABLE if task.department} == set(Department) - {Department.GENERAL}
    assert {task.case for task in TABLE} == set(Case)
    assert {task.owner for task in TABLE} == set(Owner)


def test_the_laptop_comes_before_the_accounts_and_these_before_the_code():
    keys = [task.key for task in planned(ana(remote=True))]
    order = ["order_laptop", "ship_laptop", "hand_over_accounts", "grant_code", "set_up_tools", "first_change"]
    assert [key for key in keys if key in order] == order


def test_a_task_waits_for_those_that_it_depends_on():
    late, early = (
        BY_KEY["security_training"],
        replace(BY_KEY["sign_contract"], after=("security_training", "not_needed")),
    )
    due = {task.key: (str(task.due_date), task.depends_on) for task in schedule([early, late], ana())}
    assert due == {"security_training": ("2026-12-10", ()), "sign_contract": ("2026-12-10", ("security_training",))}


def test_days_are_counted_from_the_first_day():
    due = {task.key: (str(task.due_date), task.working_days_from_start) for task in planned(ana())}
    assert due["sign_contract"] == ("2026-11-16", -15)
    assert due["hand_over_accounts"] == ("2026-12-07", 0)
    assert due["first_change"] == ("2026-12-14", 5)


def test_place_role_and_buddy_change_the_checklist():
    office, remote = ({task.key for task in checklist(ana(remote=remote))} for remote in (False, True))
    assert office - remote == {"set_up_desk", "make_badge", "tour_office"}
    assert remote - office == {"ship_laptop", "meet_by_video"}
    assert office - {task.key for task in checklist(ana(buddy="Eva Lind"))} == {"find_buddy"}
    leading = {task.key for task in checklist(ana(role="engineering lead"))}
    assert leading - office == {"meet_reports", "leadership_induction"}


def test_tasks_name_who_does_them():
    owners = {task.key: task.owner_name for task in planned(ana(buddy="Eva Lind"))}
    assert (owners["welcome_meeting"], owners["tour_office"], owners["first_change"], owners["order_laptop"]) == (
        "Mary Jones", "Eva Lind", "Ana Lopez", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("role", "department"),
    [
        ("backend engineer", Department.ENGINEERING),
        ("Sales Engineer", Department.SALES),
        ("HR business partner", Department.HUMAN_RESOURCES),
        ("Product designers", Department.DESIGN),
        ("Juggler", Department.GENERAL),
        ("Fruit picker", Department.GENERAL),
    ],
)
def test_a_role_tells_its_department(role, department):
    assert department_of(role) is department


@pytest.mark.parametrize(
    ("fields", "conflicts"),
    [
        ({}, ()),
        (
            {"start_date": "2026-12-05"},
            ("The start date 2026-12-05 is a Saturday; work begins on Monday, 2026-12-07.",),
        ),
        ({"today": "2026-11-16"}, ()),
        (
            {"today": "2026-11-17"},
            ("1 task was due before today, so hurry or start later: get the contract signed.",),
        ),
        ({"buddy": "mary jones"}, ("Mary Jones is manager and buddy at once; a buddy should be somebody else.",)),
        ({"manager": "Ana Lopez"}, ("Ana Lopez cannot be their own manager or buddy.",)),
    ],
)
def test_what_does_not_fit_is_told(fields, conflicts):
    hire = ana(**fields)
    assert conflicts_of(hire, planned(hire)) == conflicts


def test_a_missing_manager_is_told():
    assert warnings_of(ana()) == ()
    assert warnings_of(ana(manager="")) == ("No manager is named, so the manager's tasks have no owner by name.",)


def test_a_start_in_the_past_is_told():
    hire = ana(today="2026-12-08")
    first, second = conflicts_of(hire, planned(hire))
    assert first == "The start date 2026-12-07 is in the past."
    assert second.startswith("13 tasks were due before today")


def test_an_edit_changes_what_it_names():
    hire = changed(ana(), {"start_date": "2026-12-14", "remote": True})
    assert (hire.first_day, hire.remote, hire.manager) == (dt.date(2026, 12, 14), True, "Mary Jones")
    assert changed(hire, {"role": "accountant"}).department is Department.FINANCE
    assert changed(hire, {"role": "clown"}).department is Department.ENGINEERING
    moved = changed(hire, {"role": "accountant", "department": "DEPARTMENT_SALES"})
    assert moved.department is Department.SALES


def broken_rules(message):
    return {violation.proto.rule_id for violation in protovalidate.Validator().collect_violations(message)}


@pytest.mark.parametrize(("day", "rules"), [("2028-02-29", set()), ("2027-02-29", {"d"}), ("Monday", {"p"})])
def test_the_contract_takes_days_of_the_calendar_only(day, rules):
    def named(prefix):
        return {{"d": prefix, "p": "string.pattern"}[rule] for rule in rules}

    request = OnboardingRequest(name="A", role="B", start_date=day)
    assert broken_rules(request) == named("onboarding_request.start_date")
    request = OnboardingRequest(name="A", role="B", start_date="2026-12-07", today=day)
    assert broken_rules(request) == named("onboarding_request.today")
    decision = OnboardingDecision(verdict=3, reason="Later", start_date=day)
    assert broken_rules(decision) == named("onboarding_decision.start_date")
