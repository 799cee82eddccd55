"""Branches as rows of a picture, and as plain lines."""

from typing import Any

import pytest
from rich.console import Console

from stretto.cli._live import Scene, WorkflowView, line_of, render
from stretto.cli._live._rows import BRANCHES_MAX, FAILURES_MAX
from tests.unit.cli.telling import BEGAN, ID, Teller, branch


class Asking:
    """A workflow whose step `ask` asks sources side by side."""

    def __init__(self) -> None:
        self.tell, self.view = Teller(), WorkflowView(ID)
        self.view.apply(self.tell.accepted(second=0))
        self.view.apply(self.tell.starts("ask", "ask", second=0))

    def asks(self, source: str, item: str = "", timeout: str = "5s", second: float = 0.0) -> None:
        self.view.apply(self.tell.starts(f"ask/{source}", source + item, second=second))
        self.says(source, item, second=second, started={"timeout": timeout})

    def says(self, source: str, item: str = "", message: str = "", second: float = 1.0, **kind: Any) -> None:
        told = self.tell.tells(f"ask/{source}", source + item, message=message, second=second)
        self.view.apply(told, branch(source, item, **kind))

    def waits(self, source: str, *items: str) -> None:
        for item in items:
            self.view.apply(self.tell.starts(f"ask/{source}", source + item, second=0))

    def answers(self, source: str, item: str = "", latency: str = "0.05s", attempts: int = 1) -> None:
        self.says(source, item, succeeded={"latency": latency, "attempts": attempts})
        self.view.apply(self.tell.finishes(f"ask/{source}", source + item, second=1))

    def fails(self, source: str, item: str = "", reason: str = "TIMEOUT", **more: Any) -> None:
        told = {"reason": f"BRANCH_FAILURE_REASON_{reason}", "latency": "5s", "attempts": 1} | more
        self.says(source, item, failed=told)
        self.view.apply(self.tell.finishes(f"ask/{source}", source + item, second=1))

    def rows(self, width: int = 80, second: float = 1.2, lines_max: int | None = None) -> list[str]:
        """What is drawn below the step `ask`."""
        console = Console(width=width, markup=False, highlight=False, emoji=False)
        with console.capture() as captured:
            console.print(render([self.view], Scene(BEGAN + second, width, {}), lines_max))
        return [line.rstrip() for line in captured.get().splitlines()][2:]


@pytest.fixture
def asking() -> Asking:
    return Asking()


def test_a_branch_shows_its_source_its_time_and_its_limit(asking: Asking) -> None:
    asking.asks("metrics")
    assert asking.rows(second=1.2) == ["    ▸ metrics  ╍╍╍─────────  1.2 of 5.0 s"]
    assert asking.rows(second=70) == ["    ▸ metrics  ╍╍╍╍╍╍╍╍╍╍╍╍  1 min 10 s of 5.0 s"]


def test_a_branch_without_a_limit_only_tells_its_time(asking: Asking) -> None:
    asking.asks("metrics", timeout="0s")
    assert asking.rows() == ["    ▸ metrics  ────────────  1.2 s"]


def test_a_branch_that_gets_on_shows_its_own_share_and_message(asking: Asking) -> None:
    asking.asks("metrics")
    asking.says("metrics", message="3 of 6 hosts", advanced={"fraction": 0.5})
    assert asking.rows() == ["    ▸ metrics  ━━━━━━──────  50%   1.2 of 5.0 s  3 of 6 hosts"]


def test_a_branch_that_answered_is_full_and_says_how_long_it_took(asking: Asking) -> None:
    asking.asks("metrics")
    asking.answers("metrics", latency="0.314s")
    asking.asks("logs")
    asking.answers("logs", latency="1.25s", attempts=2)
    asking.asks("tickets")
    asking.answers("tickets", latency="0.0021s")
    assert asking.rows() == [
        "    ✓ metrics  ━━━━━━━━━━━━  answered in 0.31 s",
        "    ✓ logs     ━━━━━━━━━━━━  answered in 1.2 s (2 attempts)",
        "    ✓ tickets  ━━━━━━━━━━━━  answered in 2.1 ms",
    ]


