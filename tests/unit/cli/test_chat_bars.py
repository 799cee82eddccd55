"""What a chat shows of what goes on: a bar for each workflow, and one for each branch while there is room."""

import pytest
from rich.console import Console

from stretto.cli._chat import Story
from stretto.cli._chat._bars import BARS_MAX, bars, ticking
from stretto.cli._live import WorkflowView
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus
from tests.unit.cli.telling import BEGAN, ID, Teller, asked, branch


def drawn(views: list[WorkflowView], width: int = 80, lines_max: int = BARS_MAX, second: float = 1.2) -> str:
    console = Console(width=100, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(*bars(views, width, BEGAN + second, lines_max), sep="\n")
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def test_a_bar_says_type_phase_share_and_headline() -> None:
    teller, view = Teller(), WorkflowView(ID)
    view.apply(teller.accepted())
    assert drawn([view], 80) == "○ parcel  ────────────   0%"
    view.apply(teller.starts("wrap_it_up", "s1"))
    view.apply(teller.tells("wrap_it_up", "s1", 0.5, "red\npaper"))
    assert drawn([view], 80) == "▸ parcel  wrap it up  ━━━━━━──────  50%  red paper"
    assert drawn([view], 20) == "▸ parcel  wrap it u…"


def test_a_bar_of_a_workflow_that_asks_says_so() -> None:
    teller, view = Teller(), WorkflowView(ID)
    for event in (teller.accepted(), teller.starts("ask", "s1"), teller.asks(asked("i1", "go?"))):
        view.apply(event)
    assert drawn([view], 80) == "? parcel  ask  waits for your answer"


def views(count: int) -> list[WorkflowView]:
    made = [WorkflowView(f"wf_{number:04}") for number in range(count)]
    for view in made:
        view.workflow_type, view.status = "parcel", WorkflowStatus.WORKFLOW_STATUS_RUNNING
    return made


def test_workflows_of_one_type_are_told_apart() -> None:
    assert [line.split("  ")[0] for line in drawn(views(2), 80).splitlines()] == [
        "▸ parcel …0000",
        "▸ parcel …0001",
    ]


def test_many_workflows_do_not_push_the_conversation_away() -> None:
    lines = drawn(views(30), 80).splitlines()
    assert len(lines) == BARS_MAX
    assert lines[-1] == "… 23 more; /status shows them"
    assert drawn(views(3), 80, 1) == "… 3 more; /status shows them"


def asking(*sources: str, workflow_id: str = ID) -> tuple[Teller, WorkflowView]:
    tell, view = Teller(), WorkflowView(workflow_id)
    view.apply(tell.accepted())
    view.apply(tell.starts("ask", "ask"))
    for source in sources:
        view.apply(tell.starts(f"ask/{source}", source))
        view.apply(tell.tells(f"ask/{source}", source, second=0), branch(source, started={"timeout": "5s"}))
    return tell, view


def test_branches_stand_below_their_workflow() -> None:
    tell, view = asking("metrics", "logs", "jobs")
    told = branch("metrics", succeeded={"latency": "0.05s"})
    view.apply(tell.tells("ask/metrics", "metrics", 0.4), told)
    view.apply(tell.finishes("ask/metrics", "metrics"))
    view.apply(tell.tells("ask/jobs", "jobs"), branch("jobs", failed={"latency": "0.5s", "message": "gone"}))
    assert drawn([view]).splitlines() == [
        "▸ parcel  ask  ━━━━━───────  40%",
        "  ✓ metrics  ━━━━━━━━  answered in 0.05 s",
        "  ▸ logs     ╍╍──────  1.2 of 5.0 s",
        "  ✗ jobs     ━━━━━━━━  failed after 0.50 s: gone",
    ]


def test_answers_go_with_the_step_that_asked() -> None:
    tell, view = asking("metrics")
    view.apply(tell.tells("ask/metrics", "metrics"), branch("metrics", succeeded={"latency": "0.05s"}))
    view.apply(tell.finishes("ask/metrics", "metrics"))
    assert len(drawn([view]).splitlines()) == 2
    view.apply(tell.finishes("ask", "ask"))
    assert len(drawn([view]).splitlines()) == 1


def test_branches_that_do_not_fit_share_a_line() -> None:
    tell, view = asking(*(f"s{number}" for number in range(8)))
    view.apply(tell.tells("ask/s0", "s0"), branch("s0", succeeded={"latency": "0.05s"}))
    view.apply(tell.tells("ask/s1", "s1"), branch("s1", failed={"latency": "0.05s"}))
    assert drawn([view]).splitlines()[1:] == ["  8 branches  1 answered  1 failed  6 under way"]
    assert len(drawn([view], lines_max=9).splitlines()) == 9
    assert len(drawn([view], lines_max=1).splitlines()) == 1


def test_no_workflow_takes_the_room_of_another_ones_branches() -> None:
    views = [asking(*"abcde", workflow_id=f"wf_{number:04}")[1] for number in range(2)]
    lines = drawn(views, lines_max=7).splitlines()
    assert [line.split()[0] for line in lines] == ["▸", "5", "▸", "5"]
    lines = drawn(views, lines_max=8).splitlines()
    assert [line.split()[0] for line in lines] == ["▸", *"▸▸▸▸▸", "▸", "5"]


@pytest.mark.parametrize("lines_max", [1, 2, 3, 5, 8, 20])
@pytest.mark.parametrize("workflows", [1, 2, 7, 30])
def test_branches_never_take_more_lines_than_there_are(lines_max: int, workflows: int) -> None:
    views = [asking(*"abcdef"[: number % 7], workflow_id=f"wf_{number:04}")[1] for number in range(workflows)]
    lines = drawn(views, 20, lines_max).splitlines()
    assert len(lines) <= lines_max
    assert all(len(line) <= 20 for line in lines)


def test_time_ticks_while_a_branch_is_asked() -> None:
    tell, view = asking("metrics")
    assert ticking([view])
    view.apply(tell.tells("ask/metrics", "metrics"), branch("metrics", succeeded={"latency": "0.05s"}))
    assert not ticking([view])
    assert not ticking([])


def test_a_story_without_workflows_has_no_bars() -> None:
    assert bars(list(Story().views.values()), 80, 0) == []
