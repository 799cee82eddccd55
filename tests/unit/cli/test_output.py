"""Where a command writes, and what it never lets through."""

import json
import os

import pytest
from rich.text import Text

from stretto.cli._exits import CommandError, Exit
from stretto.cli._output import Output, clean
from stretto.cli._tables import cell, indented, table


def test_control_characters_are_made_visible() -> None:
    assert clean("a\x1b[31mb\x07\x9bc\r\x00") == "a\\x1b[31mb\\x07\\x9bc\\r\\x00"
    assert clean("\u202egnp.exe") == "\\u202egnp.exe"
    assert clean("two\n\tlines, ünïcode → 漢字") == "two\n\tlines, ünïcode → 漢字"


def test_text_is_never_read_as_markup(capsys) -> None:
    Output().show("[red]a[/red] :smile: [link=x]b", Text("[bold]c"))
    assert capsys.readouterr().out == "[red]a[/red] :smile: [link=x]b\n[bold]c\n"


def test_with_json_only_json_goes_to_stdout(capsys) -> None:
    output = Output(as_json=True)
    output.show("text")
    output.raw("text")
    output.note("text")
    output.line({"a": "ä"})
    output.document({"b": 1})
    captured = capsys.readouterr()
    assert captured.out == '{"a": "ä"}\n{\n  "b": 1\n}\n'
    assert captured.err == ""


def test_json_does_not_steer_a_terminal(capsys) -> None:
    value = {"ü": "\x1b[2J\x7f\x9b2J\u202e漢\U000e0001"}
    Output(as_json=True).line(value)
    out = capsys.readouterr().out
    assert out == '{"ü": "\\u001b[2J\\u007f\\u009b2J\\u202e漢\\udb40\\udc01"}\n'
    assert json.loads(out) == value


def test_without_json_no_json_goes_to_stdout(capsys) -> None:
    output = Output()
    output.line({"a": 1})
    output.document({"b": 1})
    output.note("a note")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "a note\n")


def test_a_failure_is_one_line_or_one_object(capsys) -> None:
    error = CommandError("it is wrong\x1b[2J", Exit.REFUSED, reason="WRONG")
    Output().fail(error)
    assert capsys.readouterr().err == "stretto: it is wrong\\x1b[2J\n"
    Output(as_json=True).fail(error)
    said = json.loads(capsys.readouterr().err)["error"]
    assert said == {"exit_code": 7, "exit": "REFUSED", "message": "it is wrong\x1b[2J", "reason": "WRONG"}


def test_on_a_terminal_prose_breaks_between_words_and_lines_do_not(capsys, monkeypatch) -> None:
    out = Output()
    for console in (out.console, out.errors):
        monkeypatch.setattr(console, "_force_terminal", True)
        monkeypatch.setattr(console, "_color_system", None)
        console._width = 20
    out.show("one two three four five", Text("one two three four five"))
    out.note("one two three four five")
    out.fail(CommandError("one two three four five"))
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["one two three four", "five", "one two three four five"]
    assert captured.err.splitlines() == ["one two three four", "five", "stretto: one two", "three four five"]


def test_long_lines_stay_lines_where_nobody_looks(capsys) -> None:
    Output().show("x " * 5000, cell("y " * 4000))
    first, second = capsys.readouterr().out.splitlines()
    assert (len(first), len(second)) == (9999, 7999)


def test_a_row_stays_a_line_where_nobody_looks(capsys, monkeypatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    made = table("id", "text", gives_way="text")
    made.add_row(cell("i" * 30), cell("word " * 30))
    Output().show(made)
    assert capsys.readouterr().out.splitlines()[1:] == [f"{'i' * 30}  {'word ' * 29}word"]


@pytest.mark.parametrize("columns", [20, 60])
def test_only_the_column_that_gives_way_is_wrapped_or_cut(capsys, monkeypatch, columns) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    made = table("id", "text", gives_way="text")
    made.add_row(cell("i" * 30), cell("word " * 30, cut=True))
    made.add_row(cell("j" * 30), cell("word " * 30))
    Output().show(made)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("i" * 30)
    assert lines[1].endswith("…")
    assert lines[2].startswith("j" * 30)
    assert len(lines) > 4


def test_what_is_printed_follows_the_size_of_the_terminal(capsys, monkeypatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    out = Output()
    monkeypatch.setattr(out.console, "_force_terminal", True)
    out.console._width = None  # As on a terminal, which is asked for its size each time.
    wide = table("id")
    wide.add_row(cell("x" * 90))
    for columns in (30, 60, 40):
        monkeypatch.setattr("os.get_terminal_size", lambda *_, columns=columns: os.terminal_size((columns, 20)))
        out.show(wide, indented(Text("word " * 40)))
        lines = [line for line in capsys.readouterr().out.splitlines() if "word" in line]
        assert columns - 6 < max(len(line.rstrip()) for line in lines) <= columns
