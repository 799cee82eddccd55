"""What sources that answered have left out, as warnings of the report."""

import pytest

from stretto.workflows.troubleshooting.gaps import GAPS_MAX, gaps_of
from stretto.workflows.troubleshooting.knowledge import Knowledge
from stretto.workflows.troubleshooting.logs import Logs
from stretto.workflows.troubleshooting.sources import Sources, sources_of
from tests.unit.workflows.troubleshooting.evidence_made import case, reading


def test_what_logs_and_runbooks_left_out_is_told(tmp_path):
    (tmp_path / "etl.log").write_bytes(b"ERROR\0")
    (tmp_path / "memory.md").write_text("# Memory\nCause: GREED\n")
    sources = sources_of(knowledge=Knowledge(tmp_path), logs=Logs(tmp_path))
    assert gaps_of(case(reading()), sources) == ()
    sources.knowledge({"terms": ["memory"]})
    sources.logs({"terms": [], "instance": ""}, "etl")
    assert gaps_of(case(reading()), sources) == (
        "Runbooks: memory.md is for the cause GREED, which there is not; it is kept without one.",
        "Logs: etl.log is left out: it is not text.",
    )
    assert gaps_of(case(reading(), silent=["logs", "knowledge"]), sources) == ()


def test_a_machine_of_which_there_are_no_readings_is_told():
    asked = case(reading(), message="Why is worker-33 so slow?")
    assert gaps_of(asked, Sources()) == ("The metrics have no readings of worker-33.",)
    assert gaps_of(case(reading(), message="Why is worker-3 so slow?"), Sources()) == ()


def test_no_more_is_told_than_anybody_reads():
    told = [f"{number}.log is left out" for number in range(GAPS_MAX + 2)]
    gaps = gaps_of(case(reading()), Sources(left_out={"logs": lambda: told}))
    assert len(gaps) == GAPS_MAX + 1
    assert (gaps[0], gaps[-1]) == ("Logs: 0.log is left out.", "Logs: 2 more things are left out.")


@pytest.mark.parametrize(
    ("instance", "told"),
    [("", "The metrics have no readings."), ("worker-33", "The metrics have no readings of worker-33.")],
)
def test_metrics_that_know_nothing_are_told(instance, told):
    assert gaps_of(case(instance=instance), Sources()) == (told,)
    assert gaps_of(case(instance=instance, silent=["metrics"]), Sources()) == ()
