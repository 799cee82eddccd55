"""What a chat shows: messages, notices, questions, bars."""

import pytest
from rich.console import Console

from stretto.cli._chat._story import Story, Writing
from stretto.cli._chat._words import BARS_MAX, WRITTEN_LINES_MAX, bars, written
from stretto.cli._live import WorkflowView
from stretto.cli._sessions import context_table, message_lines, question_lines
from stretto.session.v1 import session_pb2 as model
from stretto.session.v1.session_service_pb2 import GetSessionContextResponse
from stretto.workflow.v1.workflow_pb2 import Interrupt, WorkflowStatus
from tests.unit.cli.talking import DECIDED, FAILED, LAUNCHED, SUCCEEDED, WAITING, Journal
from tests.unit.cli.telling import ID, Teller, asked, error


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


def test_a_bar_says_type_phase_share_and_headline() -> None:
    teller, view = Teller(), WorkflowView(ID)
    view.apply(teller.accepted())
    assert shown(*bars([view], 80)) == "○ parcel  ────────────   0%"
    view.apply(teller.starts("wrap_it_up", "s1"))
    view.apply(teller.tells("wrap_it_up", "s1", 0.5, "red\npaper"))
    assert shown(*bars([view], 80)) == "▸ parcel  wrap it up  ━━━━━━──────  50%  red paper"
    assert shown(*bars([view], 20)) == "▸ parcel  wrap it u…"


def test_a_bar_of_a_workflow_that_asks_says_so() -> None:
    teller, view = Teller(), WorkflowView(ID)
    for event in (teller.accepted(), teller.starts("ask", "s1"), teller.asks(asked("i1", "go?"))):
        view.apply(event)
    assert shown(*bars([view], 80)) == "? parcel  ask  waits for your answer"


def views(count: int) -> list[WorkflowView]:
    made = [WorkflowView(f"wf_{number:04}") for number in range(count)]
    for view in made:
        view.workflow_type, view.status = "parcel", WorkflowStatus.WORKFLOW_STATUS_RUNNING
    return made


def test_workflows_of_one_type_are_told_apart() -> None:
    assert [line.split("  ")[0] for line in shown(*bars(views(2), 80)).splitlines()] == [
        "▸ parcel …0000",
        "▸ parcel …0001",
    ]


def test_many_workflows_do_not_push_the_conversation_away() -> None:
    lines = shown(*bars(views(30), 80)).splitlines()
    assert len(lines) == BARS_MAX
    assert lines[-1] == "… 23 more; /status shows them"
    assert shown(*bars(views(3), 80, 1)) == "… 3 more; /status shows them"


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


def test_a_story_without_workflows_has_no_bars() -> None:
    assert bars(list(Story().views.values()), 80) == []
