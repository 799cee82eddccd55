"""What a watcher has seen, and what a break means, without a server."""

import grpc
import pytest

from stretto.client import (
    InvalidInput,
    JournalBroken,
    NotFound,
    Overloaded,
    SequenceOutOfRange,
    ServerFault,
    TimedOut,
    Unavailable,
)
from stretto.client._backoff import LONGEST_SECONDS, Backoff, Until
from stretto.client._follow import FAULTS_MAX, Cursor, Gap, is_terminal
from stretto.workflow.v1.progress_event_pb2 import (
    Bookmark,
    ProgressEvent,
    ProgressEventBatch,
    StepStarted,
    WorkflowCancelled,
)
from stretto.workflow.v1.workflow_service_pb2 import WatchProgressResponse


def event(sequence: int) -> ProgressEvent:
    return ProgressEvent(sequence=sequence, step_started=StepStarted())


def one(sequence: int) -> WatchProgressResponse:
    return WatchProgressResponse(event=event(sequence))


def many(*sequences: int) -> WatchProgressResponse:
    return WatchProgressResponse(batch=ProgressEventBatch(events=[event(sequence) for sequence in sequences]))


def taken(cursor: Cursor, response: WatchProgressResponse) -> list[int]:
    return [event.sequence for event in cursor.take(response)]


def test_events_come_once_and_in_order() -> None:
    cursor = Cursor("wf_1", 0)
    assert taken(cursor, one(1)) == [1]
    assert taken(cursor, many(1, 2, 3)) == [2, 3]
    assert taken(cursor, WatchProgressResponse(bookmark=Bookmark(last_sequence=3))) == []
    assert taken(cursor, one(3)) == []
    assert cursor.last_sequence == 3
    assert cursor.request().after_sequence == 3


def test_what_came_before_a_gap_is_given_and_nothing_after_it() -> None:
    cursor = Cursor("wf_1", 0)
    given = []
    with pytest.raises(Gap):
        given.extend(cursor.take(many(1, 2, 4)))
    assert [event.sequence for event in given] == [1, 2]
    assert cursor.last_sequence == 2
    assert taken(cursor, many(3, 4)) == [3, 4]


def test_a_gap_that_stays_ends_the_watch() -> None:
    cursor = Cursor("wf_1", 0)
    with pytest.raises(JournalBroken):
        for _ in range(FAULTS_MAX):
            cursor.broke(Gap("2 came after 0"))


@pytest.mark.parametrize("kind", [Unavailable, TimedOut, Overloaded])
def test_breaks_of_the_way_never_end_a_watch(kind) -> None:
    cursor = Cursor("wf_1", 0)
    assert all(cursor.broke(kind("gone")) > 0 for _ in range(1_000))


def test_faults_of_the_server_end_a_watch_when_nothing_comes_between_them() -> None:
    cursor = Cursor("wf_1", 0)
    for sequence in range(1, 50):
        cursor.broke(ServerFault("oh"))
        taken(cursor, one(sequence))
    with pytest.raises(ServerFault):
        for _ in range(FAULTS_MAX):
            cursor.broke(ServerFault("oh"))


@pytest.mark.parametrize("kind", [NotFound, InvalidInput, SequenceOutOfRange])
def test_what_asking_again_would_not_mend_is_raised(kind) -> None:
    with pytest.raises(kind):
        Cursor("wf_1", 0).broke(kind("no", code=grpc.StatusCode.NOT_FOUND, reason="WORKFLOW_NOT_FOUND"))


def test_a_break_is_counted_once_however_many_tries_it_takes() -> None:
    cursor = Cursor("wf_1", 0)
    cursor.broke(Unavailable("not there yet"))
    assert cursor.breaks == 0
    taken(cursor, one(1))
    for _ in range(5):
        cursor.broke(Unavailable("gone"))
    assert cursor.breaks == 1
    taken(cursor, one(2))
    cursor.broke(Unavailable("gone"))
    assert cursor.breaks == 2


def test_pauses_grow_up_to_a_bound_and_begin_anew_after_an_answer() -> None:
    cursor = Cursor("wf_1", 0)
    pauses = [cursor.broke(Unavailable("gone")) for _ in range(20)]
    assert pauses[0] <= 0.1
    assert LONGEST_SECONDS / 2 <= pauses[-1] <= LONGEST_SECONDS
    taken(cursor, one(1))
    assert cursor.broke(Unavailable("gone")) <= 0.1


def test_a_server_that_says_when_to_come_back_is_not_asked_sooner() -> None:
    overloaded = Overloaded("full")
    overloaded.retry_after = 3.0
    assert Cursor("wf_1", 0).broke(overloaded) == 3.0


def test_callers_do_not_come_back_at_one_moment() -> None:
    assert len({Backoff().next() for _ in range(50)}) > 40


def test_a_time_is_over_when_it_is_over() -> None:
    assert Until(0).over
    assert Until(0).left() == 0
    assert not Until(60).over
    assert Until(None).left() is None
    assert Until(None).left(5) == 5
    assert Until(60).left(5) == 5
    assert not Until(None).over


def test_only_the_last_event_is_terminal() -> None:
    assert is_terminal(ProgressEvent(cancelled=WorkflowCancelled()))
    assert not is_terminal(event(1))
    assert not is_terminal(ProgressEvent())
