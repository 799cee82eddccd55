from stretto.models import Tokens
from stretto.workflows.project_audit import spent
from stretto.workflows.project_audit.spent import Meters, Spent


def test_meters_are_read_once():
    meters = Meters()
    meters.of("one", "compliance").add(Tokens(prompt=7, answer=2, attempts=1, attempts_counted=1))
    meters.of("one", "comprehensive")
    meters.of("two", "compliance").add(Tokens(prompt=1, attempts=1))
    assert meters.read("one") == {"compliance": Spent(prompt=7, answer=2, counted=True), "comprehensive": Spent()}
    assert meters.read("one") == {}
    assert meters.read("two") == {"compliance": Spent(prompt=1)}


def test_a_query_that_is_asked_again_is_paid_for_again():
    meters = Meters()
    for _ in range(2):
        meters.of("one", "compliance").add(Tokens(prompt=7, attempts=1))
    assert meters.read("one")["compliance"].prompt == 14


def test_meters_that_nobody_reads_are_forgotten_in_the_end(monkeypatch):
    monkeypatch.setattr(spent, "AUDITS_MAX", 2)
    meters = Meters()
    for audit in ("one", "two", "three"):
        meters.of(audit, "compliance")
    assert meters.read("one") == {}
    assert set(meters.read("three")) == {"compliance"}
