"""What a server says at its start of the settings of its workflow types."""

import pytest

from tests.e2e.starting import ended, serve

SHIPPED = "stretto.workflows:app"
APP = """
from stretto.server import App, Misconfigured

app = App()
raise {error}("SHOP_CURRENCY is 'gold'; allowed is EUR or USD.")
"""


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
    done = ended(serve(tmp_path, target=SHIPPED, **{variable: value}))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"stretto: {variable} {told}")


def test_an_app_of_ones_own_says_it_likewise(tmp_path):
    (tmp_path / "shop.py").write_text(APP.format(error="Misconfigured"))
    done = ended(serve(tmp_path, target="shop:app", PYTHONPATH=str(tmp_path)))
    assert (done.returncode, done.stderr) == (1, "stretto: SHOP_CURRENCY is 'gold'; allowed is EUR or USD.\n")


def test_where_it_failed_is_told_of_any_other_error(tmp_path):
    (tmp_path / "shop.py").write_text(APP.format(error="ValueError"))
    done = ended(serve(tmp_path, target="shop:app", PYTHONPATH=str(tmp_path)))
    assert done.returncode == 1
    assert done.stderr.startswith("stretto: Loading the graphs failed:\nTraceback")
    assert "shop.py" in done.stderr