@pytest.mark.parametrize(
    ("latency", "words"),
    [
        ("0s", "at once"),
        ("0.00003s", "at once"),
        ("0.0003s", "in 0.3 ms"),
        ("0.00996s", "in 10.0 ms"),
        ("0.01s", "in 0.01 s"),
    ],
)
def test_an_answer_that_takes_next_to_no_time_shows_no_noughts(asking: Asking, latency: str, words: str) -> None:
    asking.asks("metrics")
    asking.answers("metrics", latency=latency)
    assert asking.rows() == [f"    ✓ metrics  ━━━━━━━━━━━━  answered {words}"]


def test_a_branch_that_never_had_its_turn_tells_of_no_time(asking: Asking) -> None:
    asking.fails("metrics", reason="TOTAL_TIMEOUT", latency="0s", message="no time")
    assert asking.rows() == ["    ✗ metrics  ━━━━━━━━━━━━  given up: no time"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("ERROR", "failed after 5.0 s: too slow"),
        ("TIMEOUT", "timed out after 5.0 s: too slow"),
        ("TOTAL_TIMEOUT", "given up after 5.0 s: too slow"),
        ("WRONG_TYPE", "wrong answer after 5.0 s: too slow"),
        ("UNSPECIFIED", "failed after 5.0 s: too slow"),
    ],
)
def test_a_branch_that_failed_has_a_cross_though_its_step_completed(asking: Asking, reason: str, words: str) -> None:
    asking.asks("metrics")
    asking.fails("metrics", reason=reason, message="too\nslow")
    assert asking.rows(width=120) == [f"    ✗ metrics  ━━━━━━━━━━━━  {words}"]


def test_outcomes_have_their_colours(asking: Asking) -> None:
    for source in ("good", "bad"):
        asking.asks(source)
    asking.answers("good")
    asking.fails("bad")
    _, _, good, bad = render([asking.view], Scene(BEGAN + 1, 80, {})).renderables
    assert {span.style for span in good.spans} == {"green"}
    assert {span.style for span in bad.spans} == {"red"}


def test_bars_stand_in_one_column_and_items_tell_branches_apart(asking: Asking) -> None:
    asking.asks("metrics")
    for item in ("nightly-export-of-all-invoices-1", "nightly-export-of-all-invoices-2", "宽" * 30):
        asking.asks("jobs", item)
    rows = asking.rows()
    assert rows[1].startswith("    ▸ jobs · night…ll-invoices-1  ╍")
    assert rows[2].startswith("    ▸ jobs · night…ll-invoices-2  ╍")
    cells = Console()
    assert len({cells.render_str(row[: row.index("╍")]).cell_len for row in rows}) == 1


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
def test_no_row_is_wider_than_the_screen(asking: Asking, width: int) -> None:
    asking.asks("metrics")
    asking.fails("metrics", message="word " * 50)
    asking.asks("宽" * 40, "item" * 20)
    asking.says("宽" * 40, "item" * 20, "word " * 50, advanced={"fraction": 0.5})
    lines = render([asking.view], Scene(BEGAN + 20, width, {})).renderables
    assert all(line.cell_len <= width for line in lines)


def test_a_narrow_screen_has_shorter_bars(asking: Asking) -> None:
    asking.asks("metrics")
    asking.answers("metrics")
    assert asking.rows(width=60) == ["    ✓ metrics  ━━━━━━  answered in 0.05 s"]


def test_control_characters_of_a_source_do_not_reach_the_terminal(asking: Asking) -> None:
    asking.asks("a\x1b[2J", "b\x07")
    asking.fails("a\x1b[2J", "b\x07", message="\x1b[31m")
    assert "\x1b" not in "".join(asking.rows())
    assert "\x1b" not in line_of(asking.tell.tells("a", "s"), branch=branch("a\x1b[2J", failed={"message": "\x1b"}))


def test_many_answers_share_a_row_and_all_else_keeps_its_own(asking: Asking) -> None:
    for number in range(BRANCHES_MAX + 1):
        asking.asks("jobs", f"{number:02}")
    asking.fails("jobs", "00")
    for number in range(1, 13):
        asking.answers("jobs", f"{number:02}", latency=f"{number / 10}s")
    rows = asking.rows()
    assert [row.split()[:4] for row in rows] == [
        ["✗", "jobs", "·", "00"],
        *(["▸", "jobs", "·", str(number)] for number in range(13, 21)),
        ["✓", "12", "more", "━━━━━━━━━━━━"],
    ]
    assert rows[-1].endswith("answered in 0.10 s to 1.2 s")


