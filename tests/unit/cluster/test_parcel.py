"""What crosses the bus, and what is left out of it."""

import ormsgpack
import pytest

from stretto.server.cluster._parcel import (
    HEADS_MAX,
    JOURNAL_BYTES_MAX,
    PARCEL_BYTES_MAX,
    VERSION,
    Parcel,
    Unreadable,
    unpack,
)
from stretto.server.engine.news import News
from tests.unit.cluster.news import news, session_news, workflow_news


def sent(*told: News) -> News:
    parcel = Parcel()
    for one in told:
        parcel.add(one)
    return unpack(parcel.pack(b"sender")).news


def test_news_arrive_as_they_were_told() -> None:
    told = News(sessions=(session_news(3, b"said"),), workflows=(workflow_news(1, b"one", b"two"), workflow_news(2)))

    assert sent(told) == told


def test_all_that_waits_is_one_message_in_the_order_of_telling() -> None:
    assert [one.last_sequence for one in sent(news(1), news(2), news(3)).workflows] == [1, 2, 3]


def test_the_events_of_a_large_commit_are_left_out_and_its_head_is_not() -> None:
    large, small = workflow_news(1, b"x" * (JOURNAL_BYTES_MAX + 1)), workflow_news(2, b"x" * JOURNAL_BYTES_MAX)

    heard = sent(News(workflows=(large, small)))

    assert heard.workflows[0].events == ()
    assert heard.workflows[0].last_sequence == 1
    assert heard.workflows[1] == small


def test_a_full_message_takes_heads_only() -> None:
    full = PARCEL_BYTES_MAX // JOURNAL_BYTES_MAX
    told = News(workflows=tuple(workflow_news(number, b"x" * JOURNAL_BYTES_MAX) for number in range(full + 1)))

    heard = sent(told)

    assert [bool(one.events) for one in heard.workflows] == [True] * full + [False]


def test_what_is_too_much_for_one_message_is_told_of_as_missed() -> None:
    parcel = Parcel()
    parcel.add(News(workflows=(workflow_news(),) * HEADS_MAX))
    assert not unpack(parcel.pack(b"sender")).missed

    parcel.add(news())

    heard = unpack(parcel.pack(b"sender"))
    assert heard.missed
    assert len(heard.news.workflows) == HEADS_MAX


ROW = ["default", "wf_1", "beekeeping", "ses_1", 2, 1, 1, False, []]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x02" + ormsgpack.packb((b"sender", False, [], [])),
        VERSION,
        VERSION + b"not msgpack",
        VERSION + ormsgpack.packb((b"sender", False, [])),
        VERSION + ormsgpack.packb((b"sender", False, 1, [])),
        VERSION + ormsgpack.packb((b"sender", False, [1], [])),
        VERSION + ormsgpack.packb((b"sender", False, [ROW[:-1]], [])),
        VERSION + ormsgpack.packb((b"sender", False, [[*ROW[:4], 99, *ROW[5:]]], [])),
        VERSION + ormsgpack.packb((b"sender", False, [[["a", "list"], *ROW[1:]]], [])),
        VERSION + ormsgpack.packb((b"sender", False, [[*ROW[:8], [[1, "text"]]]], [])),
    ],
)
def test_what_is_not_of_this_release_is_unreadable(message: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack(message)
