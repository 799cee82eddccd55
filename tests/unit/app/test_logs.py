import pytest

from stretto.server.app import logs


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_says_where_but_not_what_callers_sent(form):
    def fails(payload):
        raise KeyError(len(payload))

    with pytest.raises(KeyError) as caught:
        fails("secret" * 2)
    event = {"event": "broke", "exc_info": caught.value}
    for processor in logs._rendering(form):
        event = processor(None, "error", event)
    assert "in fails" in event
    assert "secretsecret" not in event
