import threading
from pathlib import Path

import pytest

import stretto.workflows.troubleshooting.settings
from stretto.server import Misconfigured
from stretto.workflows.troubleshooting.settings import TroubleshootingSettings

PREFIX = "STRETTO_TROUBLESHOOTING"


def settings(**values):
    return TroubleshootingSettings.from_environment({f"{PREFIX}_{name}": value for name, value in values.items()})


def test_without_variables_only_the_shipped_runbooks_are_there():
    found = settings()
    assert (found.scheduler_url, found.metrics_url, found.logs) == ("", "", None)
    assert found.runbooks_folder == Path(stretto.workflows.troubleshooting.settings.__file__).with_name("runbooks")
    assert (found.source_seconds_max, found.seconds_max, found.log_cache_seconds) == (5, 10, 10)


def test_each_variable_is_read():
    found = settings(
        SCHEDULER_URL="https://airflow.example/prefix",
        SCHEDULER_TOKEN="abc",
        METRICS_URL="http://[::1]:9090",
        RUNBOOKS="/srv/runbooks",
        LOGS="/var/log/jobs",
        SOURCE_SECONDS_MAX="2.5",
        SECONDS_MAX="4",
        LOG_CACHE_SECONDS="0",
    )
    assert found.scheduler_url == "https://airflow.example/prefix"
    assert found.scheduler_token.get_secret_value() == "abc"
    assert found.metrics_url == "http://[::1]:9090"
    assert (found.runbooks_folder, found.logs) == (Path("/srv/runbooks"), Path("/var/log/jobs"))
    assert (found.source_seconds_max, found.seconds_max, found.log_cache_seconds) == (2.5, 4, 0)


def test_an_empty_variable_is_as_good_as_none():
    assert settings(SCHEDULER_URL=" ", LOGS="") == settings()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SCHEDULER_URL", "localhost:8080", "is 'localhost:8080': it must be a URL of http or https"),
        ("METRICS_URL", "http://", "is 'http://': it must be a URL of http or https"),
        ("METRICS_URL", "http://host:port", "is 'http://host:port': it must be a URL of http or https"),
        ("METRICS_URL", "http://a b", "is 'http://a b': it must be a URL of http or https without blanks"),
        ("METRICS_URL", "http://a\tb", "is 'http://a\\tb': it must be a URL"),
        ("METRICS_URL", "http://a..b", "is 'http://a..b': it must be a URL"),
        ("LOGS", __file__, f"is {__file__!r}: it must be a folder, and that is something else"),
        ("RUNBOOKS", "/dev/null", "is '/dev/null': it must be a folder"),
        ("SOURCE_SECONDS_MAX", "0", "is '0': Input should be greater than 0"),
        ("SOURCE_SECONDS_MAX", "nan", "is 'nan': Input should be"),
        ("SECONDS_MAX", "soon", "is 'soon': Input should be a valid number"),
        ("LOG_CACHE_SECONDS", "-1", "is '-1': Input should be greater than or equal to 0"),
    ],
)
def test_a_wrong_value_is_told_with_its_key_and_what_is_allowed(name, value, told):
    with pytest.raises(Misconfigured) as caught:
        settings(**{name: value})
    assert str(caught.value).startswith(f"{PREFIX}_{name} {told}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SCHEDULER_TOKEN", "hunter2 and more"),
        ("SCHEDULER_TOKEN", "hunter2\r\nX-Admin: 1"),
        ("SCHEDULER_TOKEN", "hunter2é"),
        ("SCHEDULER_URL", "http://admin:hunter2@host"),
        ("METRICS_URL", "http://host/?key=hunter2"),
    ],
)
def test_a_wrong_secret_is_refused_and_not_shown(name, value):
    with pytest.raises(Misconfigured, match=f"{PREFIX}_{name} is of a wrong form: it must be") as caught:
        settings(**{name: value})
    assert "hunter2" not in f"{caught.value!r} {caught.value.__context__!r} {caught.value.__cause__!r}"


def test_a_token_is_not_shown():
    assert "abc" not in f"{settings(SCHEDULER_TOKEN='abc')!r} {settings(SCHEDULER_TOKEN='abc')}"


def test_a_folder_that_does_not_exist_may_come_later(tmp_path):
    assert settings(LOGS=str(tmp_path / "later")).logs == tmp_path / "later"


def test_a_folder_that_hangs_holds_nobody_up(monkeypatch, tmp_path):
    came_back = threading.Event()
    monkeypatch.setattr(stretto.workflows.troubleshooting.settings, "LOOK_SECONDS_MAX", 0)
    monkeypatch.setattr(Path, "exists", lambda _: came_back.wait())
    assert settings(LOGS=str(tmp_path)).logs == tmp_path
    came_back.set()


@pytest.mark.parametrize(
    ("name", "nearest"), [("SCHEDULER_ULR", "SCHEDULER_URL"), ("LOG", "LOGS"), ("METRIC_URL", "METRICS_URL")]
)
def test_a_misspelt_variable_is_told_with_the_nearest_one(name, nearest):
    with pytest.raises(Misconfigured) as caught:
        settings(**{name: "hunter2"})
    assert str(caught.value) == f"{PREFIX}_{name} is no variable of Stretto's; did you mean {PREFIX}_{nearest}?"


def test_a_misspelt_variable_that_is_empty_is_as_good_as_none():
    assert settings(SCHEDULER_ULR=" ") == settings()
