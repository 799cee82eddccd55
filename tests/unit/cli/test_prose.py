"""Prose on a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from stretto.cli._prose import wrapped

COMMAND = "stretto watch wf_01kaj5z3n8q4x2m7r6t9v0wybc --server 10.0.0.1:50051"


def test_lines_break_between_words() -> None:
    assert wrapped("Here you can start: project_audit, finance_review", 31).split("\n") == [
        "Here you can start:",
        "project_audit, finance_review",
    ]
    assert wrapped("It fits.  All of it.", 20) == "It fits.  All of it."


@pytest.mark.parametrize("width", [10, 40, 80])
def test_what_people_copy_is_in_one_line(width: int) -> None:
    assert COMMAND in wrapped(f"Started echo. Follow it: {COMMAND}", width)
    assert f"{COMMAND};" in wrapped(f"It goes on; look again: {COMMAND}; or leave it", width)
    assert f"`{COMMAND}`" in wrapped(f"Try `{COMMAND}` now", width)


def test_indented_lines_stay_as_they_are() -> None:
    text = f"Next:\n\n    cd somewhere && {COMMAND}\n"
    assert wrapped(text, 20) == text


def test_wide_characters_take_two_columns() -> None:
    assert wrapped("漢字 漢字 漢字", 9) == "漢字 漢字\n漢字"


@given(st.text(alphabet="ab 漢`;:\n"), st.integers(1, 40))
def test_nothing_is_lost_and_only_single_words_are_too_wide(text: str, width: int) -> None:
    found = wrapped(text, width)
    assert found.split() == text.split()
    for line in found.split("\n"):
        assert cell_len(line) <= width or " " not in line.strip() or "`" in line or line[:1].isspace()
