"""`stretto members` and `stretto drain`: a real server with its store to itself, and stand-ins for several."""

import asyncio
from collections.abc import Iterator

import grpc
import pytest

from benchmarks._processes import Service, free_address, stretto_argv
from stretto.cli.commands import drain
from stretto.operations.v1 import operations_service_pb2 as api
from stretto.operations.v1.member_pb2 import MEMBER_KIND_SERVER, MEMBER_KIND_WORKER, Member, MemberType
from tests.e2e.cli.calling import NOBODY, Ran, Stretto
from tests.e2e.cli.standing_in import as_bytes, says, serving

OPERATIONS = "stretto.operations.v1.OperationsService"
HEADS = ["MEMBER", "KIND", "ADDRESS", "STATE", "RUNNING", "RENEWED", "TYPES"]


def a_member(member_id: str = "worker-1", **fields) -> Member:
    given = {"kind": MEMBER_KIND_WORKER, "lease": {"seconds": 10}, "alive": True, "concurrency_max": 8}
    return Member(member_id=member_id, **{**given, **fields})


SERVER = a_member(
    "server-1",
    kind=MEMBER_KIND_SERVER,
    address="127.0.0.1:50051",
    running_workflow_count=3,
    types=[MemberType(workflow_type=f"type_{number}", type_version="1") for number in range(5)],
)
DRAINING = a_member(draining=True, silent_for={"seconds": 4})
SILENT = a_member("worker-2", alive=False, draining=True, silent_for={"seconds": 75})


def diagnosed(member_id: str, *, shared: bool = True) -> api.DiagnoseResponse:
    answer = api.DiagnoseResponse()
    answer.diagnosis.sharing.member_id = member_id
    answer.diagnosis.sharing.store_shared = shared
    return answer


def cluster(*lists: list[Member], own: str = "server-1", shared: bool = True, drained: Member | None = None):
    """A server among several. It lists these members one time after the other, and the last ones ever after."""
    left = list(lists)

    def list_members(_: object, __: grpc.ServicerContext) -> api.ListMembersResponse:
        return api.ListMembersResponse(members=left.pop(0) if len(left) > 1 else left[0])

    listing = grpc.unary_unary_rpc_method_handler(list_members, response_serializer=as_bytes)
    draining = says(api.DrainMemberResponse(member=drained or DRAINING))
    return serving(
        **{
            f"{OPERATIONS}/Diagnose": says(diagnosed(own, shared=shared)),
            f"{OPERATIONS}/ListMembers": listing,
            f"{OPERATIONS}/DrainMember": draining,
        }
    )


@pytest.fixture
def alone(tmp_path) -> Iterator[Service]:
    """A server of this test's own, which it may drain."""
    address = free_address()
    argv = [*stretto_argv(address, tmp_path / "db", "tests.e2e.graphs:app"), "--no-orchestrator"]
    service = Service(argv, address, tmp_path / "log")
    try:
        asyncio.run(service.ready())
        yield service
    finally:
        service.kill()


@pytest.fixture(autouse=True)
def at_once(monkeypatch) -> None:
    """What is waited for is looked for without a pause."""
    monkeypatch.setattr(drain, "POLL_SECONDS", 0)


def test_a_server_with_its_store_to_itself_is_the_only_row(here, served) -> None:
    done = here("members")
    assert done.code == 0
    head, row = done.out.splitlines()
    assert head.split() == HEADS
    assert row.split()[0].startswith("server-")
    assert row.split()[1:6] == ["server", served, "alive", row.split()[4], "now"]
    assert row.split()[4].endswith("/1000")
    assert "asks 1, asks_sources 1, asks_sources_freely 1 and 5 more" in row
    assert done.err == "It has its store to itself.\n"


def test_members_as_json_are_one_object_on_each_line(here, served) -> None:
    done = here("members", "--json")
    (member,) = done.lines
    assert (member["kind"], member["address"], member["alive"]) == ("MEMBER_KIND_SERVER", served, True)
    assert {"workflow_type": "orders", "type_version": "7"} in member["types"]
    assert done.err == ""


def test_members_are_a_table_that_says_who_runs_what_and_who_is_silent(stretto) -> None:
    with cluster([SERVER, DRAINING, SILENT]) as server:
        done = stretto("members", server=server)
    rows = [row.split() for row in done.out.splitlines()]
    assert rows[0] == HEADS
    types = ["type_0", "1,", "type_1", "1,", "type_2", "1", "and", "2", "more"]
    assert rows[1] == ["server-1", "server", "127.0.0.1:50051", "alive", "3/8", "now", *types]
    assert rows[2] == ["worker-1", "worker", "-", "draining", "-", "4", "s", "ago", "none"]
    assert rows[3] == ["worker-2", "worker", "-", "silent", "-", "75", "s", "ago", "none"]
    assert done.err.startswith("1 silent for longer than the lease: ")


