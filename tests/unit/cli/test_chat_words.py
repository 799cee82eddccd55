"""What a chat shows: messages, notices, questions, replies."""

import pytest
from rich.console import Console

from stretto.cli._chat._story import Writing
from stretto.cli._chat._words import WRITTEN_LINES_MAX, written
from stretto.cli._sessions import context_table, message_lines, question_lines
from stretto.session.v1 import session_pb2 as model
from stretto.session.v1.session_service_pb2 import GetSessionContextResponse
from stretto.workflow.v1.workflow_pb2 import Interrupt
from tests.unit.cli.talking import DECIDED, FAILED, LAUNCHED, SUCCEEDED, WAITING, Journal
from tests.unit.cli.telling import ID, asked, error


def shown(*things) -> str:
    console = Console(width=100, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(*things, sep="\n")
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def lines_of(event) -> str:
    return shown(*message_lines(event.message))


def test_a_message_of_the_user_stands_behind_the_prompt() -> None:
    assert lines_of(Journal().user("hello\x1b[2J")) == "you> hello\\x1b[2J"


def test_a_reply_says_what_was_done() -> None:
    told = lines_of(Journal().reply("As you wish.", ("wf_1", LAUNCHED), ("wf_2", DECIDED), ("wf_3", 0)))
    assert told == "  As you wish.\n  started parcel wf_1\n  decided parcel wf_2"


def test_a_reply_says_why_no_model_was_asked() -> None:
    told = lines_of(Journal().reply("Yes.", note="the model did not answer in time"))
    assert told == "  Yes.\n  (the model did not answer in time)"


def test_a_reply_of_a_turn_that_broke_is_red() -> None:
    (line,) = message_lines(Journal().reply("That went wrong.", kind=model.TURN_KIND_FAILED).message)
    assert line.renderable.style == "red"


@pytest.mark.parametrize(("kind", "sign"), [(SUCCEEDED, "✓"), (FAILED, "✗"), (4, "■"), (5, "✗"), (6, "✗"), (99, "·")])
def test_a_notice_has_the_sign_of_its_kind(kind: int, sign: str) -> None:
    assert lines_of(Journal().notice(kind, "Parcel: news.")) == f"{sign} Parcel: news.  {ID}"


def test_a_question_shows_what_to_decide_and_how() -> None:
    question = {"question": "Is it good?", "proposal": "red paper", "options": ["approve"], "editable": {"a": 1}}
    interrupt = asked("i1", question)
    interrupt.decision_type = "parcel.v1.Verdict"
    told = lines_of(Journal().notice(WAITING, "Parcel asks: Is it good?", interrupt)).splitlines()
    assert told == [
        f"? Parcel asks: Is it good?  {ID}",
        "  proposal: red paper",
        "  Answer in your own words, or exactly: /decide yes, /decide no REASON, /decide JSON (Verdict)",
    ]


def test_a_long_field_of_a_question_is_cut() -> None:
    told = shown(*question_lines(asked("i1", {"plan": "word " * 1_000})))
    assert len(told) < 1_000
    assert "…" in told


def test_the_end_of_what_is_written_is_shown() -> None:
    assert written(None, 40) == []
    rows = written(Writing("t1", "a", "word " * 500), 40)
    assert len(rows) == WRITTEN_LINES_MAX
    assert all(len(row.plain) <= 40 for row in rows)


def test_a_table_says_of_each_workflow_what_there_is_to_know_first() -> None:
    about = {"workflow_type": "parcel", "phases": ["pack"]}
    rows = [
        model.WorkflowContext(workflow_id="wf_1", status=3, open_interrupts=[Interrupt(), Interrupt()], **about),
        model.WorkflowContext(workflow_id="wf_2", status=2, fraction=0.25, headline="half a box", **about),
        model.WorkflowContext(workflow_id="wf_3", status=5, last_error=error("no van"), **about),
    ]
    told = shown(context_table(GetSessionContextResponse(workflows=rows))).splitlines()[1:]
    assert [row.split()[0] for row in told] == ["wf_1", "wf_2", "wf_3"]
    assert "WAITING" in told[0]
    assert told[0].endswith("asks 2 questions")
    assert "25%" in told[1]
    assert told[1].endswith("pack: half a box")
    assert told[2].endswith("OSError: no van")
