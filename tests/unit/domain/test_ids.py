"""Identifiers."""

from stretto.server.domain.ids import new_member_id


def test_a_member_id_begins_with_its_name_and_differs_at_each_start() -> None:
    ids = [new_member_id("eu.1") for _ in range(100)]
    assert len(set(ids)) == len(ids)
    assert all(member_id.startswith("eu.1-") and len(member_id) == 13 for member_id in ids)
