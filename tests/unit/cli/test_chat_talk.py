"""What drives a chat: order, repeats, breaks, and when it ends; and what is typed in a terminal."""

import asyncio
import io

import grpc
import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from stretto.cli._chat import Piped, Story, Talk, _talk
from stretto.cli._chat._screen import AGAIN, LEAVE, Screen
from stretto.cli._exits import CommandError, Exit
from stretto.cli._live import _shows
from stretto.cli._output import Output
from stretto.client.errors import InvalidInput, NotFound, NotSupported, Unavailable
from stretto.session.v1.session_event_pb2 import SessionEvent
from tests.unit.cli.talking import LAUNCHED, SUCCEEDED, Client, HandSession
from tests.unit.cli.telling import ID, Teller, branch, result_of

GONE = Unavailable("gone", code=grpc.StatusCode.UNAVAILABLE)


class Room:
    """A chat over a session made by hand, and what was shown of it."""

    def __init__(self, session: HandSession, *say: str) -> None:
        self.session = session
        self.story = Story()
        self.face = Piped(Output(), Client(), say)
        self.talk = Talk(Client(), session, self.story, self.face)

    async def run(self, *, wait: bool = True) -> Exit:
        async with asyncio.timeout(20):
            return await self.talk.run(wait=wait)


@pytest.fixture
def session(monkeypatch) -> HandSession:
    monkeypatch.setattr(_shows, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(_talk, "PROBE_SECONDS", 0.0)
    return HandSession()


async def test_each_message_is_answered_before_the_next_one(session, capsys) -> None:
    assert await Room(session, "one", "two").run() is Exit.OK
    assert [text for text, _ in session.sent] == ["one", "two"]
    assert capsys.readouterr().out == "  You said one.\n  You said two.\n"


async def test_a_message_is_repeated_with_its_request_id_until_it_is_said(session, capsys) -> None:
    session.answers = [GONE, GONE, "Hello."]
    assert await Room(session, "hello", "and").run() is Exit.OK
    texts, ids = zip(*session.sent, strict=True)
    assert texts == ("hello",) * 3 + ("and",)
    assert len(set(ids[:3])) == 1
    assert ids[3] not in ids[:3]
    assert capsys.readouterr().out == "  Hello.\n  You said and.\n"


async def test_a_chat_waits_for_what_it_started_and_shows_its_end(session, capsys) -> None:
    teller = Teller()

    def launches():
        session.journal.progress(teller.accepted())
        return session.journal.reply("Started.", (ID, LAUNCHED))

    session.answers = [launches]
    running = asyncio.ensure_future(Room(session, "go").run())
    while len(session.journal.events) < 3:
        await asyncio.sleep(0)
    assert not (await asyncio.wait([running], timeout=0.05))[0]
    session.journal.progress(teller.completes({}))
    session.journal.notice(SUCCEEDED, "Parcel is done.")
    await session.tell()
    assert await running is Exit.OK
    assert capsys.readouterr().out.splitlines()[-1] == f"✓ Parcel is done.  {ID}"


async def test_a_chat_that_shall_not_wait_ends_with_its_last_reply(session) -> None:
    def launches():
        session.journal.progress(Teller().accepted())
        return session.journal.reply("Started.", (ID, LAUNCHED))

    session.answers = [launches]
    assert await Room(session, "go").run(wait=False) is Exit.OK


async def test_lines_of_stdin_are_messages(session, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("one\n\n  two  \n/quit\nthree\n"))
    assert await Room(session).run() is Exit.OK
    assert [text for text, _ in session.sent] == ["one", "two"]


async def test_stdin_that_is_no_text_is_told(session, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8"))
    with pytest.raises(CommandError, match="stdin is no UTF-8 text"):
        await Room(session).run()


async def test_what_others_say_in_the_session_is_shown(session, capsys) -> None:
    session.journal.user("somebody else")
    session.journal.reply("Yes, somebody else.")
    await Room(session, "me").run()
    out = capsys.readouterr().out
    assert out.splitlines() == ["you> somebody else", "  Yes, somebody else.", "  You said me."]


async def test_a_refusal_is_told_and_the_next_message_is_said(session, capsys) -> None:
    session.answers = [InvalidInput("text: too long")]
    assert await Room(session, "x" * 20_000, "short").run() is Exit.USAGE
    captured = capsys.readouterr()
    assert captured.err == "stretto: text: too long\n"
    assert captured.out == "  You said short.\n"


async def test_a_server_without_an_orchestrator_ends_the_chat(session) -> None:
    session.answers = [NotSupported("off", reason="ORCHESTRATOR_OFF")]
    with pytest.raises(NotSupported):
        await Room(session, "one", "two").run()
    assert len(session.sent) == 1


async def test_the_deletion_of_a_session_ends_its_chat(session, capsys, monkeypatch) -> None:
    session.answers = [lambda: (session.journal.reply("Bye."), session.journal.deleted())[0]]
    assert await Room(session, "delete it").run() is Exit.OK
    assert capsys.readouterr().err == "This session was deleted.\n"


async def test_a_lost_connection_is_told_once_and_so_is_its_return(session, capsys) -> None:
    room = Room(session)
    session.gets = [GONE, GONE, GONE, NotFound("no such session")]  # Nothing was said yet, but the server is there.
    for _ in range(3):
        room.talk._broke(GONE, 0.1)
        await asyncio.sleep(0)
    await room.talk._probe
    assert capsys.readouterr().err.splitlines() == ["connection lost, trying again", "connected again"]
    room.talk._broke(GONE, 0.1)
    await room.talk._probe
    assert capsys.readouterr().err == ""


async def test_an_unknown_command_is_told(session, capsys) -> None:
    assert await Room(session, "/fly", "hello").run() is Exit.USAGE
    assert capsys.readouterr().err == "stretto: there is no /fly; /help shows what there is\n"
    assert [text for text, _ in session.sent] == ["hello"]


async def test_help_names_every_command(session, capsys) -> None:
    await Room(session, "/help").run()
    told = capsys.readouterr().out
    assert all(name in told for name in ("/help", "/status", "/workflows", "/decide", "/cancel", "/history", "/quit"))


class Seated(Piped):
    """Somebody who reads while nothing is typed, and leaves once a branch is seen."""

    live = True

    async def lines(self):
        while not any(step.branch for view in self.story.views.values() for step in view.open_steps.values()):
            await asyncio.sleep(0)
        return
        yield


@pytest.mark.parametrize("face", [Seated, Piped])
async def test_only_for_those_who_see_bars_details_are_read(session, face) -> None:
    story, decoded = Story(), []

    async def decode(detail):
        decoded.append(detail)
        return {"branch": {"source": "metrics", "started": {}}}

    told = Teller().tells("ask", "s1")
    told.step_progress.detail.CopyFrom(result_of({"a": 1}))
    session.journal.progress(told)
    seat = face(Output(), Client(), ("hello",))
    seat.story = story
    async with asyncio.timeout(20):
        await Talk(Client(decode=decode), session, story, seat).run(wait=True)
    assert len(decoded) == (face is Seated)


async def test_the_time_of_branches_goes_on_when_nothing_happens(capsys) -> None:
    story, teller = Story(), Teller()
    event = SessionEvent(sequence=1, progress=teller.tells("ask", "s1"))
    story.apply(event, branch("metrics", started={"timeout": "5s"}))
    drawn = asyncio.Event()
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
        screen = Screen(Output(), story)
        await screen.event(event)
        for _ in range(3):
            screen._prompt.app.invalidate = drawn.set
            async with asyncio.timeout(20):
                await drawn.wait()
            drawn.clear()
        story.apply(
            SessionEvent(sequence=2, progress=teller.tells("ask", "s1")), branch("metrics", succeeded={"latency": "1s"})
        )
        async with asyncio.timeout(20):
            await drawn.wait()
        assert screen._frame is None


async def typed(*keys: str) -> list[str]:
    """The lines that come of some keys."""
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
        for key in keys:
            keyboard.send_text(key)
        async with asyncio.timeout(20):
            return [line async for line in Screen(Output(), Story()).lines()]


async def test_lines_are_taken_until_ctrl_d(capsys) -> None:
    assert await typed("hello\r", "  \r", " world \r", "\x04") == ["hello", "world"]
    assert capsys.readouterr().out == ""


async def test_a_word_for_leaving_is_no_message(capsys) -> None:
    assert await typed("quit\r", "Exit\r", "exit the hive\r", "\x04") == ["exit the hive"]
    assert capsys.readouterr().out.splitlines() == [LEAVE, LEAVE]


async def test_ctrl_c_drops_the_line_and_twice_leaves(capsys) -> None:
    assert await typed("oops", "\x03", "hello\r", "\x03", "\x03", "never\r") == ["hello"]
    assert capsys.readouterr().out.splitlines()[0] == AGAIN
