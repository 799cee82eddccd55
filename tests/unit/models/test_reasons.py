import pytest

from stretto.models import Reason


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_words_for_users(reason):
    assert " " in reason.told
    assert "_" not in reason.told
