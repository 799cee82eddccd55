import pytest
from structlog.testing import capture_logs

from stretto.workflows.troubleshooting import at_start

PREFIX = "STRETTO_TROUBLESHOOTING"


@pytest.fixture
def said(monkeypatch):
    def said(**values):
        for name in ("SCHEDULER_URL", "METRICS_URL", "LOGS", "RUNBOOKS"):
            monkeypatch.setenv(f"{PREFIX}_{name}", str(values.get(name, "")))
        with capture_logs() as lines:
            at_start.say()
        return lines

    return said


def test_the_log_says_what_switches_on_more_sources(said):
    [line] = said()
    assert (line["log_level"], line["sources"]) == ("info", ["knowledge"])
    assert line["advice"] == (
        f"More are switched on by {PREFIX}_SCHEDULER_URL (scheduler), {PREFIX}_LOGS (logs), {PREFIX}_METRICS_URL "
        "(metrics)."
    )


def test_nothing_is_advised_where_all_sources_are_on(said, tmp_path):
    (tmp_path / "a.log").touch()
    (tmp_path / "a.md").touch()
    [line] = said(SCHEDULER_URL="http://a", METRICS_URL="http://a", LOGS=tmp_path, RUNBOOKS=tmp_path)
    assert line["sources"] == ["scheduler", "knowledge", "logs", "metrics"]
    assert line["advice"] == "These are all that there are."


@pytest.mark.parametrize("name", ["LOGS", "RUNBOOKS"])
def test_an_empty_folder_is_warned_of(said, name, tmp_path):
    (tmp_path / "a.txt").touch()
    _, warning = said(**{name: tmp_path})
    assert (warning["log_level"], warning["variable"]) == ("warning", f"{PREFIX}_{name}")
    assert warning["reason"] == f"The folder of {name.lower()} {tmp_path} has none in it."


@pytest.mark.parametrize("name", ["LOGS", "RUNBOOKS"])
def test_a_folder_that_is_not_there_yet_is_warned_of(said, name, tmp_path):
    _, warning = said(**{name: tmp_path / "later"})
    assert warning["variable"] == f"{PREFIX}_{name}"
    assert "cannot be read: No such file or directory" in warning["reason"]
