"""Routes: who is given what."""

from stretto.server.cluster.routes import Routes, queue_of
from stretto.server.domain.member import Member, MemberKind, Presence
from stretto.server.domain.session import TURN
from stretto.server.domain.workflow_type import WorkflowType

TYPES = (("slow", "1"), (TURN, "1"))


def server() -> Presence:
    return Presence(Member(member_id="server-1", kind=MemberKind.SERVER, lease=1, version="1", types=TYPES), 0)


def test_a_worker_that_knows_no_turns_puts_them_where_servers_look_for_them():
    of_worker = Routes([WorkflowType(name="slow", version="1")])
    assert of_worker.queue_for(TURN, "1", [server()]) == queue_of(TYPES, TURN)
    assert of_worker.queue_for("slow", "1", [server()]) == queue_of(TYPES)
