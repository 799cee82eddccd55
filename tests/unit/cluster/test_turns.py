"""Turns, over a store that counts what it is asked."""

from types import SimpleNamespace
from typing import Any, cast

from stretto.server.cluster.turns import Turns
from stretto.server.domain.payload import STRUCT, Payload
from stretto.server.domain.session import TURN
from stretto.server.domain.workflow import Status, Workflow


def turn(number: int) -> Workflow:
    return Workflow(
        project="p",
        workflow_id=f"turn_{number}",
        workflow_type=TURN,
        type_version="1",
        status=Status.QUEUED,
        request_id=f"r_{number}",
        input=Payload(STRUCT, b""),
        session_id="s",
        created_at=number,
        updated_at=number,
    )


class Line:
    """The turns of a session that have not ended; the number of each one is its message's place."""

    def __init__(self, count: int) -> None:
        self.turns = [turn(number) for number in range(1, count + 1)]
        self.asked = 0

    async def list(self, *_: object) -> tuple[Workflow, ...]:
        return tuple(reversed(self.turns))

    async def turn_messages(self, project: str, session_id: str, turn_id: str) -> tuple[Any, ...]:
        self.asked += 1
        return (SimpleNamespace(sequence=int(turn_id.removeprefix("turn_"))),)


async def test_a_turn_behind_others_learns_so_at_once_however_many_wait_behind_it():
    line = Line(100)
    assert await Turns(cast("Any", line))._is_behind(line.turns[1])
    assert line.asked <= 2


async def test_the_first_turn_is_behind_nobody():
    line = Line(100)
    assert not await Turns(cast("Any", line))._is_behind(line.turns[0])
