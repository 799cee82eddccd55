"""What is said of decisions that were passed on."""

import pytest

from stretto.orchestrator.desk import Done
from stretto.orchestrator.wording import decided


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        ({"verdict": "VERDICT_APPROVE", "reason": "no pain, and no edit needed"}, "Approved"),
        ({"verdict": "VERDICT_REJECT", "reason": "I changed my mind"}, "Rejected"),
        ({"verdict": "VERDICT_REJECT", "comment": "I cannot approve that"}, "Rejected"),
        ({"verdict": "VERDICT_EDIT", "reason": "no, two days", "days_per_week": 2}, "I have passed your changes on"),
        ({"approved": False, "comment": "approve it? never"}, "Rejected"),
        ({"answer": "ACCEPTED"}, "Approved"),
        ({"amount": 3}, "I have passed your decision on"),
    ],
)
def test_a_decision_is_told_as_what_it_is_whatever_its_reason_says(decision: dict, told: str) -> None:
    done = Done("wf_1", "parcel")
    assert decided([decision], [done]) == f"{told}: parcel {'has been told' if told == 'Rejected' else 'goes on'}."
