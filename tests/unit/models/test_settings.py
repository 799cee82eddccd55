import builtins
import subprocess
import sys

import pytest

from stretto.models import ChatModel, ModelMisconfigured, ModelSettings, configured
from stretto.server.domain.settings import Settings


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    """A process that has not asked for its model yet, in an environment that names none."""
    for variable in ("MODEL", "MODEL_URL", "MODEL_SECONDS_MAX", "MODEL_ATTEMPTS_MAX"):
        monkeypatch.delenv(f"STRETTO_{variable}", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    configured.cache_clear()
    yield
    configured.cache_clear()


def test_there_is_no_model_where_none_is_named(monkeypatch):
    assert configured() is None
    monkeypatch.setenv("STRETTO_MODEL", " ")
    configured.cache_clear()
    assert configured() is None


async def test_the_environment_names_the_model_and_where_it_is(api, monkeypatch):
    for variable, value in api.environment.items():
        monkeypatch.setenv(variable, value)
    model = configured()
    assert isinstance(model, ChatModel)
    assert await model.write("", "Hello") == "You said: Hello"
    assert api.requests()[0]["body"]["model"] == "simulated"


def test_the_model_is_made_once(monkeypatch):
    monkeypatch.setenv("STRETTO_MODEL", "openai:x")
    monkeypatch.setenv("STRETTO_MODEL_URL", "http://127.0.0.1:1/v1")
    assert configured() is configured()


def test_models_of_one_name_and_address_have_one_circuit(monkeypatch):
    monkeypatch.setenv("STRETTO_MODEL", "openai:x")
    monkeypatch.setenv("STRETTO_MODEL_URL", "http://127.0.0.1:1/v1")
    first = configured()
    configured.cache_clear()
    assert configured()._guard.breaker is first._guard.breaker
    monkeypatch.setenv("STRETTO_MODEL_URL", "http://127.0.0.1:2/v1")
    configured.cache_clear()
    assert configured()._guard.breaker is not first._guard.breaker


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("STRETTO_MODEL", "gpt-4o", "STRETTO_MODEL is 'gpt-4o': it must be PROVIDER:NAME, such as openai:gpt-4o-mini"),
        ("STRETTO_MODEL", "openai:", "STRETTO_MODEL is 'openai:': it must be PROVIDER:NAME"),
        ("STRETTO_MODEL_URL", "localhost:1", "STRETTO_MODEL_URL is 'localhost:1': it must be a URL of http or https"),
        ("STRETTO_MODEL_SECONDS_MAX", "0", "STRETTO_MODEL_SECONDS_MAX is '0': Input should be greater than 0"),
        ("STRETTO_MODEL_SECONDS_MAX", "soon", "STRETTO_MODEL_SECONDS_MAX is 'soon': Input should be a valid number"),
        ("STRETTO_MODEL_ULR", "x", "STRETTO_MODEL_ULR is no variable of Stretto's; did you mean STRETTO_MODEL_URL?"),
        ("STRETTO_MODEL_ATTEMPTS_MAX", "99", "STRETTO_MODEL_ATTEMPTS_MAX is '99': Input should be less than or equal"),
    ],
)
def test_a_wrong_value_is_told_with_its_key_and_what_is_allowed(monkeypatch, variable, value, told):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ModelMisconfigured, match=variable) as caught:
        configured()
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("openai:x", "OPENAI_API_KEY"),
        ("nobodys:x", "nobodys:x"),
        ("fireworks:x", "pip install langchain-fireworks"),
    ],
)
def test_a_model_that_cannot_be_used_is_told_in_one_line(monkeypatch, model, told):
    monkeypatch.setenv("STRETTO_MODEL", model)
    with pytest.raises(ModelMisconfigured) as caught:
        configured()
    assert str(caught.value).startswith(f"STRETTO_MODEL is '{model}', which cannot be used: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["interlock", "stamina", "langchain.chat_models"])
def test_a_missing_extra_is_told_with_the_command_that_installs_it(monkeypatch, missing):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **more)

    monkeypatch.setenv("STRETTO_MODEL", "openai:x")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModelMisconfigured, match=r"pip install 'stretto\[model\]'"):
        configured()


def test_the_server_has_the_same_settings_with_the_same_defaults():
    server = {name: field for name, field in Settings.model_fields.items() if name.startswith("model")}
    ours = {name if name == "model" else f"model_{name}": field for name, field in ModelSettings.model_fields.items()}
    assert {name: field.default for name, field in server.items()} == {
        name: field.default for name, field in ours.items()
    }


def test_nothing_of_a_model_is_imported_before_one_is_configured():
    program = (
        "import sys, stretto.models; assert stretto.models.configured() is None; "
        "print({'langchain', 'langchain_core', 'langgraph', 'openai', 'interlock', 'stamina'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
