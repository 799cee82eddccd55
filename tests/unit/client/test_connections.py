"""Which of several servers the next call goes to, without any network."""

from collections.abc import Callable

import pytest

from stretto.client import Client
from stretto.client._backoff import FIRST_SECONDS, Backoff
from stretto.client._channel import addresses
from stretto.client._sync import _connections
from stretto.client._sync._connections import REST_SECONDS, Connections
from stretto.client._sync._io import Connection, Stubs


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets time pass."""
    passed = [100.0]
    monkeypatch.setattr(_connections.time, "monotonic", lambda: passed[0])

    def wait(seconds: float) -> None:
        passed[0] += seconds

    return wait


def connections(*targets: str) -> Connections:
    return Connections([Connection(target, None, ()) for target in targets])


def by_turns(found: Connections, count: int) -> list[Stubs]:
    return [found.stubs() for _ in range(count)]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("host:1", ("host:1",)),
        ("a:1,b:2", ("a:1", "b:2")),
        (" a:1 , b:2,", ("a:1", "b:2")),
        ("a:1,b:2,a:1", ("a:1", "b:2")),
        ("[::1]:1,[::2]:1", ("[::1]:1", "[::2]:1")),
        (["a:1", "b:2"], ("a:1", "b:2")),
        (["ipv4:127.0.0.1:1,127.0.0.2:1"], ("ipv4:127.0.0.1:1,127.0.0.2:1",)),
        ("", ("",)),
        (" ", (" ",)),
    ],
)
def test_a_text_names_servers_with_commas_between_and_a_list_as_items(target, expected) -> None:
    assert addresses(target) == expected


@pytest.mark.parametrize("nothing", [[], [""]])
def test_a_list_without_a_server_is_refused(nothing: list[str]) -> None:
    with pytest.raises(ValueError, match="No server is named"):
        Client(nothing)


def test_each_server_has_its_turn() -> None:
    with_three = by_turns(connections("a", "b", "c"), 6)
    assert {stubs.target for stubs in with_three[:3]} == {"a", "b", "c"}
    assert with_three[:3] == with_three[3:]


def test_the_first_turn_is_anybodys() -> None:
    assert {connections("a", "b").stubs().target for _ in range(100)} == {"a", "b"}


def test_a_server_that_failed_is_left_out_for_a_while(clock: Callable[[float], None]) -> None:
    found = connections("a", "b", "c")
    failed = found.stubs()
    found.failed(failed)
    assert {stubs.target for stubs in by_turns(found, 10)} == {"a", "b", "c"} - {failed.target}
    clock(REST_SECONDS)
    assert {stubs.target for stubs in by_turns(found, 3)} == {"a", "b", "c"}


def test_when_all_failed_the_one_that_did_so_first_is_asked_first(clock: Callable[[float], None]) -> None:
    found = connections("a", "b", "c")
    seen = []
    for _ in range(9):
        clock(REST_SECONDS / 10)
        seen.append(found.stubs())
        found.failed(seen[-1])
    assert len({stubs.target for stubs in seen[:3]}) == 3
    assert seen[:3] == seen[3:6] == seen[6:]


def test_the_only_server_is_asked_however_it_fails(clock: Callable[[float], None]) -> None:
    found = connections("a")
    found.failed(found.stubs())
    assert found.stubs().target == "a"


def test_there_is_no_pause_before_each_server_was_asked() -> None:
    backoff = Backoff()
    rounds = [[backoff.next(0.01, servers=3) for _ in range(3)] for _ in range(2_000)]
    assert all(first == second == 0.0 < third for first, second, third in rounds)
    assert FIRST_SECONDS / 2 <= rounds[0][2] <= FIRST_SECONDS
    assert rounds[0][2] < rounds[3][2]


def test_what_the_last_server_asks_for_is_waited_for() -> None:
    backoff = Backoff()
    assert [backoff.next(7.0, servers=2) for _ in range(4)] == [0.0, 7.0, 0.0, 7.0]
