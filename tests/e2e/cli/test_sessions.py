"""`stretto sessions`: the list, one session, and its deletion."""

import uuid

import pytest

from tests.e2e.cli.calling import NOBODY, until


@pytest.fixture
def session(client):
    """A session with two workflows: one has ended, and one asks."""
    session_id = uuid.uuid4().hex
    until(client, client.start("echo", {"text": "hello"}, session_id=session_id).id, "completed")
    until(client, client.start("asks", session_id=session_id).id, "interrupt_raised")
    return session_id


def test_sessions_are_a_table_newest_first_with_whole_ids(here, session) -> None:
    done = here("sessions")
    head, first, *_ = done.out.splitlines()
    assert head.split() == ["SESSION", "MESSAGES", "WORKFLOWS", "ACTIVE", "QUESTIONS", "AGE", "LAST", "HEARD"]
    # A notice of each, no word of anybody.
    assert first.split()[:5] == [session, "2", "2", "1", "1"]


def test_sessions_as_json_are_one_object_on_each_line(here, session) -> None:
    done = here("sessions", "--json", "--limit", "1")
    assert [line["session_id"] for line in done.lines] == [session]
    assert done.err == ""


def test_conditions_narrow_the_list(here, client, session) -> None:
    quiet = uuid.uuid4().hex
    until(client, client.start("echo", {"text": "hello"}, session_id=quiet).id, "completed")

    def ids(*argv: str) -> list[str]:
        return [line["session_id"] for line in here("sessions", "--json", *argv).lines]

    assert {session, quiet} <= set(ids("--since", "1h"))
    assert session in ids("--active")
    assert quiet not in ids("--active")
    assert session not in ids("--since", "2999-01-01")


def test_a_list_that_is_cut_says_so_and_an_empty_one_too(here, client, session) -> None:
    client.start("echo", {"text": "hello"}, session_id=uuid.uuid4().hex)
    assert here("sessions", "--limit", "1").err == "There are more: --limit 2 shows older ones.\n"
    assert here("sessions", "--since", "2999-01-01").err == "There is no such session.\n"


def test_a_session_shows_its_workflows_and_what_was_said(here, session) -> None:
    done = here("sessions", session)
    assert done.code == 0
    told = " ".join(done.out.split())
    assert told.startswith(f"{session} begun ")
    assert "2 messages, 2 workflows, 1 of them active" in told
    assert "asks WAITING" in told
    assert "asks 1 question" in told
    assert "? Asks asks: go?" in told
    assert "✓ Echo is done" in told
    assert done.err == f"Go on with it: stretto chat {session}\n"


def test_a_session_as_json_is_one_document(here, session) -> None:
    document = here("sessions", session, "--json").json
    assert document["session"]["session_id"] == session
    assert [one["workflow_type"] for one in document["workflows"]] == ["asks", "echo"]
    assert [one["notice"]["kind"] for one in document["messages"]] == [
        "NOTICE_KIND_SUCCEEDED",
        "NOTICE_KIND_WAITING",
    ]


def test_a_busy_session_is_deleted_when_its_workflows_are_cancelled(here, client, session) -> None:
    done = here("sessions", session, "--delete")
    assert (done.code, done.out) == (7, "")
    assert "have not ended" in done.err
    assert "--cancel" in done.err
    done = here("sessions", session, "--delete", "--cancel")
    assert (done.code, done.out) == (0, f"{session} is deleted\n")
    assert here("sessions", session).code in {3, 7}
    assert list(client.workflows(session_id=session)) == []


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (("--delete",), 2, "say which one to delete: stretto sessions SESSION --delete"),
        (("x", "--cancel"), 2, "--cancel is for --delete"),
        (("--limit", "0"), 2, "--limit"),
        (("--since", "yesterday"), 2, "--since 'yesterday' is no time"),
        (("nobody",), 3, "`stretto sessions` shows those of"),
        (("nobody", "--delete"), 3, "`stretto sessions` shows those of"),
    ],
)
def test_a_mistake_is_one_line(here, argv, code: int, told: str) -> None:
    done = here("sessions", *argv)
    assert (done.code, done.out) == (code, "")
    assert told in done.err
    assert len(done.err.splitlines()) == 1


def test_no_server_is_one_line(stretto) -> None:
    assert stretto("sessions", server=NOBODY).code == 6
