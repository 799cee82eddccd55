import pytest

from stretto.server.app import crews
from stretto.server.domain.settings import Settings


@pytest.mark.parametrize(
    ("stall_seconds", "turn_seconds", "patience"),
    [(300, 30, 30), (0, 30, 30), (20, 30, 20), (300, 0.5, 10)],
    ids=["as long as a turn", "though workflows may block for ever", "never longer than workflows", "not at once"],
)
def test_an_executor_of_turns_that_hangs_is_replaced_when_its_turns_are_lost(
    monkeypatch, stall_seconds, turn_seconds, patience
):
    made = []
    monkeypatch.setattr(crews, "Supervisor", lambda settings, *_, **__: made.append(settings))
    settings = Settings(executor_stall_seconds_max=stall_seconds, turn_seconds_max=turn_seconds)
    crews.Crews(settings, ["app:app"], None, None, None)
    of_workflows, of_turns = made
    assert of_workflows == settings
    assert of_turns.executor_stall_seconds_max == patience
