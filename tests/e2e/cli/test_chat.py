"""`stretto chat`: in pipes, as JSON, in a pseudo-terminal across a kill of the server, and in tmux."""

import asyncio
import re

import pytest

from benchmarks._processes import Service, free_address, stretto_argv
from stretto.client import ClientSync
from tests.e2e.cli.calling import NOBODY
from tests.e2e.cli.terminal import Terminal
from tests.e2e.cli.tmux import TMUX, Window

TRAIN = "I want to train for strength, 3 days a week"
ASKS = "Exercise planning asks: Is this plan for strength good to go?"
DONE = "Exercise planning is done"


class Place:
    """An address and a store, at which servers with the shipped workflows come and go."""

    def __init__(self, folder, *flags):
        self.address = free_address()
        self._folder = folder
        self._flags = flags
        self.service = None

    def up(self):
        argv = stretto_argv(self.address, self._folder / "stretto.db", "stretto.workflows:app")
        self.service = Service([*argv, *self._flags], self.address, self._folder / "log")
        asyncio.run(self.service.ready())
        return self


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Servers by their flags; all tests of the module share them.

    Their workflows take so long that the reply to who starts one comes first.
    """
    known = {}

    def place(*flags):
        flags = flags or ("--pace", "0.1")
        if flags not in known:
            known[flags] = Place(tmp_path_factory.mktemp("place"), *flags).up()
        return known[flags]

    yield place
    for one in known.values():
        one.service.kill()


@pytest.fixture
def chat(stretto, places):
    """The command, calling a server whose workflows take half a second."""
    return lambda *argv, **more: stretto("chat", *argv, server=places().address, **more)


@pytest.fixture
def terminal():
    opened = []

    def open_one(server, *argv):
        opened.append(Terminal("chat", *argv, server=server, width=100))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def window():
    if TMUX is None:
        pytest.skip("tmux is not installed")
    opened = []

    def open_one(server, *argv, **size):
        opened.append(Window("chat", *argv, server=server, **size))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def session_of(text):
    return re.search("ses_[0-9a-z]{26}", text)[0]


def test_lines_of_a_pipe_are_messages_and_it_ends_when_nothing_runs_any_more(chat) -> None:
    done = chat(stdin=f"{TRAIN}\n\nhow is it going?\n")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].startswith("  I have started exercise planning")
    assert re.fullmatch("  started exercise_planning wf_[0-9a-z]{26}", lines[1])
    assert any(line.startswith("  exercise_planning: ") for line in lines), "no answer"
    assert any(line.startswith(f"? {ASKS}") for line in lines), "it ended before the question"
    assert re.fullmatch(r"Session (ses_\w+)\. Come back: stretto chat \1\n", done.err)


def test_what_is_said_later_goes_on_with_the_session_to_its_end(chat) -> None:
    session = session_of(chat("--say", TRAIN).err)
    done = chat(session, "--say", "approve it")
    assert done.code == 0
    assert done.err == ""
    assert "  decided exercise_planning wf_" in done.out
    assert done.out.splitlines()[-1].startswith(f"✓ {DONE}")


def test_a_question_is_decided_exactly_by_a_command(chat) -> None:
    session = session_of(chat("--say", TRAIN).err)
    refused = chat(session, "--say", '/decide {"verdict": "VERDICT_REJECT"}', "--say", "/decide perhaps")
    assert refused.code == 2
    assert "a rejection or an edit needs a reason" in refused.err
    assert "'perhaps' is neither yes nor no" in refused.err
    done = chat(session, "--say", "/decide exercise_planning no too hard for me")
    assert done.code == 0
    assert 'Decided exercise_planning: {"verdict": "VERDICT_REJECT", "reason": "too hard for me"}' in done.out


def test_commands_show_the_session_and_cancel_its_workflows(chat) -> None:
    session = session_of(chat("--say", TRAIN).err)
    done = chat(session, "--say", "/status", "--say", "/workflows", "--say", "/history", "--say", "/help")
    assert done.code == 0
    assert re.search(r"^wf_\w+ +exercise_planning +WAITING +\d+% .* asks 1 question$", done.out, re.MULTILINE)
    assert re.search(r"^wf_\w+ +exercise_planning +WAITING +\d+ s$", done.out, re.MULTILINE)
    assert f"you> {TRAIN}" in done.out
    assert "/decide [WORKFLOW]" in done.out
    cancelled = chat(session, "--say", "/cancel exercise_planning", "--say", "thank you")
    assert "is being cancelled" in cancelled.out
    assert "■ Exercise planning was cancelled" in cancelled.out


def test_json_is_every_event_on_a_line_of_its_own(chat) -> None:
    done = chat("--json", "--say", TRAIN)
    assert (done.code, done.err) == (0, "")
    assert [int(line["sequence"]) for line in done.lines] == list(range(1, len(done.lines) + 1))
    assert done.lines[0]["message"]["text"] == TRAIN
    assert done.lines[-1]["message"]["notice"]["kind"] == "NOTICE_KIND_WAITING"
    assert all(("message" in line) + ("progress" in line) == 1 for line in done.lines)


def test_who_does_not_wait_leaves_with_the_last_reply(stretto, places) -> None:
    address = places("--pace", "5").address
    done = stretto("chat", "--no-wait", "--say", TRAIN, server=address)
    assert done.code == 0
    assert "?" not in done.out
    with ClientSync(address) as client:
        assert client.session(session_of(done.err)).get().active_workflow_count == 1


def test_a_session_that_is_not_there_is_told_or_begun(chat) -> None:
    done = chat("ses_typo", "--say", "hello")
    assert done.code == 3
    assert done.err.startswith("stretto: there is no session ses_typo; `stretto sessions` lists those")
    done = chat("mine", "--new", "--say", "what can you do?")
    assert (done.code, done.err) == (0, "")
    assert "Exercise planning" in done.out
    assert "you> what can you do?" in chat("mine", "--say", "/history").out


def test_no_server_is_one_line(stretto) -> None:
    done = stretto("chat", "--say", "hello", server=NOBODY)
    assert (done.code, done.out) == (6, "")
    assert done.err.startswith(f"stretto: nobody answers at {NOBODY}: start a server")


def test_a_server_without_an_orchestrator_is_one_line(stretto, places) -> None:
    done = stretto("chat", "--say", "hello", "--say", "anybody?", server=places("--no-orchestrator").address)
    assert (done.code, done.out) == (7, "")
    assert done.err.endswith("takes no messages: it was started without the orchestrator\n")
    assert len(done.err.splitlines()) == 1


def test_nothing_said_is_no_session(chat) -> None:
    done = chat(stdin="")
    assert (done.code, done.out) == (0, "")
    assert done.err == "Nothing was said, so there is no session to come back to.\n"


def test_a_terminal_is_talked_through_from_the_greeting_to_the_goodbye(terminal, places) -> None:
    screen = terminal(places("--pace", "0.3").address)
    greeting = screen.until("you>")
    assert "Here you can start: exercise_planning" in greeting
    screen.type(TRAIN)
    drawn = screen.until("Answer in your own words")
    assert drawn.index("I have started exercise planning") < drawn.index(ASKS)
    screen.type("approve it")
    screen.until(DONE)
    screen.type("/quit")
    assert "Come back: stretto chat ses_" in screen.rest()
    assert screen.process.returncode == 0


def test_ctrl_c_drops_the_line_and_twice_leaves(terminal, places) -> None:
    screen = terminal(places().address)
    screen.until("you>")
    screen.type("oops", end="\x03")
    screen.until("Ctrl-C once more leaves")
    screen.type("", end="\x03")
    assert "Nothing was said" in screen.rest()
    assert screen.process.returncode == 0


def test_a_session_is_come_back_to_as_a_shell_takes_its_id(terminal, places) -> None:
    screen = terminal(places().address, "my own", "--new")
    screen.until("you>")
    screen.type("hello")
    screen.until("Hello!")
    screen.type("/quit")
    assert "Come back: stretto chat 'my own'" in screen.rest()


def test_a_session_that_is_deleted_meanwhile_ends_its_chat(terminal, places) -> None:
    screen = terminal(places().address, "short-lived", "--new")
    screen.until("you>")
    screen.type("hello")
    screen.until("Hello!")
    with ClientSync(places().address) as client:
        client.session("short-lived").delete()
    seen = screen.rest()
    assert "This session was deleted." in seen
    assert "Come back" not in seen


def test_a_message_without_a_word_is_a_wrong_call(chat) -> None:
    done = chat("--say", " ")
    assert (done.code, done.err) == (2, "stretto: chat: --say has nothing to say; see stretto chat --help\n")


def test_a_chat_outlives_a_kill_of_the_server(terminal, tmp_path) -> None:
    place = Place(tmp_path, "--pace", "1").up()
    try:
        screen = terminal(place.address)
        screen.until("you>")
        screen.type(TRAIN)
        screen.until("I have started exercise planning")
        place.service.kill()
        screen.until("connection lost, trying again")
        screen.type("how is it going?")
        screen.until("how is it going?")
        place.up()
        drawn = screen.until("Answer in your own words")
        assert "connected again" in drawn
        assert ASKS in drawn
        assert "connection lost" not in drawn
        screen.type("\x04", end="")
        assert "Come back" in screen.rest()
        with ClientSync(place.address) as client:
            (session,) = client.sessions()
            messages = list(client.session(session.session_id).messages())
        assert [one.text for one in messages if one.role == 1] == [TRAIN, "how is it going?"]
        assert len([one for one in messages if one.role == 2]) == 2
    finally:
        place.service.kill()


def test_a_greeting_breaks_between_its_words(window, places) -> None:
    greeting = window(places().address, width=50).until("you>").partition("you>")[0]
    with ClientSync(places().address) as client:
        types = [found.name for found in client.types()]
    assert len(types) > 2
    for word in ("/help", *types):
        assert word in greeting.split() or f"{word}," in greeting.split()
    assert all(len(line) <= 50 for line in greeting.splitlines())


def test_a_real_terminal_shows_what_runs_while_somebody_types(window, places) -> None:
    screen = window(places("--pace", "0.5").address)
    greeting = screen.until("you>")
    assert "This is a new session, ses_" in greeting
    screen.type(TRAIN)
    seen = screen.until(lambda seen: re.search(r"▸ exercise planning  .*━+─+ +\d+%  \S", seen))
    assert "started exercise_planning wf_" in seen
    screen.press("h", "o", "w")
    screen.until(ASKS)
    screen.until("? exercise planning  awaiting approval  waits for your answer\nyou> how\n")
    screen.press("C-u")
    screen.type("yes, approve it")
    seen = screen.until(DONE)
    assert "Approved: exercise planning goes on" in seen
    # Its bar has become the notice.
    seen = screen.until(lambda seen: seen.rstrip().endswith("you>"))
    assert "━" not in seen
    screen.press("C-d")
    seen = screen.until("code 0")
    again = session_of(seen[seen.index("Come back: ") :])
    back = window(places("--pace", "0.5").address, again)
    seen = back.until("you>\n")
    assert f"You are back in {again}" in seen
    assert f"you> {TRAIN}" in seen
    assert DONE in seen
