import pytest
from pydantic import ValidationError

from stretto.server.domain.settings import Settings


def test_what_nobody_sets_is_safe():
    settings = Settings()
    assert settings.metrics_port == 0
    assert settings.metrics_host == "127.0.0.1"
    assert settings.model == ""
    assert settings.pace == 0
    assert settings.orchestrator


@pytest.mark.parametrize(
    "wrong",
    [
        {"listen": "localhost"},
        {"listen": "localhost:70000"},
        {"model": "gpt-4o-mini"},
        {"model": "openai:"},
        {"model_url": "localhost:8000"},
        {"model_seconds_max": 0},
        {"model_attempts_max": 0},
        {"pace": -1},
        {"pace": float("nan")},
        {"turn_seconds_max": 0},
        {"turn_seconds_max": 601},
        {"turns_max": 0},
        {"metrics_port": 65_536},
        {"metrics_host": ""},
        {"no_such_setting": 1},
    ],
)
def test_a_wrong_value_is_refused_by_its_name(wrong):
    with pytest.raises(ValidationError) as refused:
        Settings(**wrong)
    assert [fault["loc"][-1] for fault in refused.value.errors()] == list(wrong)


def test_a_model_may_have_a_name_with_colons_and_slashes():
    settings = Settings(model="ollama:library/llama3:8b", model_url="http://127.0.0.1:11434")
    assert settings.model == "ollama:library/llama3:8b"
