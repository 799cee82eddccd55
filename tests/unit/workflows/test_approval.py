from stretto.workflows import _approval
from stretto.workflows._approval import EDITS_MAX, Verdict, ask, read


def answering(monkeypatch, **decision):
    """Answers the next question, and keeps it."""
    asked = []

    def interrupt(question):
        asked.append(question)
        return decision

    monkeypatch.setattr(_approval, "interrupt", interrupt)
    return asked


def test_what_is_not_said_changes_nothing():
    decided = {"verdict": "VERDICT_EDIT", "reason": "more", "weeks": None, "goal": "GOAL_UNSPECIFIED", "injuries": []}
    assert read({**decided, "days_per_week": 4, "remote": False}).changes == {"days_per_week": 4, "remote": False}


def test_a_question_names_its_options_and_what_may_be_changed(monkeypatch):
    asked = answering(monkeypatch, verdict="VERDICT_APPROVE")
    answer = ask("Good?", "Three days.", {"days_per_week": 3}, edits=0)
    assert answer.verdict is Verdict.APPROVE
    assert asked == [
        {
            "question": "Good?",
            "proposal": "Three days.",
            "options": ["approve", "reject", "edit"],
            "editable": {"days_per_week": 3},
        }
    ]


def test_an_edit_too_many_is_a_rejection(monkeypatch):
    asked = answering(monkeypatch, verdict="VERDICT_EDIT", reason="still not", days_per_week=2)
    assert ask("Good?", "", {}, edits=EDITS_MAX - 1).verdict is Verdict.EDIT
    answer = ask("Good?", "", {}, edits=EDITS_MAX)
    assert (answer.verdict, answer.reason) == (Verdict.REJECT, "No agreement after 5 edits: still not")
    assert asked[-1]["options"] == ["approve", "reject"]