def test_when_all_of_many_answered_the_row_says_so(asking: Asking) -> None:
    for number in range(BRANCHES_MAX + 1):
        asking.asks("jobs", f"{number:02}")
        asking.answers("jobs", f"{number:02}")
    assert asking.rows() == ["    ✓ all 21  ━━━━━━━━━━━━  answered in 0.05 s"]


@pytest.mark.parametrize(("slowest", "words"), [("0s", "at once"), ("1.2s", "in at most 1.2 s")])
def test_many_answers_that_took_next_to_no_time_show_no_noughts(asking: Asking, slowest: str, words: str) -> None:
    for number in range(BRANCHES_MAX + 1):
        asking.asks("jobs", f"{number:02}")
        asking.answers("jobs", f"{number:02}", latency=slowest if number == 1 else "0s")
    assert asking.rows() == [f"    ✓ all 21  ━━━━━━━━━━━━  answered {words}"]


def some(first: int, last: int) -> list[str]:
    return [f"{number:03}" for number in range(first, last)]


def test_those_that_wait_for_their_turn_share_a_row_without_a_clock(asking: Asking) -> None:
    asking.waits("item", *some(0, 200))
    for item in some(0, 8):
        asking.says("item", item, started={"timeout": "5s"})
    rows = asking.rows(second=3)
    assert rows[:-1] == [f"    ▸ item · {item}  ╍╍╍╍╍───────  2.0 of 5.0 s" for item in some(0, 8)]
    assert rows[-1] == "    ○ item        192 wait for their turn"


def test_the_last_one_waits_alone_and_each_source_for_itself(asking: Asking) -> None:
    asking.asks("item", "a")
    asking.asks("job", "a")
    asking.waits("item", "b")
    asking.waits("job", "b", "c")
    asking.view.apply(asking.tell.starts("ask/joining", "joining", second=1))
    assert [row.split(maxsplit=2) for row in asking.rows()][2:4] == [
        ["○", "item", "1 waits for its turn"],
        ["○", "job", "2 wait for their turn"],
    ]
    assert "▸ joining" in asking.rows()[-1]


def test_those_that_were_never_asked_say_so(asking: Asking) -> None:
    asking.asks("item", "a")
    asking.waits("item", "b", "c")
    asking.view.apply(asking.tell.fails("ask", "ask", second=2.5))
    assert asking.rows(second=60)[-1] == "    ■ item      2 never asked"


def test_nodes_that_are_no_sources_do_not_wait_for_a_turn(asking: Asking) -> None:
    asking.waits("page", "a", "b")
    assert len([row for row in asking.rows() if "▸ page" in row]) == 2


def test_of_many_failures_the_last_have_rows_and_the_others_share_one(asking: Asking) -> None:
    for item in some(0, BRANCHES_MAX + 1):
        asking.asks("item", item)
        asking.fails("item", item, reason="ERROR" if item == "003" else "TIMEOUT")
    rows = asking.rows()
    assert [row.split()[3] for row in rows[:-1]] == some(BRANCHES_MAX + 1 - FAILURES_MAX, BRANCHES_MAX + 1)
    assert rows[-1] == "    ✗ 13 more     ━━━━━━━━━━━━  12 timed out, 1 failed"


@pytest.mark.parametrize("failed", [0, 1, 40])
def test_on_a_usual_screen_those_that_are_asked_and_all_counts_are_seen(asking: Asking, failed: int) -> None:
    """Two hundred items, eight at once."""
    asking.waits("item", *some(0, 200))
    for item in some(0, 80):
        asking.says("item", item, started={"timeout": "5s"})
    for item in some(0, failed):
        asking.fails("item", item)
    for item in some(failed, 72):
        asking.answers("item", item)
    rows = asking.rows(lines_max=23)
    assert sum("▸ item · " in row for row in rows) == 8
    assert sum("✗ item · " in row for row in rows) == min(failed, FAILURES_MAX)
    assert any(f"✓ {72 - failed} more " in row for row in rows)
    assert any(row.endswith("120 wait for their turn") for row in rows)


