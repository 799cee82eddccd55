"""Views as pictures of a certain width and height."""

import time

import pytest
from google.protobuf import struct_pb2
from rich.console import Console

from stretto.cli._live import Break, Scene, WorkflowView, render
from stretto.cli._live._words import decide_command, elapsed, question
from stretto.workflow.v1 import progress_event_pb2 as events
from tests.unit.cli.telling import BEGAN, ID, Teller, asked, error


@pytest.fixture
def tell():
    return Teller()


def fold(*told, workflow_id=ID):
    view = WorkflowView(workflow_id)
    for event in told:
        view.apply(event)
    return view


def picture(*views, width=80, lines_max=None, second=100, results=None, again=""):
    console = Console(width=width, markup=False, highlight=False, emoji=False, record=True, file=None)
    with console.capture() as captured:
        console.print(render(views, Scene(BEGAN + second, width, results or {}, again), lines_max))
    return captured.get().rstrip("\n").split("\n")


@pytest.mark.parametrize("width", [20, 80, 120])
def test_no_line_is_wider_than_the_screen(tell, width):
    view = fold(
        tell.accepted(),
        tell.starts("a" * 50, "s1"),
        tell.tells("a" * 50, "s1", 0.5, "word " * 50),
        tell.says("a" * 50, "s1", "宽" * 200),
        tell.starts("a" * 50 + "/b", "s2"),
        tell.retries("a" * 50 + "/b", "s2", 1, 30),
    )
    render_lines = render([view], Scene(BEGAN + 20, width, {}), None).renderables
    assert all(line.cell_len <= width for line in render_lines)
    assert len(picture(view, width=width)) == len(render_lines)


def test_the_head_tells_id_type_status_share_headline_time_and_sequence(tell):
    view = fold(tell.accepted(), tell.starts("pack", "s1"), tell.tells("pack", "s1", 0.42, "halfway"))
    head = picture(view, width=120, second=66)[0]
    assert head.startswith(f"▸ {ID}  parcel  RUNNING  42%  halfway")
    assert head.endswith("1 min 05 s  #3")


def test_a_running_step_has_a_bar_a_message_and_a_ticking_time(tell):
    view = fold(tell.accepted(), tell.starts("pack", "s1"), tell.tells("pack", "s1", 0.5, "box 5 of 10"))
    assert picture(view, second=4)[1].split() == [
        "▸",
        "pack",
        "━━━━━━──────",
        "50%",
        "box",
        "5",
        "of",
        "10",
        "2.0",
        "s",
    ]
    assert picture(view, second=9)[1].endswith("7.0 s")


def test_a_retry_counts_down_and_says_why(tell):
    view = fold(tell.accepted(), tell.starts("book", "s1"), tell.retries("book", "s1", 1, next_second=10))
    assert "↻ book  attempt 2 in 2.5 s; attempt 1 failed: OSError: no van is free" in picture(view, second=7.5)[1]
    assert "attempt 2 soon" in picture(view, second=11)[1]


def test_later_attempts_are_counted_and_say_why_there_are_several(tell):
    view = fold(
        tell.starts("book", "s1"), tell.retries("book", "s1", 1, next_second=3), tell.starts("book", "s1", attempt=2)
    )
    assert "▸ book  attempt 2  before: OSError: no van is free" in picture(view)[1]


def test_nested_steps_are_indented_below_their_own(tell):
    view = fold(tell.starts("write", "s1"), tell.starts("write/think", "s2"), tell.starts("print", "s3"))
    assert [line.split("  1 min")[0].rstrip() for line in picture(view)[1:]] == [
        "  ▸ write",
        "    ▸ think",
        "  ▸ print",
    ]


def test_parallel_executions_show_the_ends_of_their_ids(tell):
    view = fold(tell.starts("page", "one-aaaa"), tell.starts("page", "two-bbbb"))
    assert "page  aaaa" in picture(view)[1]
    assert "page  bbbb" in picture(view)[2]


def test_streamed_text_shows_its_last_lines_while_it_streams(tell):
    told = [tell.starts("think", "s1"), *(tell.says("think", "s1", f"word{number} ") for number in range(100))]
    view = fold(*told)
    lines = picture(view)
    assert len(lines) == 5
    assert lines[-1].endswith("word99")
    view.apply(tell.finishes("think", "s1"))
    assert len(picture(view)) == 2


def test_a_question_comes_with_the_command_that_answers_it(tell):
    view = fold(tell.accepted(), tell.starts("ask", "s1"), tell.asks(asked("q1", "go on?")))
    assert picture(view, again=" --server there:1")[-2:] == [
        "  ? ask asks: go on?",
        f"    stretto decide {ID} --server there:1",
    ]


def test_several_questions_are_named_in_their_commands(tell):
    view = fold(tell.accepted(), tell.asks(asked("q1", "left?")), tell.asks(asked("q2", "right?")))
    assert f"    stretto decide {ID} \\" in picture(view)
    assert "      --interrupt q2" in picture(view)


