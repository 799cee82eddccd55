"""What LangGraph asks of a checkpointer before each run."""

from langgraph.pregel._checkpoint import put_writes_accepts_task_path

from stretto.server.engine.checkpointer import Checkpointer
from stretto.server.engine.serializer import strict_serializer

DECLARED = {("colours", "Red")}


def a_checkpointer():
    return Checkpointer(lambda *_: None, strict_serializer().with_msgpack_allowlist(DECLARED))


def test_one_that_loads_what_its_graph_declares_is_used_as_it_is():
    checkpointer, asked = a_checkpointer(), set(DECLARED)
    assert checkpointer.with_allowlist(asked) is checkpointer
    assert checkpointer.with_allowlist(asked) is checkpointer


def test_for_other_types_there_is_another_one_each_time():
    checkpointer, more = a_checkpointer(), {("colours", "Blue")}
    checkpointer.with_allowlist(set(DECLARED))
    for _ in range(2):
        allowing = checkpointer.with_allowlist(more)
        assert allowing is not checkpointer
        assert ("colours", "Blue") in allowing.serde._allowed_msgpack_modules
    assert ("colours", "Blue") not in checkpointer.serde._allowed_msgpack_modules


def test_one_that_allows_more_types_does_not_take_them_for_what_it_was_asked_before():
    checkpointer, asked = a_checkpointer(), set(DECLARED)
    checkpointer.with_allowlist(asked)
    allowing = checkpointer.with_allowlist({("colours", "Blue")})
    assert allowing.with_allowlist({("colours", "Green")}) is not allowing


def test_langgraph_sees_that_writes_come_with_the_path_of_their_task():
    assert put_writes_accepts_task_path(a_checkpointer().aput_writes)
    assert put_writes_accepts_task_path(a_checkpointer().put_writes)
