"""`stretto doctor`: a real server, none, and servers that are something else or older."""

import grpc
import pytest

from stretto.catalog.v1 import catalog_service_pb2
from stretto.operations.v1 import operations_service_pb2
from tests.e2e.cli.calling import NOBODY
from tests.e2e.cli.standing_in import as_bytes, refuses, says, serving

HEALTH = "grpc.health.v1.Health"
CATALOG = "stretto.catalog.v1.CatalogService"
OPERATIONS = "stretto.operations.v1.OperationsService"


def verdicts(done):
    return {finding["check"]: finding["verdict"] for finding in done.json["findings"]}


def test_a_server_that_is_well_passes_all_checks(here):
    done = here("doctor")
    assert done.code == 0, done.out
    for check in ("installation", "protocol", "health", "version", "clocks", "store", "executors", "queue", "commits"):
        assert f"\n✓ {check}" in done.out or f"\n! {check}" in done.out
    assert "✗" not in done.out


def test_json_gives_findings_with_numbers(here):
    done = here("doctor", "--json")
    assert (done.code, done.json["exit"]) == (0, "OK")
    findings = {finding["check"]: finding for finding in done.json["findings"]}
    assert findings["health"]["verdict"] == "ok"
    assert findings["echo"]["values"]["calls"] == 20
    assert findings["commits"]["values"]["commits"] == 20
    assert findings["commits"]["values"]["p50_ms"] > 0
    assert findings["executors"]["values"]["alive"] >= 1
    assert abs(findings["clocks"]["values"]["server_ahead_seconds"]) < 60


def test_nobody_there_gives_6_and_says_what_to_do(stretto):
    done = stretto("doctor", server=NOBODY)
    assert done.code == 6
    assert "refused: nobody listens on port 1" in done.out
    assert "stretto serve" in done.out
    assert stretto("doctor", "--json", server=NOBODY).json["exit"] == "UNREACHABLE"


def test_each_of_several_servers_is_looked_at(stretto, served):
    done = stretto("doctor", server=f"{served},{NOBODY}")
    assert done.code == 6
    assert [line for line in done.out.splitlines() if line.startswith("Server ")] == [
        f"Server {served}",
        f"Server {NOBODY}",
    ]
    assert done.out.count("✓ installation") == 1
    assert "✓ health" in done.out
    assert "refused: nobody listens on port 1" in done.out
    findings = stretto("doctor", "--json", server=f"{served},{NOBODY}").json["findings"]
    assert {finding["server"] for finding in findings if finding["verdict"] == "bad"} == {NOBODY}
    assert {finding["server"] for finding in findings} == {"", served, NOBODY}


def test_a_command_takes_the_server_that_is_there(stretto, served):
    assert {stretto("types", server=f"{NOBODY},{served}").code for _ in range(4)} == {0}
    nobody = stretto("types", server=f"{NOBODY},127.0.0.1:2")
    assert nobody.code == 6
    assert f"nobody answers at {NOBODY},127.0.0.1:2" in nobody.err


def test_a_wrong_tls_flag_gives_6(here):
    done = here("doctor", "--tls")
    assert done.code == 6
    assert "does not talk TLS" in done.out


def test_an_older_server_is_told_of_and_is_not_bad(stretto):
    types = says(catalog_service_pb2.ListWorkflowTypesResponse())
    with serving(**{f"{HEALTH}/Check": says(b"\x08\x01"), f"{CATALOG}/ListWorkflowTypes": types}) as server:
        done = stretto("doctor", "--json", server=server)
    assert done.code == 0
    assert verdicts(done)["diagnosis"] == "warn"
    assert "older" in done.json["findings"][-1]["measured"]


def test_another_grpc_server_is_no_stretto_server(stretto):
    with serving(**{f"{HEALTH}/Check": says(b"\x08\x01")}) as server:
        done = stretto("doctor", server=server)
    assert done.code == 1
    assert "no Stretto server" in done.out


def test_a_server_that_is_not_serving_is_bad_and_still_looked_at(stretto):
    diagnosed = operations_service_pb2.DiagnoseResponse(commit_fault="The store is not healthy.")
    diagnosed.diagnosis.draining = True
    methods = {f"{HEALTH}/Check": says(b"\x08\x02"), f"{OPERATIONS}/Diagnose": says(diagnosed)}
    with serving(**methods) as server:
        done = stretto("doctor", "--json", server=server)
    assert done.code == 1
    found = verdicts(done)
    assert (found["health"], found["server"], found["store"], found["commits"]) == ("bad",) * 4


def test_a_server_without_a_health_service_is_told_of(stretto):
    diagnosed = operations_service_pb2.DiagnoseResponse()
    with serving(**{f"{OPERATIONS}/Diagnose": says(diagnosed)}) as server:
        assert verdicts(stretto("doctor", "--json", server=server))["health"] == "warn"


@pytest.mark.parametrize(
    ("code", "check", "exits", "word"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "health", 1, "--token"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "answer", 6, "--timeout"),
        (grpc.StatusCode.INTERNAL, "answer", 6, "is it a gRPC server?"),
    ],
)
def test_a_health_check_that_fails_says_why(stretto, code, check, exits, word):
    with serving(**{f"{HEALTH}/Check": refuses(code, "no")}) as server:
        done = stretto("doctor", "--json", server=server)
    assert done.code == exits
    (finding,) = [finding for finding in done.json["findings"] if finding["check"] == check]
    assert finding["verdict"] == "bad"
    assert word in finding["advice"]


def test_commits_that_somebody_else_times_are_tried_later(stretto):
    busy = []

    def diagnose(request, context):
        if request.commits:
            busy.append(request.commits)
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "somebody else times commits")
        return operations_service_pb2.DiagnoseResponse()

    handler = grpc.unary_unary_rpc_method_handler(diagnose, operations_service_pb2.DiagnoseRequest.FromString, as_bytes)
    with serving(**{f"{HEALTH}/Check": says(b"\x08\x01"), f"{OPERATIONS}/Diagnose": handler}) as server:
        done = stretto("doctor", "--json", server=server)
    assert verdicts(done)["commits"] == "warn"
    assert busy == [20]
