"""What the doctor makes of a server's words."""

import pytest
from google.protobuf.json_format import ParseDict

from stretto.cli._doctor import Verdict
from stretto.cli._doctor._judge import judge, judge_clocks, judge_commits, judge_echo, judge_version, median
from stretto.operations.v1.diagnosis_pb2 import Diagnosis

WELL = {
    "version": "1",
    "started_at": "2027-01-15T08:00:00Z",
    "answered_at": "2027-01-15T09:02:00Z",
    "python_version": "3.11.7",
    "langgraph_version": "1.2.22",
    "store": {
        "kind": "STORE_KIND_SQLITE",
        "durability": "DURABILITY_FULL",
        "healthy": True,
        "free_bytes": 10 << 30,
        "free_bytes_min": 1 << 30,
    },
    "executors": {"wanted": 2, "alive": 2},
    "workflows": {"running": 3, "concurrency_max": 10, "queued": 0, "queue_max": 100},
    "watches": {"open": 5, "open_max": 100},
    "sharing": {"member_id": "server-1"},
}


def found(**changes):
    """Findings by check, after some changes to a server that is well."""
    said = {
        name: ({**value, **changes.get(name, {})} if isinstance(value, dict) else value) for name, value in WELL.items()
    }
    said |= {name: value for name, value in changes.items() if not isinstance(value, dict)}
    return {finding.check: finding for finding in judge(ParseDict(said, Diagnosis()))}


def test_a_server_that_is_well_has_no_advice():
    findings = found()
    assert set(findings) == {"server", "store", "space", "executors", "queue", "watches", "sharing"}
    assert all(finding.verdict is Verdict.OK and not finding.advice for finding in findings.values())
    assert findings["server"].measured == "up for 1 h 2 min, Python 3.11.7, LangGraph 1.2.22"
    assert findings["queue"].measured == "3 of at most 10 running, 0 of at most 100 queued"


@pytest.mark.parametrize(
    ("change", "check", "verdict", "word"),
    [
        ({"draining": True}, "server", Verdict.BAD, "shutting down"),
        ({"store": {"healthy": False, "fault": "The disk is full."}}, "store", Verdict.BAD, "The disk is full."),
        ({"store": {"durability": "DURABILITY_NONE"}}, "store", Verdict.WARN, "none"),
        ({"store": {"kind": "STORE_KIND_REDIS", "durability": "DURABILITY_NONE"}}, "store", Verdict.WARN, "redis"),
        ({"store": {"durability": "DURABILITY_NORMAL"}}, "store", Verdict.WARN, "normal"),
        ({"store": {"free_bytes": 1}}, "space", Verdict.BAD, "0.0 GiB free"),
        ({"store": {"free_bytes": 3 << 29}}, "space", Verdict.WARN, "1.5 GiB free"),
        ({"executors": {"alive": 0}}, "executors", Verdict.BAD, "0 of 2 alive"),
        ({"executors": {"alive": 2, "stalled": 2}}, "executors", Verdict.BAD, "2 stalled"),
        ({"executors": {"alive": 2, "stalled": 1}}, "executors", Verdict.WARN, "1 stalled"),
        ({"executors": {"alive": 1}}, "executors", Verdict.WARN, "1 of 2 alive"),
        ({"workflows": {"queued": 100}}, "queue", Verdict.BAD, "100 of at most 100"),
        (
            {"sharing": {"work_queue": {"disconnected_since": "2027-01-15T08:57:00Z"}}},
            "sharing",
            Verdict.BAD,
            "not connected for 5 min",
        ),
        ({"workflows": {"queued": 80}}, "queue", Verdict.WARN, "80 of at most 100"),
        ({"workflows": {"queued": 1, "running": 10}}, "queue", Verdict.WARN, "10 of at most 10"),
        ({"watches": {"open": 100}}, "watches", Verdict.BAD, "100 of at most 100"),
        ({"watches": {"open": 80}}, "watches", Verdict.WARN, "80 of at most 100"),
    ],
)
def test_what_is_wrong_is_found_and_comes_with_advice(change, check, verdict, word):
    findings = found(**change)
    finding = findings.pop(check)
    assert finding.verdict is verdict
    assert word in finding.measured
    assert finding.advice
    assert all(other.verdict is Verdict.OK for other in findings.values())


