"""What a watcher of a session has seen, what its filter leaves out, and what callers say of sessions as requests."""

import re

import pytest

from stretto.client import InvalidInput, JournalBroken
from stretto.client._follow import BATCH_MAX, FAULTS_MAX, Gap, SessionCursor, is_terminal
from stretto.client._sessions import new_session_id, send_request, watch_request
from stretto.session.v1.session_event_pb2 import ReplyDelta, SessionDeleted, SessionEvent, SessionEventBatch
from stretto.session.v1.session_service_pb2 import WatchSessionResponse
from stretto.workflow.v1.progress_event_pb2 import Bookmark, ProgressEvent, WorkflowCompleted


def cursor(after: int = 0, **given) -> SessionCursor:
    nothing = {"kinds": (), "workflow_ids": (), "allow_missing": False}
    return SessionCursor(watch_request("ses_1", after=after, **nothing | given))


def many(*sequences: int) -> WatchSessionResponse:
    events = [SessionEvent(sequence=sequence, reply_delta=ReplyDelta(text="x")) for sequence in sequences]
    return WatchSessionResponse(batch=SessionEventBatch(events=events))


def mark(sequence: int) -> WatchSessionResponse:
    return WatchSessionResponse(bookmark=Bookmark(last_sequence=sequence))


def taken(cursor: SessionCursor, response: WatchSessionResponse) -> list[int]:
    return [event.sequence for event in cursor.take(response)]


def test_a_whole_session_has_no_gaps_and_no_repeats() -> None:
    watched = cursor()
    assert taken(watched, many(1, 2)) == [1, 2]
    assert taken(watched, many(2, 3)) == [3]
    with pytest.raises(Gap, match=r"ses_1: event 5 came after 3"):
        taken(watched, many(5))
    assert watched.request().after_sequence == 3
    with pytest.raises(JournalBroken):
        for _ in range(FAULTS_MAX):
            watched.broke(Gap("a gap that stays"))


def test_a_bookmark_of_a_whole_session_hides_no_gap() -> None:
    watched = cursor()
    taken(watched, mark(7))
    assert watched.last_sequence == 0
    with pytest.raises(Gap):
        taken(watched, many(8))


@pytest.mark.parametrize("chosen", [{"kinds": "notice"}, {"workflow_ids": ["wf_1"]}])
def test_a_filter_leaves_sequences_out_and_bookmarks_count_them(chosen) -> None:
    watched = cursor(**chosen)
    assert taken(watched, many(3, 8)) == [3, 8]
    assert taken(watched, many(8)) == []
    assert taken(watched, mark(20)) == []
    assert taken(watched, mark(12)) == []
    assert watched.request().after_sequence == 20
    assert taken(watched, many(20, 21)) == [21]


def test_what_was_asked_for_first_is_asked_for_again_after_a_break() -> None:
    watched = cursor(4, kinds=["MESSAGE", "session_event_kind_notice", 4], workflow_ids="wf_1", allow_missing=True)
    request = watched.request()
    assert (request.session_id, request.after_sequence, request.batch_size_max) == ("ses_1", 4, BATCH_MAX)
    assert list(request.kinds) == [1, 2, 4]
    assert list(request.workflow_ids) == ["wf_1"]
    assert request.allow_missing
    taken(watched, many(9))
    request.after_sequence = 9
    assert watched.request() == request


def test_only_the_deletion_ends_a_session() -> None:
    assert is_terminal(SessionEvent(deleted=SessionDeleted()))
    ended = SessionEvent(progress=ProgressEvent(completed=WorkflowCompleted()))
    assert not is_terminal(ended)


def test_an_unknown_sort_of_events_is_named_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"'news' is no sort of events; there are MESSAGE, NOTICE, REPLY_DELTA"):
        cursor(kinds=["news"])


def test_ids_of_sessions_have_the_form_of_workflows_and_sort_by_time(monkeypatch) -> None:
    ids = []
    for seconds in (1_000.0, 1_000.001, 2_000_000_000.0):
        monkeypatch.setattr("time.time", lambda at=seconds: at)
        ids += [new_session_id()]
    assert ids == sorted(ids)
    assert all(re.fullmatch("ses_[0-9a-hjkmnp-tv-z]{26}", made) for made in ids)
    assert len({new_session_id() for _ in range(100)}) == 100


def test_each_message_has_a_request_id_of_its_own() -> None:
    assert send_request("ses_1", "hello", "mine").request_id == "mine"
    assert len({send_request("ses_1", "hello", None).request_id for _ in range(2)}) == 2