def test_a_lost_connection_counts_down(tell):
    view = fold(tell.accepted())
    view.broken = Break("nobody listens", time.monotonic() + 60)
    assert picture(view)[1].startswith("  ! connection lost, trying again in ")
    view.broken = Break("nobody listens", time.monotonic() - 1)
    assert picture(view)[1] == "  ! connection lost, trying again now: nobody listens"


def test_the_result_is_printed_whole_at_the_end(tell):
    view = fold(tell.accepted(), tell.completes({"answer": 1}))
    assert picture(view, results={ID: {"answer": 1}})[1:] == ["  {", '    "answer": 1', "  }"]


def test_an_error_at_the_end_is_not_cut(tell):
    view = fold(tell.accepted(), tell(failed=events.WorkflowFailed(error=error("word " * 40))))
    assert "".join(picture(view)[1:]).count("word") == 40


def test_the_cause_of_a_cancel_is_shown(tell):
    view = fold(tell.accepted(), tell(cancelled=events.WorkflowCancelled(cause="too late")))
    assert picture(view)[1] == "  cancelled: too late"


def test_control_characters_of_a_server_do_not_reach_the_terminal(tell):
    view = fold(tell.starts("a", "s1"), tell.tells("a", "s1", 0.1, "\x1b[31mred\x07"), tell.says("a", "s1", "\x1b[2Jx"))
    assert "\x1b" not in "".join(picture(view))


@pytest.mark.parametrize("lines_max", [1, 2, 3, 5, 8, 20, 40])
@pytest.mark.parametrize("workflows", [1, 2, 7, 30])
def test_a_small_screen_is_never_overrun(lines_max, workflows):
    views = []
    for number in range(workflows):
        tell = Teller()
        told = [tell.accepted()]
        for step in range(number % 9):
            told += [
                tell.starts(f"n{step}", f"s{step}"),
                *([tell.finishes(f"n{step}", f"s{step}")] if step % 2 else []),
            ]
        views.append(fold(*told, workflow_id=f"wf_{number}"))
    assert len(picture(*views, lines_max=lines_max)) <= lines_max


def test_what_runs_stays_when_what_finished_is_folded():
    tell = Teller()
    told = [tell.accepted(), tell.starts("slow", "slow")]
    for number in range(50):
        told += [tell.starts(f"quick{number}", f"q{number}"), tell.finishes(f"quick{number}", f"q{number}")]
    lines = picture(fold(*told), lines_max=10)
    assert len(lines) == 10
    assert "▸ slow" in lines[1]
    assert "quick49" in lines[-2]
    assert lines[-1] == "  … 43 more lines"


def test_of_many_workflows_those_under_way_stay_in_sight():
    ended, going = Teller(), Teller()
    views = [fold(ended.accepted(), ended.completes({}), workflow_id=f"wf_ended{number}") for number in range(30)]
    views.append(fold(going.accepted(), workflow_id="wf_going"))
    lines = picture(*views, lines_max=10)
    assert lines[0].startswith("○ wf_going")
    assert lines[-1] == "… 22 more workflows"


def test_steps_under_way_matter_more_than_the_results_of_others():
    ended, going = Teller(), Teller()
    views = [
        fold(ended.accepted(), ended.completes({"a": 1, "b": 2}), workflow_id="wf_ended"),
        fold(going.accepted(), *(going.starts(f"n{number}", f"s{number}") for number in range(3))),
    ]
    lines = picture(*views, lines_max=7, results={"wf_ended": {"a": 1, "b": 2}})
    assert [line.split()[1] for line in lines[-3:]] == ["n0", "n1", "n2"]
    assert lines[1] == "  … 4 more lines"


def test_thousands_of_steps_under_way_fit_the_screen():
    tell = Teller()
    view = fold(*(tell.starts("page", f"s{number}") for number in range(10_000)))
    assert len(picture(view, lines_max=30)) == 30


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        ("go on?", "go on?"),
        ({"question": "Pay 60?"}, "Pay 60?"),
        ({"question": "Pay?", "amount": 60}, 'Pay? {"amount": 60}'),
        ({"a": [1, 2.5]}, '{"a": [1, 2.5]}'),
        (None, "null"),
        ("two\nlines", "two lines"),
    ],
)
def test_questions_are_told_in_a_line(asks, told):
    value = asked("q", asks).question if asks is not None else struct_pb2.Value(null_value=0)
    assert question(value) == told


def test_an_interrupt_of_a_strange_name_cannot_break_out_of_the_command():
    assert decide_command(ID, asked("x; rm", "?"), alone=False)[1] == "  --interrupt 'x; rm'"


@pytest.mark.parametrize(
    ("seconds", "told"), [(-1, "0.0 s"), (59.94, "59.9 s"), (61, "1 min 01 s"), (3_661, "1 h 01 min")]
)
def test_times_tick_in_words(seconds, told):
    assert elapsed(seconds) == told
