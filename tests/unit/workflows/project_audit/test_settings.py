import pytest

from stretto.server import Misconfigured
from stretto.workflows.project_audit.settings import AuditSettings


def settings(value):
    return AuditSettings.from_environment({"STRETTO_AUDIT_QUERY_SECONDS_MAX": value})


def test_a_query_has_fifteen_seconds():
    assert AuditSettings.from_environment({}).query_seconds_max == 15
    assert settings(" ").query_seconds_max == 15


def test_the_environment_can_give_it_others():
    assert settings("2.5").query_seconds_max == 2.5


@pytest.mark.parametrize("value", ["0", "-1", "601", "soon", "nan"])
def test_a_wrong_time_is_told_with_its_name_and_value(value):
    with pytest.raises(Misconfigured, match=rf"^STRETTO_AUDIT_QUERY_SECONDS_MAX is '{value}': .+$"):
        settings(value)


def test_a_misspelt_variable_is_told_with_the_right_one():
    told = "^STRETTO_AUDIT_SECONDS is no variable of Stretto's; did you mean STRETTO_AUDIT_QUERY_SECONDS_MAX\\?$"
    with pytest.raises(Misconfigured, match=told):
        AuditSettings.from_environment({"STRETTO_AUDIT_SECONDS": "3"})