@pytest.mark.parametrize(
    ("members", "told"),
    [([SERVER], "No other server or worker shares its store now.\n"), ([], "No server or worker has joined yet.\n")],
)
def test_few_members_are_explained(stretto, members, told) -> None:
    with cluster(members) as server:
        done = stretto("members", server=server)
    assert (done.code, done.err) == (0, told)
    assert bool(done.out) is bool(members)


def test_a_drain_waits_until_the_member_is_gone_and_tells_how_far_it_is(stretto) -> None:
    running = [a_member(draining=True, running_workflow_count=count) for count in (2, 2, 1)]
    with cluster(*([SERVER, one] for one in running), [SERVER]) as server:
        done = stretto("drain", "worker-1", server=server)
    assert (done.code, done.out) == (0, "worker-1 is gone\n")
    assert done.err.splitlines() == ["worker-1 drains: 2 running", "worker-1 drains: 1 running"]


def test_a_drain_that_is_not_waited_for_says_how_to_look(stretto) -> None:
    with cluster([SERVER, DRAINING]) as server:
        done = stretto("drain", "worker-1", "--no-wait", server=server)
        told = stretto("drain", "worker-1", "--no-wait", "--json", server=server).json
    assert (done.code, done.err) == (0, "")
    assert done.out == "worker-1 was asked to drain; `stretto members` lists it until it is gone\n"
    assert (told["outcome"], told["member"]["member_id"], told["member"]["draining"]) == ("asked", "worker-1", True)


@pytest.mark.parametrize("lists", [([SILENT],), ([a_member("worker-2")], [SILENT])], ids=["before", "meanwhile"])
def test_a_member_that_is_silent_is_not_waited_for(stretto, lists) -> None:
    with cluster(*lists, drained=lists[0][0]) as server:
        done = stretto("drain", "worker-2", "--json", server=server)
    assert (done.code, done.json["outcome"]) == (1, "silent")


def test_a_server_that_is_away_for_good_leaves_the_drain_of_another_member_open(stretto) -> None:
    def goes_away(_: object, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.UNAVAILABLE, "away")

    methods = {
        f"{OPERATIONS}/Diagnose": says(diagnosed("server-1")),
        f"{OPERATIONS}/DrainMember": says(api.DrainMemberResponse(member=DRAINING)),
        f"{OPERATIONS}/ListMembers": grpc.unary_unary_rpc_method_handler(goes_away),
    }
    with serving(**methods) as server:
        assert stretto("drain", "worker-1", server=server).code == 6
        assert stretto("drain", "server-1", server=server).code == 0


def test_an_unknown_member_is_told_with_those_that_there_are(here) -> None:
    member_id = here("members", "--json").lines[0]["member_id"]
    done = here("drain", "nobody")
    assert (done.code, done.out) == (3, "")
    assert done.err == f"stretto: There is no member 'nobody'; there are: {member_id}\n"
    assert here("drain", "nobody", "--json").error["reason"] == "MEMBER_NOT_FOUND"


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_server_that_nobody_named_is_not_drained_unasked(here, more) -> None:
    done = here("drain", *more)
    assert (done.code, done.out) == (2, "")
    assert "name it, or add --yes" in done.err
    assert not here("members", "--json").lines[0]["draining"]


@pytest.mark.parametrize("answer", ["", "n", "maybe"])
def test_whoever_does_not_say_yes_drains_nothing(here, answer) -> None:
    done = here("drain", typed=(answer,))
    assert done.code == 2
    assert done.err.startswith("Drain server-")
    assert done.err.endswith("stretto: drain: nothing was drained\n")
    assert not here("members", "--json").lines[0]["draining"]


def test_the_server_that_answers_is_drained_and_gone(stretto, alone) -> None:
    done: Ran = stretto("drain", server=alone.address, typed=("y",))
    assert done.code == 0
    assert done.out.startswith("server-")
    assert done.out.endswith(" is gone\n")
    assert alone.process.wait(60) == 0


def test_it_is_not_asked_whether_when_yes_is_said_before(stretto) -> None:
    with cluster([DRAINING], own="worker-1") as server:
        done = stretto("drain", "--yes", "--no-wait", server=server)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("worker-1 was asked")


def test_an_older_server_cannot_be_drained_so(stretto: Stretto) -> None:
    with serving(**{f"{OPERATIONS}/Diagnose": says(api.DiagnoseResponse())}) as server:
        done = stretto("drain", "--yes", server=server)
        assert (done.code, stretto("members", server=server).code) == (1, 1)
    assert "is older than this command" in done.err


def test_nobody_at_the_address_is_told(stretto) -> None:
    assert [stretto(*argv, server=NOBODY).code for argv in (("members",), ("drain",), ("drain", "x"))] == [6, 6, 6]