def test_a_store_in_memory_has_no_space_to_run_out_of():
    said = ParseDict({"store": {"kind": "STORE_KIND_MEMORY", "healthy": True}}, Diagnosis())
    space = next(finding for finding in judge(said) if finding.check == "space")
    assert space.verdict is Verdict.OK


@pytest.mark.parametrize(
    ("server", "verdict"), [("1.2.0", Verdict.OK), ("1.1.0", Verdict.WARN), ("1.3.0", Verdict.WARN)]
)
def test_versions_are_compared(server, verdict):
    assert judge_version(server, "1.2.0").verdict is verdict


@pytest.mark.parametrize(
    ("ahead", "unsure", "verdict"),
    [
        (0.5, 0.1, Verdict.OK),
        (-1.9, 0.0, Verdict.OK),
        (5, 4, Verdict.OK),
        (5, 0.1, Verdict.WARN),
        (-60, 1, Verdict.WARN),
    ],
)
def test_clocks_are_compared_as_exactly_as_the_way_allows(ahead, unsure, verdict):
    assert judge_clocks(ahead, unsure).verdict is verdict


@pytest.mark.parametrize(("middle", "verdict"), [(1, Verdict.OK), (49, Verdict.OK), (80, Verdict.WARN)])
def test_slow_echoes_are_told_of(middle, verdict):
    assert judge_echo([0.1, middle, 500]).verdict is verdict


@pytest.mark.parametrize(("middle", "verdict"), [(1, Verdict.OK), (11, Verdict.WARN), (300, Verdict.BAD)])
def test_slow_commits_are_told_of(middle, verdict):
    finding = judge_commits([0.1, middle, 500], "")
    assert finding.verdict is verdict
    assert ("SSD" in finding.advice) == (verdict is not Verdict.OK)
    assert finding.values["p50_ms"] == middle


def test_commits_that_failed_are_bad_and_none_at_all_is_told_of():
    assert judge_commits([1.0], "The disk is full.").verdict is Verdict.BAD
    assert judge_commits([], "").verdict is Verdict.WARN


def test_the_median_is_the_one_in_the_middle():
    assert median([5, 1, 3]) == 3


def test_a_server_that_leaves_the_work_to_others_misses_no_executors():
    finding = found(executors={"wanted": 0, "alive": 0})["executors"]
    assert (finding.verdict, finding.measured) == (Verdict.OK, "none here: workers run the workflows")


def test_a_shared_store_is_told_of_with_its_work_queue():
    sharing = {"store_shared": True, "work_queue": {"connected": True}}
    finding = found(sharing=sharing)["sharing"]
    assert finding.verdict is Verdict.OK
    assert finding.measured == "server-1 is one of those that `stretto members` lists; the work queue is connected"
    assert finding.values == {"member_id": "server-1", "store_shared": True, "work_queue_connected": True}
    assert found()["sharing"].measured == "it has its store to itself, as server-1"


@pytest.mark.parametrize(
    ("kind", "advice"),
    [("SQLITE", "--synchronous FULL"), ("MEMORY", "sqlite:FILE"), ("POSTGRESQL", "fsync"), ("REDIS", "appendfsync")],
)
def test_each_kind_of_store_has_its_own_advice_on_durability(kind, advice):
    for durability in ("NORMAL", "NONE"):
        store = {"kind": f"STORE_KIND_{kind}", "durability": f"DURABILITY_{durability}"}
        assert advice in found(store=store)["store"].advice
