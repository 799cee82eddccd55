"""Times as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from stretto.cli._exits import CommandError
from stretto.cli._when import after_now, before_now, duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("1.5h", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("2w1d", timedelta(days=15)),
        ("", None),
        ("30", None),
        ("30 s", None),
        ("s", None),
        ("-5s", None),
    ],
)
def test_a_duration_has_units(text, length) -> None:
    assert duration(text) == length


def test_what_is_no_duration_is_a_moment_in_local_time_or_in_its_zone() -> None:
    assert after_now("2030-01-01T12:00:00+00:00", "--deadline") == datetime(2030, 1, 1, 12, tzinfo=UTC)
    local = after_now("2030-01-01T12:00", "--deadline")
    assert isinstance(local, datetime)
    assert local.tzinfo is not None
    assert local.replace(tzinfo=None) == datetime(2030, 1, 1, 12)  # noqa: DTZ001 - This is what was written.


def test_a_duration_counts_forwards_or_backwards() -> None:
    assert timedelta(minutes=59) < after_now("1h", "--deadline") - datetime.now(UTC) < timedelta(minutes=61)
    assert timedelta(minutes=59) < datetime.now(UTC) - before_now("1h", "--since") < timedelta(minutes=61)


@pytest.mark.parametrize("text", ["soon", "30", "0s", "2030-13-01", "999999999999d", "9999999d"])
def test_what_is_neither_names_the_option(text) -> None:
    with pytest.raises(CommandError, match="--since"):
        before_now(text, "--since")
    with pytest.raises(CommandError, match="--deadline"):
        after_now(text, "--deadline")
