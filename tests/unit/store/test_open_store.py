"""Which store a URL names."""

import pytest

from stretto.server.store import open_store
from stretto.server.store.memory import MemoryStore
from stretto.server.store.postgres import PostgresStore
from stretto.server.store.sqlite import SqliteStore
from tests.contract.making import ENCODERS


def test_a_url_names_a_store():
    assert isinstance(open_store("memory:", ENCODERS), MemoryStore)
    assert isinstance(open_store("sqlite:some/file.db", ENCODERS), SqliteStore)
    for scheme in ("postgresql", "postgres"):
        assert isinstance(open_store(f"{scheme}://me@there/db", ENCODERS, shared=True), PostgresStore)


@pytest.mark.parametrize("url", ["", "file.db", "sqlite:", "sqlite::memory:", "memory:x", "mysql://there"])
def test_another_url_is_refused_with_what_is_allowed(url):
    with pytest.raises(ValueError, match=r"must be sqlite:PATH, .* or memory:"):
        open_store(url, ENCODERS)
