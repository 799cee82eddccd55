"""`hr_onboarding`: what is to be done, by whom and when, so that somebody can start, which a person approves."""

from stretto.onboarding.v1.onboarding_plan_pb2 import (
    DEPARTMENT_ENGINEERING,
    DEPARTMENT_MARKETING,
    OnboardingDecision,
    OnboardingPlan,
    OnboardingProgress,
    OnboardingRequest,
)
from stretto.server import App
from stretto.workflows.hr_onboarding.graph import graph

NAME = "hr_onboarding"
EXAMPLES = (
    (
        "Onboard Ana Lopez as backend engineer, starting on 2026-12-07.",
        OnboardingRequest(name="Ana Lopez", role="backend engineer", start_date="2026-12-07"),
    ),
    (
        "Prepare the start of a new hire: John Smith joins as sales manager on 2027-01-04, his manager is Mary Jones.",
        OnboardingRequest(name="John Smith", role="sales manager", start_date="2027-01-04", manager="Mary Jones"),
    ),
    (
        "Our new accountant Priya Nair works remotely from 2026-12-01, please plan her onboarding.",
        OnboardingRequest(name="Priya Nair", role="accountant", start_date="2026-12-01", remote=True),
    ),
    (
        "Make an onboarding checklist for Tom Berg, designer in marketing, from 2027-02-01 with Eva Lind as buddy.",
        OnboardingRequest(
            name="Tom Berg", role="designer", start_date="2027-02-01", department=DEPARTMENT_MARKETING, buddy="Eva Lind"
        ),
    ),
    (
        "A new employee, Li Wei, joins engineering as team lead on 2026-12-14; set everything up.",
        OnboardingRequest(name="Li Wei", role="team lead", start_date="2026-12-14", department=DEPARTMENT_ENGINEERING),
    ),
)


def register(app: App) -> None:
    """Tell an app about this workflow type."""
    app.workflow(
        NAME,
        graph,
        description=(
            "Plans the onboarding of a new employee: a checklist by role, department and place of work, with owners "
            "and due dates around the start date, conflicts, goals for the first 90 days and a welcome letter."
        ),
        input=OnboardingRequest,
        result=OnboardingPlan,
        progress=OnboardingProgress,
        decision={"awaiting_approval": OnboardingDecision},
        examples=EXAMPLES,
        to_input=lambda request: {"request": request},
        to_result=lambda state: state["plan"],
    )