def test_on_a_small_screen_failures_come_first_then_what_is_asked_then_counts(asking: Asking) -> None:
    asking.waits("item", *some(0, 30))
    for item in some(0, 6):
        asking.says("item", item, started={"timeout": "5s"})
    asking.fails("item", "000")
    asking.answers("item", "001")
    asking.answers("item", "002")
    signs = [[row.split()[0] for row in asking.rows(lines_max=lines)] for lines in (4, 6, 7, 8)]
    assert signs == [["✗", "…"], ["✗", "▸", "▸", "…"], ["✗", "▸", "▸", "▸", "…"], ["✗", "▸", "▸", "▸", "○", "✓"]]


def test_a_thousand_that_wait_do_not_hide_those_that_are_asked(asking: Asking) -> None:
    asking.waits("item", *some(0, 1000))
    for item in some(0, 8):
        asking.says("item", item, started={"timeout": "5s"})
    rows = asking.rows(lines_max=23)
    assert sum("▸ item · 00" in row for row in rows) == 8
    assert rows[-1].endswith("992 wait for their turn")


def test_some_branches_all_have_their_rows(asking: Asking) -> None:
    for number in range(BRANCHES_MAX):
        asking.asks("jobs", f"{number:02}")
        asking.answers("jobs", f"{number:02}")
    assert len(asking.rows()) == BRANCHES_MAX


def test_on_a_small_screen_failures_outlive_answers(asking: Asking) -> None:
    for source in ("a", "b", "c"):
        asking.asks(source)
        asking.answers(source)
    asking.asks("d")
    asking.fails("d")
    rows = asking.rows(lines_max=4)
    assert [row.split()[:2] for row in rows] == [["✗", "d"], ["…", "3"]]


def test_the_time_of_a_branch_goes_on_over_its_attempts(asking: Asking) -> None:
    asking.asks("metrics")
    asking.says("metrics", advanced={"fraction": 0.5})
    asking.view.apply(asking.tell.retries("ask/metrics", "metrics", 1, next_second=3, second=1))
    (row,) = asking.rows(width=120)
    assert row == "    ↻ metrics  ━━━━━━──────  attempt 2 in 1.8 s; attempt 1 failed: OSError: no van is free"
    asking.view.apply(asking.tell.starts("ask/metrics", "metrics", attempt=2, second=3))
    (row,) = asking.rows(width=120, second=4)
    assert row == "    ▸ metrics  ╍╍╍╍╍╍╍╍╍╍──  4.0 of 5.0 s  attempt 2  before: OSError: no van is free"


def test_a_branch_that_is_taken_up_after_a_break_waits_for_its_turn(asking: Asking) -> None:
    asking.asks("metrics")
    asking.view.apply(asking.tell.starts("ask/metrics", "metrics", attempt=2, second=3))
    (row,) = asking.rows(second=4)
    assert row == "    ▸ metrics  ────────────  attempt 2" + "1.0 s".rjust(80 - 38)


def test_a_branch_that_was_cut_off_stops_where_it_was(asking: Asking) -> None:
    asking.asks("metrics")
    asking.view.apply(asking.tell.fails("ask", "ask", second=2.5))
    assert asking.rows(second=60) == ["    ■ metrics  ╍╍╍╍╍╍──────"]


@pytest.mark.parametrize(
    ("kind", "message", "sign", "words"),
    [
        ({"started": {"timeout": "5s"}}, "asking", "·", "metrics: asked, 5.0 s at most"),
        ({"started": {}}, "", "·", "metrics: asked"),
        ({"advanced": {"fraction": 0.42}}, "host 3", "·", "metrics: 42% host 3"),
        ({"advanced": {"fraction": 0.42}}, "", "·", "metrics: 42%"),
        ({"succeeded": {"latency": "0.05s", "attempts": 1}}, "there", "✓", "metrics: answered in 0.05 s"),
        (
            {"failed": {"reason": "BRANCH_FAILURE_REASON_TIMEOUT", "message": "m", "latency": "5s", "attempts": 3}},
            "gone",
            "✗",
            "metrics: timed out after 5.0 s (3 attempts): m",
        ),
    ],
)
def test_a_plain_line_says_what_a_branch_tells(kind: Any, message: str, sign: str, words: str) -> None:
    event = Teller().tells("ask/metrics", "s1", 0.5, message)
    line = line_of(event, branch=branch("metrics", **kind))
    assert line.endswith(f"  {sign}  ask/metrics  {words}")
    assert line_of(event).endswith(f"  ·  ask/metrics  50%{' ' * bool(message)}{message}")
