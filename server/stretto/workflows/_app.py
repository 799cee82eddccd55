"""The app of all workflow types that ship with Stretto."""

from stretto.server import App
from stretto.workflows import (
    exercise_planning,
    finance_review,
    hr_onboarding,
    project_audit,
    project_audit_staged,
    troubleshooting,
)
from stretto.workflows._pace import pace

pace()  # A wrong one is told when the server starts, and not by each workflow.

app = App()
exercise_planning.register(app)
finance_review.register(app)
hr_onboarding.register(app)
troubleshooting.register(app)
project_audit.register(app)
project_audit_staged.register(app)
