"""What a server says at its start of the settings of its workflow types."""

import json
import threading
from contextlib import contextmanager

import pytest

from tests.e2e.starting import ended, serve

SHIPPED = "stretto.workflows:app"
SILENT = ("--no-orchestrator",)
"""Without the process for turns, which starts slowly, where it has none of the settings."""
APP = """
from stretto.server import App, Misconfigured

app = App()
raise {error}("SHOP_CURRENCY is 'gold'; allowed is EUR or USD.")
"""


@contextmanager
def patience(server):
    """A server that says nothing is ended, so that what waits for a word of it fails."""
    end = threading.Timer(60, server.kill)
    end.start()
    try:
        yield
    finally:
        end.cancel()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("STRETTO_TROUBLESHOOTING_METRICS_URL", "http://a b", "is 'http://a b': it must be a URL"),
        ("STRETTO_TROUBLESHOOTING_LOGS", __file__, f"is {__file__!r}: it must be a folder"),
        ("STRETTO_TROUBLESHOOTING_SCHEDULER_ULR", "http://a", "is no variable of Stretto's; did you mean"),
        ("STRETTO_AUDIT_QUERY_SECONDS_MAX", "0", "is '0': Input should be greater than 0"),
        ("STRETTO_MODEL_ULR", "http://a", "is no variable of Stretto's; did you mean STRETTO_MODEL_URL?"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(tmp_path, variable, value, told):
    flags = () if "MODEL" in variable else SILENT
    done = ended(serve(tmp_path, *flags, target=SHIPPED, **{variable: value}))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"stretto: {variable} {told}")


def test_an_app_of_ones_own_says_it_likewise(tmp_path):
    (tmp_path / "shop.py").write_text(APP.format(error="Misconfigured"))
    done = ended(serve(tmp_path, *SILENT, target="shop:app", PYTHONPATH=str(tmp_path)))
    assert (done.returncode, done.stderr) == (1, "stretto: SHOP_CURRENCY is 'gold'; allowed is EUR or USD.\n")


def test_where_it_failed_is_told_of_any_other_error(tmp_path):
    (tmp_path / "shop.py").write_text(APP.format(error="ValueError"))
    done = ended(serve(tmp_path, *SILENT, target="shop:app", PYTHONPATH=str(tmp_path)))
    assert done.returncode == 1
    assert done.stderr.startswith("stretto: Loading the graphs failed:\nTraceback")
    assert "shop.py" in done.stderr


def test_the_log_says_which_sources_troubleshooting_has_and_what_they_lack(tmp_path):
    prefix, later = "STRETTO_TROUBLESHOOTING", tmp_path / "later"
    set_ = {f"{prefix}_METRICS_URL": "http://127.0.0.1:9", f"{prefix}_LOGS": str(later)}
    server = serve(tmp_path, "--executors=2", *SILENT, target=SHIPPED, **set_)
    lines = []
    with server, patience(server):
        for line in server.stderr:
            lines.append(json.loads(line))
            if lines[-1]["event"] == "troubleshooting_finds_nothing":
                server.terminate()
    [asks] = [line for line in lines if line["event"] == "troubleshooting_asks"]
    assert asks["sources"] == ["knowledge", "logs", "metrics"]
    assert asks["advice"] == f"More are switched on by {prefix}_SCHEDULER_URL (scheduler)."
    [warning] = [line for line in lines if line["event"] == "troubleshooting_finds_nothing"]
    assert warning["variable"] == f"{prefix}_LOGS"
    assert warning["reason"] == f"The folder of logs {later} cannot be read: No such file or directory."
