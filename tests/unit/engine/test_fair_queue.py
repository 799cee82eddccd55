"""Whose turn it is among the workflows that wait."""

import sys
from collections.abc import Callable

from stretto.server.engine.fair_queue import FairQueue, Waiting


def waiting(workflow_id: str, workflow_type: str = "a", session: str = "", project: str = "p") -> Waiting:
    return Waiting(project, workflow_id, workflow_type, session)


def taken(queue: FairQueue, has_room: Callable[[str], bool] = lambda _: True) -> list[str]:
    """The ids of all that can be taken, in order."""
    found = []
    while (item := queue.take(has_room)) is not None:
        found.append(item.workflow_id)
    return found


def test_within_a_session_the_oldest_goes_first_and_sessions_take_turns():
    queue = FairQueue()
    for number in range(3):
        queue.put(waiting(f"many{number}", session="many"))
    queue.put(waiting("one", session="one"))
    queue.put(waiting("other", session="many", project="another"))
    assert taken(queue) == ["many0", "one", "other", "many1", "many2"]
    assert len(queue) == 0


def test_types_take_turns_and_their_sessions_within_them():
    queue = FairQueue()
    for workflow_type in "ab":
        for session in "xy":
            for number in range(2):
                queue.put(waiting(f"{workflow_type}{session}{number}", workflow_type, session))
    assert taken(queue) == ["ax0", "bx0", "ay0", "by0", "ax1", "bx1", "ay1", "by1"]


def test_what_cannot_run_holds_up_nothing_behind_it():
    queue = FairQueue()
    for number in range(1_000):
        queue.put(waiting(f"gone{number}", "gone"))
    queue.put(waiting("runs", "known"))
    assert taken(queue, lambda workflow_type: workflow_type == "known") == ["runs"]
    assert len(queue) == 1_000


def test_a_type_that_was_without_room_has_its_turn_first():
    queue = FairQueue()
    queue.put(waiting("full", "full"))
    for number in range(3):
        queue.put(waiting(f"free{number}", "free"))
    assert queue.take(lambda workflow_type: workflow_type == "free").workflow_id == "free0"
    assert taken(queue) == ["full", "free1", "free2"]


def test_each_type_is_asked_once_however_many_wait():
    queue = FairQueue()
    for number in range(10_000):
        queue.put(waiting(f"w{number}", f"type{number % 3}", f"session{number}"))
    asked: list[str] = []
    assert queue.take(lambda workflow_type: bool(asked.append(workflow_type))) is None
    assert asked == ["type0", "type1", "type2"]


def test_what_is_discarded_leaves_nothing_behind():
    queue = FairQueue()
    queue.put(waiting("stays"))
    for number in range(10_000):
        queue.put(waiting(f"w{number}"))
        queue.discard("p", f"w{number}")
    queue.discard("p", "never-known")
    (line,) = queue._types["a"].values()
    assert len(line) == len(queue) == 1
    assert sys.getsizeof(line) < 10_000
    queue.discard("p", "stays")
    assert (queue._types, queue._places) == ({}, {})


def test_many_taken_from_one_line_cost_the_same_each():
    queue = FairQueue()
    for number in range(50_000):
        queue.put(waiting(f"w{number}"))
    for number in range(0, 50_000, 2):
        queue.discard("p", f"w{number}")
    assert taken(queue) == [f"w{number}" for number in range(1, 50_000, 2)]


def test_a_workflow_that_is_put_again_keeps_its_place_and_takes_the_new_row():
    queue = FairQueue()
    for name in ("first", "second"):
        queue.put(waiting(name))
    again = Waiting("p", "first", "a", "", row="a newer row")  # type: ignore[arg-type]
    queue.put(again)
    assert len(queue) == 2
    assert queue.take(lambda _: True) is again
    assert taken(queue) == ["second"]


def test_a_workflow_that_was_discarded_and_put_again_goes_to_the_end():
    queue = FairQueue()
    for name in ("first", "second"):
        queue.put(waiting(name))
    queue.discard("p", "first")
    queue.put(waiting("first"))
    assert taken(queue) == ["second", "first"]


def test_what_goes_in_turn_runs_one_at_a_time_in_its_session():
    queue = FairQueue(in_turn=lambda workflow_type: workflow_type == "turn")
    for number in range(3):
        queue.put(waiting(f"x{number}", "turn", "x"))
    queue.put(waiting("y0", "turn", "y"))
    assert taken(queue) == ["x0", "y0"]
    queue.release("p", "x0")
    assert taken(queue) == ["x1"]
    queue.release("p", "x0")
    assert taken(queue) == []
    assert len(queue) == 1


def test_what_comes_back_goes_before_what_came_after_it():
    queue = FairQueue(in_turn=lambda _: True)
    for number in range(3):
        queue.put(waiting(f"x{number}", "turn", "x"))
    assert taken(queue) == ["x0"]
    queue.put(waiting("x0", "turn", "x"))
    assert taken(queue) == ["x0"]
    queue.release("p", "x0")
    assert taken(queue) == ["x1"]


def test_what_is_held_back_can_be_discarded():
    queue = FairQueue(in_turn=lambda _: True)
    for number in range(3):
        queue.put(waiting(f"x{number}", "turn", "x"))
    assert taken(queue) == ["x0"]
    queue.discard("p", "x1")
    queue.release("p", "x0")
    assert taken(queue) == ["x2"]
    queue.release("p", "x2")
    assert taken(queue) == []
    assert len(queue) == 0


def test_what_arrives_behind_a_holder_waits_for_it():
    queue = FairQueue(in_turn=lambda _: True)
    queue.put(waiting("x0", "turn", "x"))
    assert taken(queue) == ["x0"]
    queue.put(waiting("x1", "turn", "x"))
    assert taken(queue) == []
    queue.release("p", "x0")
    assert taken(queue) == ["x1"]
